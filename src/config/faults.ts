/**
 * From what the schema library reports to what a user can act on: file, line, key, the value as written, what is wrong
 * and what to do. Credentials are never shown, nor what a variable held: only the text of the file, and not even that
 * where a secret belongs or where it looks like one.
 */
import type { z } from 'zod';
import type { Fault } from '../base/fault.ts';
import { defaultAt, keysAt, placesOf } from './schema-keys.ts';
import { suggest } from './suggest.ts';
import { dotted, type YamlFile, type YamlPath } from './yaml-file.ts';

type Issue = z.core.$ZodIssue;

interface Place {
  readonly source: YamlFile;
  readonly schema: z.core.$ZodType;
  /** What was checked: the file's data after expansion. */
  readonly data: unknown;
}

interface Wording {
  readonly problem: string;
  readonly fix: string;
}

export function faultAt(source: YamlFile, path: YamlPath, wording: Wording): Fault {
  return { file: source.file, line: source.lineOf(path), key: dotted(path), value: shown(source, path), ...wording };
}

export function schemaFaults(issues: readonly Issue[], place: Place): Fault[] {
  return issues.flatMap((issue) => faultsOf(issue, issue.path as (string | number)[], place));
}

/** By line, then key: the order in which a user mends the file. Equal ones once. */
export function inOrder(faults: readonly Fault[]): Fault[] {
  const once = new Map(faults.map((fault) => [`${fault.file}\n${fault.line}\n${fault.key}\n${fault.problem}`, fault]));
  return [...once.values()].sort((a, b) => a.line - b.line || (a.key < b.key ? -1 : Number(a.key > b.key)));
}

export function valueAt(data: unknown, path: YamlPath): unknown {
  return path.reduce<unknown>((value, step) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    return (value as Record<string | number, unknown>)[step];
  }, data);
}

function faultsOf(issue: Issue, path: YamlPath, place: Place): Fault[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey([...path, key], place));
  if (issue.code === 'invalid_union') return unionFaults(issue.errors, path, place);
  return [faultAt(place.source, path, wordingOf(issue, path, place))];
}

/** Its value is not shown: it may be a credential under a mistyped name. */
function unknownKey(path: YamlPath, { source, schema }: Place): Fault {
  const key = String(path.at(-1));
  const siblings = keysAt(schema, path.slice(0, -1));
  const meant = suggest(key, siblings) ?? placesOf(schema, key)[0];
  const fix = meant ? `Did you mean ${meant}?` : `Remove it; the keys here are ${siblings.join(', ')}.`;
  return {
    file: source.file,
    line: source.lineOf(path),
    key: dotted(path),
    value: '',
    problem: 'is not a known key',
    fix,
  };
}

/** Reports the alternative that the value was most likely meant for; all of them when it is like none. */
function unionFaults(branches: readonly Issue[][], path: YamlPath, place: Place): Fault[] {
  const value = valueAt(place.data, path);
  const fitting = branches.filter((issues) => !issues.some((issue) => issue.path.length === 0 && isOtherKind(issue)));
  const best = [...fitting].sort((a, b) => a.length - b.length)[0];
  if (best) {
    const known = keysAt(place.schema, path);
    const strange = Object.keys(isMapping(value) ? value : {}).filter((key) => !known.includes(key));
    if (strange.length > 0) return strange.map((key) => unknownKey([...path, key], place));
    return best.flatMap((issue) => faultsOf(issue, [...path, ...(issue.path as (string | number)[])], place));
  }
  const choices = [...new Set(branches.flat().flatMap((issue) => choiceOf(issue, path, place)))].join(' or ');
  const wording = {
    problem: `must be ${choices}, not ${kindOf(value)}`,
    fix: `Write one of these${orDefault(path, place)}.`,
  };
  return [faultAt(place.source, path, wording)];
}

function isOtherKind(issue: Issue): boolean {
  return issue.code === 'invalid_type' || issue.code === 'invalid_value';
}

