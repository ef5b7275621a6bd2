/**
 * A YAML file that a user wrote: its plain data, and for every path in it the line and the text as written, so that a
 * fault found later (by the schema, by a cross-check) can still say where. Reads YAML 1.2: `off` and `no` are text.
 *
 * Syntax faults are gathered, not thrown. Tabs and repeated keys leave a tree that can be trusted (`usable`), so the
 * checks after it go on; a broken bracket or quote does not. Checks nothing about meaning.
 */
import { readFile } from 'node:fs/promises';
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml';
import { messageOf } from '../base/errors.ts';
import type { Fault } from '../base/fault.ts';

export type YamlPath = readonly (string | number)[];

export interface YamlFile {
  /** As the user names it; faults show it so. */
  readonly file: string;
  /** null when the file is empty, holds only comments, or is not `usable`. */
  readonly data: unknown;
  readonly usable: boolean;
  readonly faults: readonly Fault[];
  /** 1-based line of the key or list item; of the nearest thing around it when nothing stands there. */
  lineOf(path: YamlPath): number;
  /** The text of a plain value as written (`${PORT}`, `"8080"`); empty for a mapping, a list, or nothing. */
  written(path: YamlPath): string;
}

/** `absent`: there is no such file. Any other trouble in reading it is a fault. */
export async function readText(path: string, file: string): Promise<string | 'absent' | Fault> {
  const whole = { file, line: 0, key: '', value: '' };
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'absent';
    if (code === 'EISDIR') return { ...whole, problem: 'is a folder', fix: 'Name a file.' };
    if (code === 'EACCES')
      return { ...whole, problem: 'may not be read', fix: 'Give the user that runs shunt access.' };
    return { ...whole, problem: `cannot be read: ${messageOf(error)}`, fix: 'Check the path.' };
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { ...whole, problem: 'is not UTF-8 text', fix: 'Save it as UTF-8.' };
  }
}

export function parseYaml(text: string, file: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    uniqueKeys: false,
    logLevel: 'error',
  });
  const place = (offset: number) => lines.linePos(offset).line;
  const faults = [
    ...syntaxFaults(document, text, file, place),
    ...unknownAliases(document, file, place),
    ...repeatedKeys(document, file, place),
  ];
  const plain = toPlain(document, file);
  if (plain.fault && !faults.some((fault) => fault.key === '')) faults.push(plain.fault);
  const usable = plain.fault === null && document.errors.every((error) => error.code === 'TAB_AS_INDENT');
  return { file, data: usable ? plain.data : null, usable, faults, lineOf, written };

  function lineOf(path: YamlPath): number {
    let offset = document.contents?.range?.[0] ?? null;
    let node: unknown = document.contents;
    for (const step of path) {
      const next = child(document, node, step);
      if (!next) break;
      offset = next.offset ?? offset;
      node = next.node;
    }
    return offset === null ? 0 : place(offset);
  }

  function written(path: YamlPath): string {
    let node: unknown = document.contents;
    for (const step of path) node = child(document, node, step)?.node;
    if (!isScalar(node) || !node.range) return '';
    return text.slice(node.range[0], node.range[1]).trim();
  }
}

export function dotted(path: YamlPath): string {
  return path.reduce<string>((sum, step) => {
    if (typeof step === 'number') return `${sum}[${step}]`;
    return sum ? `${sum}.${step}` : step;
  }, '');
}

/** The last of repeated keys, as in the plain data. */
function child(document: Document, parent: unknown, step: string | number) {
  const node = isAlias(parent) ? parent.resolve(document) : parent;
  if (isMap(node)) {
    const pair = node.items.findLast((item) => keyText(item) === String(step));
    return pair ? { node: pair.value, offset: (pair.key as Node | null)?.range?.[0] } : null;
  }
  if (isSeq(node) && typeof step === 'number') {
    const item = node.items[step] as Node | undefined;
    return item ? { node: item, offset: item.range?.[0] } : null;
  }
  return null;
}

function keyText(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
}

function toPlain(document: Document, file: string): { data: unknown; fault: Fault | null } {
  try {
    return { data: document.toJS(), fault: null };
  } catch (error) {
    // Aliases that are unknown, or that multiply beyond the library's bound.
    const fault = { file, line: 0, key: '', value: '', problem: messageOf(error), fix: 'Write the value out in full.' };
    return { data: null, fault };
  }
}

/** One fault a line: the parser reports the same broken bracket several times. */
function syntaxFaults(document: Document, text: string, file: string, place: (offset: number) => number): Fault[] {
  const textLines = text.split('\n');
  const byLine = new Map<number, Fault>();
  for (const error of document.errors) {
    const line = place(error.pos[0]);
    if (byLine.has(line)) continue;
    byLine.set(line, { file, line, key: '', value: '', ...explain(error, textLines[line - 1] ?? '') });
  }
  return [...byLine.values()];
}

function explain(error: YAMLError, line: string): { problem: string; fix: string } {
  if (error.code === 'TAB_AS_INDENT') return { problem: 'is indented with a tab', fix: 'Indent with spaces.' };
  if (error.code === 'MULTIPLE_DOCS') {
    return {
      problem: 'holds a second document',
      fix: 'Remove the line --- and what follows, or put it in its own file.',
    };
  }
  if (error.message.endsWith('quote')) {
    return {
      problem: 'is not YAML: a quote is not closed',
      fix: 'Look for a quote that is opened above and not closed.',
    };
  }
  // The parser quotes the text at fault, which may be a credential.
  const problem = `is not YAML: ${error.message.replace(/: ".*"$/s, '')}`;
  if (/[{[,][^"']*\$\{/.test(line)) return { problem, fix: `Put \${…} in double quotes inside { } and [ ].` };
  return { problem, fix: 'Check quotes, brackets and indentation on this line and the one before.' };
}

function unknownAliases(document: Document, file: string, place: (offset: number) => number): Fault[] {
  const faults: Fault[] = [];
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document)) return;
      const problem = `refers to &${alias.source}, which is not defined above`;
      const fix = 'Define it first, or put quotes around a text that begins with *.';
      faults.push({ file, line: place(alias.range?.[0] ?? 0), key: '', value: '', problem, fix });
    },
  });
  return faults;
}

function repeatedKeys(document: Document, file: string, place: (offset: number) => number): Fault[] {
  const faults: Fault[] = [];
  visit(document, {
    Map(_, map, ancestors) {
      const first = new Map<string, number>();
      for (const pair of map.items) {
        const name = keyText(pair);
        const line = place((pair.key as Node | null)?.range?.[0] ?? 0);
        const earlier = first.get(name);
        if (earlier === undefined) {
          first.set(name, line);
          continue;
        }
        const key = dotted([...pathTo(map, ancestors), name]);
        const problem = `is written twice, first on line ${earlier}`;
        faults.push({ file, line, key, value: '', problem, fix: 'Keep one of them.' });
      }
    },
  });
  return faults;
}

function pathTo(node: unknown, ancestors: readonly unknown[]): (string | number)[] {
  const path: (string | number)[] = [];
  ancestors.forEach((ancestor, at) => {
    const below = ancestors[at + 1] ?? node;
    if (isSeq(ancestor)) path.push(ancestor.items.indexOf(below as Node));
    else if (typeof ancestor === 'object' && ancestor !== null && 'key' in ancestor)
      path.push(keyText(ancestor as Pair));
  });
  return path;
}
