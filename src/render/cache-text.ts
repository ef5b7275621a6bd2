/** `shunt cache stats` and `explain` in words, from the JSON of the admin endpoints. */
import type { RouteEvidence } from '../cache/semantic-contract.ts';
import { renderTable } from './table.ts';

interface Level {
  readonly entries: number;
  readonly bytes: number;
  readonly max_bytes: number;
}

interface Stats {
  readonly exact: { readonly memory: Level; readonly store: Level | null };
  readonly semantic: (Level & { readonly partitions: number; readonly evidence: readonly RouteEvidence[] }) | null;
}

const right = 'right' as const;

export function statsText(body: unknown): string {
  const { exact, semantic } = body as Stats;
  const level = (name: string, one: Level | null) =>
    one === null ? [name, '', 'none', ''] : [name, String(one.entries), megabytes(one.bytes), megabytes(one.max_bytes)];
  const columns = [
    { title: 'answers in' },
    { title: 'entries', align: right },
    { title: 'size', align: right },
    { title: 'limit', align: right },
  ];
  const rows = [level('memory', exact.memory), level('database', exact.store), level('semantic index', semantic)];
  const table = renderTable(columns, rows);
  if (semantic === null || semantic.evidence.length === 0) return table;
  return `${table}\n\n${evidenceTable(semantic.evidence)}`;
}

function evidenceTable(evidence: readonly RouteEvidence[]): string {
  const columns = [
    { title: 'route' },
    { title: 'verified', align: right },
    { title: 'wrong', align: right },
    { title: 'served, verified', align: right },
    { title: 'wrong', align: right },
    { title: '95% interval', align: right },
    { title: 'restarts', align: right },
  ];
  const rows = evidence.map(({ route, verified, wrong, served, restarts }) => [
    route,
    String(verified),
    String(wrong),
    String(served.verified),
    String(served.wrong),
    served.interval === null ? '' : served.interval.map(percent).join(' – '),
    String(restarts),
  ]);
  return renderTable(columns, rows);
}

interface Explanation {
  readonly route: string | null;
  readonly target: string;
  readonly reason: string;
  readonly mode: string;
  readonly refusal: string | null;
  readonly outcome: string;
  readonly exact: {
    readonly key: string;
    readonly found: boolean;
    readonly age_seconds: number | null;
    readonly model: string | null;
  } | null;
  readonly semantic: Look | null;
}

interface Look {
  readonly kind: 'hit' | 'would-hit' | 'miss';
  readonly why?: string;
  readonly similarity?: number;
  readonly score?: number;
  readonly threshold?: number | null;
  readonly nearest?: { readonly similarity: number } | null;
  readonly disagreement?: { readonly rule: string; readonly asked: string; readonly stored: string } | null;
}

export function explanationText(body: unknown): string {
  const { route, target, reason, mode, refusal, outcome, exact, semantic } = body as Explanation;
  const lines = [
    `${outcome}: ${outcomeWords[outcome] ?? ''}`,
    `  route     ${route ?? 'fallback'} → ${target} (${reason})`,
    `  caching   ${mode}${refusal === null ? '' : `, but: ${refusal}`}`,
  ];
  if (exact !== null) {
    const found = exact.found ? `stored ${exact.age_seconds} s ago, by ${exact.model}` : 'nothing stored';
    lines.push(`  exact     ${found} (key ${exact.key.slice(0, 12)}…)`);
  }
  if (semantic !== null) lines.push(`  semantic  ${lookText(semantic)}`);
  return lines.join('\n');
}

const outcomeWords: Readonly<Record<string, string>> = {
  hit: 'the stored answer would be given',
  semantic: "a similar prompt's answer would be given",
  miss: 'the backend would be asked, and its answer stored',
  bypass: 'the caches would take no part',
};

function lookText(look: Look): string {
  const { kind, why, similarity, score, threshold, nearest, disagreement } = look;
  if (kind !== 'miss') {
    const needed = threshold === null || threshold === undefined ? 'no evidence yet' : `needs ${threshold.toFixed(3)}`;
    return `${kind}${why === undefined ? '' : ` (${why})`}: similarity ${similarity?.toFixed(3)}, score ${score?.toFixed(3)}, ${needed}`;
  }
  const near = nearest ? `; the nearest has similarity ${nearest.similarity.toFixed(3)}` : '';
  const differs = disagreement
    ? `; they differ by ${disagreement.rule}: '${disagreement.asked}' is not '${disagreement.stored}'`
    : '';
  return `miss (${why})${near}${differs}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MB`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)}%`;
}
