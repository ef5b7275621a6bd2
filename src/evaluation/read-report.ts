/** Reads a report that `shunt eval --json` wrote, as far as comparisons and gates need it. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { messageOf, ShuntError } from '../base/errors.ts';
import type { ComparedReport } from './compare.ts';

const name = z.string().nullable();

const reportSchema = z.looseObject({
  report: z.literal('shunt-evaluation'),
  version: z.literal(1),
  snapshot: z.string(),
  routes_folder: z.string(),
  rows_scored: z.number(),
  embedding: z.object({ alias: z.string(), name: z.string(), version: z.string(), fingerprint: z.string() }),
  decisions: z.array(
    z.object({
      key: z.string(),
      text: z.string(),
      file: z.string(),
      line: z.number(),
      truth: name,
      route: name,
      score: z.number(),
      reason: z.string(),
      right: z.boolean(),
    }),
  ),
}) satisfies z.ZodType<ComparedReport>;

/** Throws `bad_data`. */
export async function readReport(file: string): Promise<ComparedReport> {
  const fix = 'Make one with: shunt eval --data FILE --json > FILE';
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new ShuntError('bad_data', `${file} cannot be read as a report: ${messageOf(cause)}. ${fix}`, { cause });
  }
  const parsed = reportSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ShuntError(
    'bad_data',
    `${file} is not a report of this version (${issue.path.join('.')}: ${issue.message}). ${fix}`,
  );
}
