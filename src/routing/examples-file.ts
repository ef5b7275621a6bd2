/**
 * Examples in a file of their own: JSON Lines with `text`. Other fields are left alone, so that a data set can serve as
 * it is. Bears a byte order mark and Windows line ends. Every bad line is a fault; at most the first twenty are named.
 */
import type { Fault } from '../base/fault.ts';
import { readText } from '../config/yaml-file.ts';

export interface Example {
  readonly text: string;
  readonly file: string;
  /** 1-based. */
  readonly line: number;
}

interface ReadExamples {
  readonly examples: readonly Example[];
  readonly faults: readonly Fault[];
}

const namedFaults = 20;

export async function readExamples(file: string): Promise<ReadExamples | 'absent'> {
  const content = await readText(file, file);
  if (content === 'absent') return 'absent';
  if (typeof content === 'object') return { examples: [], faults: [content] };
  const examples: Example[] = [];
  const faults: Fault[] = [];
  for (const [at, row] of content.split(/\r?\n/).entries()) {
    if (row.trim() === '') continue;
    const place = { file, line: at + 1 };
    const text = textOf(row);
    if (typeof text === 'string') examples.push({ text, ...place });
    else faults.push({ ...place, key: '', value: '', ...text });
  }
  if (examples.length === 0 && faults.length === 0) {
    faults.push({
      file,
      line: 0,
      key: '',
      value: '',
      problem: 'has no examples',
      fix: 'Add one {"text": "…"} a line.',
    });
  }
  return { examples, faults: faults.slice(0, namedFaults) };
}

function textOf(row: string): string | { problem: string; fix: string } {
  let value: unknown;
  try {
    value = JSON.parse(row);
  } catch {
    return { problem: 'is not a JSON object on one line', fix: 'Write {"text": "…"}.' };
  }
  const text = typeof value === 'object' && value !== null && 'text' in value ? value.text : undefined;
  if (typeof text === 'string' && text.trim() !== '') return text.trim();
  return { problem: 'has no text', fix: 'Write {"text": "…"} with some words.' };
}