function choiceOf(issue: Issue, path: YamlPath, { schema }: Place): string[] {
  if (issue.code === 'invalid_value') return issue.values.map(String);
  if (issue.code !== 'invalid_type' || issue.path.length > 0) return [];
  const keys = issue.expected === 'object' ? ` with one of ${keysAt(schema, path).join(', ')}` : '';
  return [phrase(issue.expected) + keys];
}

function wordingOf(issue: Issue, path: YamlPath, place: Place): Wording {
  const value = valueAt(place.data, path);
  const key = String(path.at(-1) ?? '');
  const standard = orDefault(path, place);
  if (value === undefined) {
    const under = dotted(path.slice(0, -1));
    return { problem: 'is missing', fix: `Add ${key}${under ? ` under ${under}` : ''}.` };
  }
  if (issue.code === 'invalid_type') {
    if (value === null)
      return { problem: 'is empty', fix: `Write ${phrase(issue.expected)}, or remove the key${standard}.` };
    const wanted = phrase(issue.expected);
    const problem = issue.expected === 'int' ? `must be ${wanted}` : `must be ${wanted}, not ${kindOf(value)}`;
    if (issue.expected === 'string' && typeof value !== 'object') return { problem, fix: 'Put it in quotes.' };
    return { problem, fix: `Write ${wanted}${standard}.` };
  }
  if (issue.code === 'invalid_value' && issue.values.length > 1) {
    const values = issue.values.map(String);
    const meant = suggest(String(value), values);
    const fix = meant ? `Did you mean ${meant}?` : `Write one of them${standard}.`;
    return { problem: `must be one of ${values.join(', ')}`, fix };
  }
  if (issue.code === 'invalid_value') return { problem: issue.message, fix: `Write ${issue.values.map(String)[0]}.` };
  if (issue.code === 'invalid_key') return { problem: `is not a name: ${issue.issues[0]?.message}`, fix: 'Rename it.' };
  if (issue.code === 'too_small' || issue.code === 'too_big') return bounds(issue, standard);
  return { problem: issue.message, fix: `Correct it${standard}.` };
}

function bounds(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig, standard: string): Wording {
  const small = issue.code === 'too_small';
  const limit = String(small ? issue.minimum : issue.maximum);
  if (issue.origin === 'string' && small) return { problem: 'is empty', fix: `Write some text${standard}.` };
  const word = small ? (issue.inclusive ? 'at least' : 'more than') : issue.inclusive ? 'at most' : 'less than';
  return { problem: `must be ${word} ${limit}`, fix: `Write a ${small ? 'larger' : 'smaller'} number${standard}.` };
}

function orDefault(path: YamlPath, { schema }: Place): string {
  const standard = defaultAt(schema, path);
  return standard === null || standard === '' ? '' : `; the default is ${standard}`;
}

function phrase(expected: string): string {
  const phrases: Record<string, string> = {
    string: 'text',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
    array: 'a list',
    object: 'a mapping',
    record: 'a mapping',
  };
  return phrases[expected] ?? expected;
}

function kindOf(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  return phrase(typeof value);
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(source: YamlFile, path: YamlPath): string {
  const written = source.written(path).replace(/\s+/g, ' ');
  if (written === '' || written === 'null' || written === '~') return '';
  const bare = written.replace(/^["']|["']$/g, '');
  if (holdsSecret(path) || looksSecret(bare)) return '(hidden)';
  return written.length > 60 ? `${written.slice(0, 57)}…` : written;
}

/** Whoever knows a webhook's address may post there. */
const secretKeys = new Set(['api_key', 'headers', 'hash', 'hash_secret', 'webhook']);

function holdsSecret(path: YamlPath): boolean {
  const listed = path.length === 3 && path[0] === 'auth' && path[1] === 'keys';
  return listed || path.some((step) => typeof step === 'string' && secretKeys.has(step));
}

/** Known prefixes of keys, a long run without a space, or a user and password in a URL. */
function looksSecret(text: string): boolean {
  return (
    /^(bearer |basic |sk-|sk_|gsk_|xai-|hf_|ghp_|AIza)/i.test(text) ||
    /^[\w+/=-]{32,}$/.test(text) ||
    /:\/\/[^/@]+@/.test(text)
  );
}
