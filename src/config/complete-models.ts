/**
 * Fills in what a config leaves unsaid about a model from tables: the user's `prices.file` first, then the shipped one,
 * which knows a model only at its provider's own address. Price, context and abilities are each filled in only when the
 * config names none of the three's own key. Works on the plain data, so that the schema reads all prices alike.
 */
import { modelTable, providerHosts, type TableEntry } from './model-table.ts';
import type { PriceSource } from './price-schema.ts';

/** One entry of `prices.file`, its price still as written. */
export interface FileEntry {
  /** Config name of the backend it holds for; any when not set. */
  readonly backend?: string;
  /** The provider's name of the model; one that ends in `*` stands for all that begin so. */
  readonly name: string;
  readonly usd_per_million?: unknown;
  readonly context?: number;
  readonly abilities?: readonly string[];
  readonly source?: string;
  readonly date?: string;
}

interface ModelDraft {
  backend?: unknown;
  model?: unknown;
  usd_per_million?: unknown;
  context?: unknown;
  abilities?: unknown;
}

interface Tables {
  readonly file: { readonly path: string; readonly entries: readonly FileEntry[] } | null;
  readonly shipped: boolean;
}

/** Changes the models of `data`; tells where each model's price is from. */
export function completeModels(data: unknown, tables: Tables): Map<string, PriceSource> {
  const sources = new Map<string, PriceSource>();
  for (const [name, model] of Object.entries(mapping(mapping(data).models))) {
    if (typeof model !== 'object' || model === null || Array.isArray(model)) continue;
    const draft = model as ModelDraft;
    const written = draft.usd_per_million !== undefined;
    const own = tables.file?.entries.filter((entry) => holds(entry, draft)).sort(longestFirst)[0];
    const shipped = tables.shipped ? shippedEntry(draft, mapping(data).backends) : undefined;
    for (const key of ['usd_per_million', 'context', 'abilities'] as const) {
      const value = own?.[key] ?? shipped?.[key];
      if (draft[key] === undefined && value !== undefined) draft[key] = structuredClone(value);
    }
    if (written) sources.set(name, { from: 'config', source: null, date: null });
    else if (own?.usd_per_million !== undefined) {
      sources.set(name, { from: 'file', source: own.source ?? tables.file?.path ?? null, date: own.date ?? null });
    } else if (shipped) sources.set(name, { from: 'shipped', source: shipped.source, date: shipped.date });
    else sources.set(name, { from: 'none', source: null, date: null });
  }
  return sources;
}

function holds(entry: FileEntry, draft: ModelDraft): boolean {
  if (entry.backend !== undefined && entry.backend !== draft.backend) return false;
  if (typeof draft.model !== 'string') return false;
  if (entry.name.endsWith('*')) return draft.model.startsWith(entry.name.slice(0, -1));
  return isNamed(draft.model, entry.name);
}

function longestFirst(a: FileEntry, b: FileEntry): number {
  return b.name.replace('*', '').length - a.name.replace('*', '').length;
}

function shippedEntry(draft: ModelDraft, backends: unknown): TableEntry | undefined {
  const { model } = draft;
  const host = hostOf(mapping(mapping(backends)[String(draft.backend)]).base_url);
  if (typeof model !== 'string' || host === null || !Object.hasOwn(providerHosts, host)) return undefined;
  const provider = providerHosts[host];
  return modelTable.find((entry) => entry.provider === provider && isNamed(model, entry.name));
}

/** The name itself, a dated one of it, or its `-latest`. */
function isNamed(model: string, name: string): boolean {
  if (!model.startsWith(name)) return false;
  return /^(-\d{4}-?\d{2}-?\d{2}|-latest)?$/.test(model.slice(name.length));
}

function hostOf(url: unknown): string | null {
  return typeof url === 'string' && URL.canParse(url) ? new URL(url).hostname : null;
}

function mapping(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
