/**
 * Background prompts: what real traffic holds that belongs to no route, one {"text": "…"} a line in `background.jsonl`
 * beside the cards. Not needed; with them the matcher knows better what to leave to the fallback.
 */
import { join } from 'node:path';
import { FaultList } from '../base/fault.ts';
import { readExamples } from './examples-file.ts';

export const backgroundFile = 'background.jsonl';

/** Empty without the file. Throws a `FaultList`. */
export async function loadBackground(routesFolder: string): Promise<readonly string[]> {
  const read = await readExamples(join(routesFolder, backgroundFile));
  if (read === 'absent') return [];
  if (read.faults.length > 0) throw new FaultList(read.faults);
  return read.examples.map((example) => example.text);
}
