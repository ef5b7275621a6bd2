/**
 * Labelled rows out of JSON Lines or CSV files (`.gz` too), one at a time. A row is a prompt (`text`, or `messages`, of
 * which the last user message counts) and its right route, `null` when it belongs to none. Other fields are kept.
 * Faults name file and line; up to twenty are gathered, so that a file is mended once.
 */

import { ShuntError } from '../base/errors.ts';
import { type Fault, FaultList } from '../base/fault.ts';
import type { ChatMessage } from '../gateway/chat-request.ts';
import { promptText, type TextPolicy } from '../gateway/prompt-text.ts';
import { csvRecords } from './csv-rows.ts';
import { textLines } from './text-lines.ts';

export interface DataRow {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  readonly text: string;
  /** null: out of scope. */
  readonly route: string | null;
  readonly extra: Readonly<Record<string, unknown>>;
}

export interface DatasetOptions {
  readonly files: readonly string[];
  readonly textField?: string | undefined;
  readonly routeField?: string | undefined;
  /** A route name that means "out of scope"; null and "" always do. */
  readonly oosLabels?: readonly string[] | undefined;
  /** Names that a row's route may have; null: any. */
  readonly knownRoutes: readonly string[] | null;
  /** What of a conversation is the prompt; `routing.text`. Default `last_user`. */
  readonly textPolicy?: TextPolicy | undefined;
  /** Rows to read at most. */
  readonly limit?: number | undefined;
  /** Only rows whose fields have these values. */
  readonly where?: Readonly<Record<string, string>> | undefined;
}

const mostFaults = 20;
/** Ids remembered, to find repeats; beyond this the check ends rather than memory. */
const mostIds = 1_000_000;

/** Throws a `FaultList` after the last row read, or `bad_data` when a file cannot be read or holds no rows. */
export async function* readDataset(options: DatasetOptions): AsyncGenerator<DataRow> {
  const faults: Fault[] = [];
  const unknown = new Map<string, { count: number; readonly file: string; readonly line: number }>();
  const ids = new Map<string, string>();
  const known = options.knownRoutes === null ? null : new Set(options.knownRoutes);
  let read = 0;
  for (const file of options.files) {
    let inFile = 0;
    for await (const record of recordsOf(file, faults)) {
      if (faults.length >= mostFaults) throw new FaultList(faults);
      if (!selected(record.fields, options.where)) {
        inFile++;
        continue;
      }
      const row = rowOf(file, record, options);
      if ('problem' in row) {
        faults.push(row);
        continue;
      }
      inFile++;
      const repeat = repeatedId(row, ids);
      if (repeat) faults.push(repeat);
      if (row.route !== null && known && !known.has(row.route)) {
        const seen = unknown.get(row.route);
        if (seen) seen.count++;
        else unknown.set(row.route, { count: 1, file, line: row.line });
      }
      yield row;
      if (++read === options.limit) return finish(faults, unknown, options);
    }
    if (inFile === 0 && faults.length === 0)
      throw new ShuntError('bad_data', `${file} has no rows. Write one {"text": "…", "route": "…"} a line.`);
  }
  finish(faults, unknown, options);
  if (read === 0) throw new ShuntError('bad_data', `No row of ${options.files.join(', ')} is left. Check --where.`);
}

interface RawRecord {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly line: number;
}

async function* recordsOf(file: string, faults: Fault[]): AsyncGenerator<RawRecord> {
  if (/\.(csv|tsv)(\.gz)?$/i.test(file)) {
    yield* csvRecords(file, textLines(file));
    return;
  }
  for await (const { text, line } of textLines(file)) {
    if (text.trim() === '') continue;
    const fields = parseObject(text);
    if (fields) yield { fields, line };
    else {
      const problem = 'is not a JSON object';
      faults.push({
        file,
        line,
        key: '',
        value: shorten(text),
        problem,
        fix: 'Write one object a line, as {"text": "…", "route": "…"}.',
      });
      if (faults.length >= mostFaults) throw new FaultList(faults);
    }
  }
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    // Reported by the caller with its line.
    return null;
  }
}

function selected(fields: RawRecord['fields'], where: DatasetOptions['where']): boolean {
  return Object.entries(where ?? {}).every(([name, value]) => String(fields[name] ?? '') === value);
}

function rowOf(file: string, { fields, line }: RawRecord, options: DatasetOptions): DataRow | Fault {
  const { textField = 'text', routeField = 'route', oosLabels = [] } = options;
  const { [textField]: written, [routeField]: label, messages, ...extra } = fields;
  const fault = (key: string, value: unknown, words: { problem: string; fix: string }): Fault => ({
    file,
    line,
    key,
    value: value === undefined ? '' : shorten(JSON.stringify(value)),
    ...words,
  });
  const text =
    typeof written === 'string'
      ? written
      : Array.isArray(messages)
        ? textOfMessages(messages, options.textPolicy ?? 'last_user')
        : '';
  if (text.trim() === '') {
    const fix = `Give it a prompt, as "${textField}" or "messages"; --text-field names another field.`;
    return fault(textField, written, { problem: 'the row has no prompt', fix });
  }
  if (label === undefined) {
    const fix = `Add "${routeField}" (null: out of scope); --route-field names another field.`;
    return fault(routeField, label, { problem: 'the row has no route', fix });
  }
  if (label !== null && typeof label !== 'string') {
    return fault(routeField, label, { problem: 'is not a route name', fix: 'Write a name in quotes, or null.' });
  }
  const route = label === null || label === '' || oosLabels.includes(label) ? null : label;
  return { file, line, text, route, extra };
}

/** The text that routing would see of this conversation, by the same rule as in a request. */
function textOfMessages(messages: readonly unknown[], policy: TextPolicy): string {
  const read = messages.flatMap((message): ChatMessage[] => {
    if (typeof message !== 'object' || message === null || !('role' in message)) return [];
    const content = 'content' in message ? message.content : null;
    return [{ role: String(message.role), content, toolCalls: 0, toolCallId: null }];
  });
  return promptText(read, policy);
}

function repeatedId({ file, line, extra }: DataRow, ids: Map<string, string>): Fault | null {
  const { id } = extra;
  if ((typeof id !== 'string' && typeof id !== 'number') || id === '' || ids.size >= mostIds) return null;
  const earlier = ids.get(String(id));
  const place = `${file}:${line}`;
  if (earlier === undefined) {
    ids.set(String(id), place);
    return null;
  }
  return {
    file,
    line,
    key: 'id',
    value: String(id),
    problem: `is also the id of ${earlier}`,
    fix: 'Give each row an id of its own, or none.',
  };
}

function finish(
  faults: Fault[],
  unknown: ReadonlyMap<string, { count: number; file: string; line: number }>,
  options: DatasetOptions,
): void {
  const known = options.knownRoutes ?? [];
  const cards = known.length > 12 ? `${known.slice(0, 12).join(', ')} and ${known.length - 12} more` : known.join(', ');
  for (const [name, { count, file, line }] of unknown) {
    const problem = `no card has this name (${count} ${count === 1 ? 'row' : 'rows'}); the cards are ${cards}`;
    const fix = `Add a card, mend the name, or say that it means out of scope: --oos-label ${name}.`;
    faults.push({ file, line, key: options.routeField ?? 'route', value: name, problem, fix });
  }
  if (faults.length > 0) throw new FaultList(faults);
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
