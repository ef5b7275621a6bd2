/**
 * Background prompts of one's own: what real traffic holds that belongs to no route, one {"text": "…"} a line in
 * `background.jsonl` beside the cards. Not needed; the matcher has some of its own.
 */
import { join } from 'node:path';
import { FaultList } from '../base/fault.ts';
import { readExamples } from './examples-file.ts';

const backgroundFile = 'background.jsonl';

/** undefined without the file: the matcher's own stand in. Throws a `FaultList`. */
export async function loadBackground(routesFolder: string): Promise<readonly string[] | undefined> {
  const read = await readExamples(join(routesFolder, backgroundFile));
  if (read === 'absent') return undefined;
  if (read.faults.length > 0) throw new FaultList(read.faults);
  return read.examples.map((example) => example.text);
}
