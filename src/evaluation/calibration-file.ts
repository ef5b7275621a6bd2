/**
 * Reads and replaces `calibration.json`. The new file is written beside the old one, synced and renamed, so that a
 * reloading proxy sees the one or the other, never half of one.
 */
import { open, readFile, rename, rm } from 'node:fs/promises';
import { messageOf, ShuntError } from '../base/errors.ts';
import { type Calibration, parseCalibration } from '../routing/calibration.ts';

/** null: there is none. Throws `bad_config` on a faulty one. */
export async function readCalibration(file: string): Promise<Calibration | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw new ShuntError('bad_config', `${file} cannot be read: ${messageOf(error)}. Check its permissions.`, {
      cause: error,
    });
  }
  return parseCalibration(text, file);
}

/** Throws `bad_config` when the folder cannot be written. */
export async function writeCalibration(file: string, calibration: Calibration): Promise<void> {
  const draft = `${file}.${process.pid}.tmp`;
  try {
    const handle = await open(draft, 'w');
    try {
      await handle.writeFile(`${JSON.stringify(calibration, null, 2)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw new ShuntError(
      'bad_config',
      `${file} cannot be written: ${messageOf(error)}. Check the permissions of the folder.`,
      { cause: error },
    );
  }
}
