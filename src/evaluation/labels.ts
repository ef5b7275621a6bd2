/**
 * The file that `shunt label` writes: one {"text", "route", "id", "labelled_at"} a line. Each answer is appended and synced
 * before the next prompt is shown, so that a closed terminal loses nothing; undo takes the last line off again. It is a
 * dataset like any other: `shunt eval --data` and `shunt tune --data` read it.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { messageOf, ShuntError } from '../base/errors.ts';
import { readDataset } from './dataset.ts';
import { sameTextKey } from './same-text.ts';
import { textLines } from './text-lines.ts';

export interface Labels {
  readonly size: number;
  /** By request id, else by text; `null` is a label: out of scope. `undefined`: there is none. */
  of(id: string, text: string | null): string | null | undefined;
}

/** Of equal texts the last label counts. Throws a `FaultList` or `bad_data` about the files. */
export async function readLabels(files: readonly string[], knownRoutes: readonly string[] | null): Promise<Labels> {
  const byId = new Map<string, string | null>();
  const byText = new Map<string, string | null>();
  let size = 0;
  for await (const { text, route, extra } of readDataset({ files, knownRoutes })) {
    size++;
    if (typeof extra.id === 'string') byId.set(extra.id, route);
    byText.set(sameTextKey(text), route);
  }
  return {
    size,
    of: (id, text) => (byId.has(id) || text === null ? byId.get(id) : byText.get(sameTextKey(text))),
  };
}

export interface Label {
  readonly text: string;
  readonly route: string | null;
  readonly id: string;
  readonly labelled_at: string;
}

export interface LabelFile {
  /** Labels that stood in the file before. */
  readonly found: number;
  has(id: string, text: string): boolean;
  /** Resolves when the label is on the disk. */
  append(label: Label): Promise<void>;
  /** Takes off what this session appended last; null when there is nothing. */
  undo(): Promise<Label | null>;
  close(): Promise<void>;
}

/** Makes the file when it is missing. A last line that a crash cut in half is taken off. */
export async function openLabelFile(file: string): Promise<LabelFile> {
  const handle = await openFile(file);
  try {
    const seen = new Set<string>();
    const keys = ({ id, text }: Pick<Label, 'id' | 'text'>) => [`id ${id}`, `text ${sameTextKey(text)}`];
    let end = await mendEnd(handle, file);
    let found = 0;
    for await (const { text: line } of textLines(file)) {
      const label = line.trim() === '' ? null : parseLabel(line);
      if (label === null) continue;
      found++;
      for (const key of keys(label)) seen.add(key);
    }
    const added: { readonly label: Label; readonly start: number }[] = [];
    return {
      found,
      has: (id, text) => keys({ id, text }).some((key) => seen.has(key)),
      async append(label) {
        const line = Buffer.from(`${JSON.stringify(label)}\n`);
        await handle.write(line, 0, line.length, end);
        await handle.sync();
        added.push({ label, start: end });
        end += line.length;
        for (const key of keys(label)) seen.add(key);
      },
      async undo() {
        const last = added.pop();
        if (!last) return null;
        await handle.truncate(last.start);
        await handle.sync();
        end = last.start;
        for (const key of keys(last.label)) seen.delete(key);
        return last.label;
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function openFile(file: string): Promise<FileHandle> {
  try {
    // Not 'a': undo writes at an earlier place. Prompts may be private: for their owner only.
    return await open(file, 'r+').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return open(file, 'wx+', 0o600);
      throw error;
    });
  } catch (cause) {
    throw new ShuntError('bad_data', `${file} cannot be written: ${messageOf(cause)}. Check the folder.`, { cause });
  }
}

const tail = 1024 * 1024;

/** The length of the file up to the end of its last whole line, to which the file is cut. */
async function mendEnd(handle: FileHandle, file: string): Promise<number> {
  const { size } = await handle.stat();
  const from = Math.max(0, size - tail);
  const { buffer } = await handle.read(Buffer.alloc(size - from), 0, size - from, from);
  if (size === 0 || buffer[buffer.length - 1] === 0x0a) return size;
  const last = buffer.lastIndexOf(0x0a) + 1;
  if (parseLabel(buffer.toString('utf8', last)) !== null) {
    await handle.write('\n', size);
    return size + 1;
  }
  if (last === 0)
    throw new ShuntError(
      'bad_data',
      `${file} is not a file of labels. Name another with --out, or mend its last line.`,
    );
  await handle.truncate(from + last);
  return from + last;
}

function parseLabel(line: string): Pick<Label, 'id' | 'text'> | null {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null || !('text' in value) || typeof value.text !== 'string')
      return null;
    return { text: value.text, id: 'id' in value && typeof value.id === 'string' ? value.id : '' };
  } catch {
    // Not whole; the caller decides what that means.
    return null;
  }
}
