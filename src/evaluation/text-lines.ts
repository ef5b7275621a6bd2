/**
 * The lines of a text file, one at a time, plain or gzip'd: memory is bounded by the longest line, whatever the size of
 * the file. Takes off the byte order mark and Windows line ends.
 */
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { messageOf, ShuntError } from '../base/errors.ts';

/** A line longer than this is a file of another kind. */
const longestLine = 64 * 1024 * 1024;

/** Throws `bad_data` when the file cannot be read. `line` counts from 1. */
export async function* textLines(file: string): AsyncGenerator<{ readonly text: string; readonly line: number }> {
  let line = 0;
  let rest = '';
  try {
    const stream = open(file);
    stream.setEncoding('utf8');
    for await (const chunk of stream) {
      const text = rest + String(chunk);
      let from = 0;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
        yield { text: clean(text.slice(from, end), line), line: ++line };
        from = end + 1;
      }
      rest = text.slice(from);
      if (rest.length > longestLine) throw tooLong(file, line + 1);
    }
  } catch (error) {
    throw error instanceof ShuntError ? error : unreadable(file, error);
  }
  if (rest !== '') yield { text: clean(rest, line), line: ++line };
}

function open(file: string): Readable {
  const raw = createReadStream(file, { highWaterMark: 256 * 1024 });
  if (!file.endsWith('.gz')) return raw;
  const unzipped = createGunzip();
  raw.on('error', (error) => unzipped.destroy(error));
  // A consumer that stops early destroys the last stream only.
  unzipped.on('close', () => raw.destroy());
  return raw.pipe(unzipped);
}

function clean(text: string, line: number): string {
  const start = line === 0 && text.charCodeAt(0) === 0xfeff ? 1 : 0;
  return text.slice(start, text.endsWith('\r') ? -1 : undefined);
}

function tooLong(file: string, line: number): ShuntError {
  const fix = 'Give a JSON Lines or CSV file with one row a line';
  return new ShuntError('bad_data', `${file}:${line}: the line is longer than 64 MB. ${fix}.`);
}

function unreadable(file: string, error: unknown): ShuntError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const words =
    code === 'ENOENT'
      ? 'does not exist. Check the path.'
      : code === 'EISDIR'
        ? 'is a folder. Name the file in it.'
        : code.startsWith('Z_') || code === 'ERR_BUFFER_TOO_LARGE'
          ? 'is not a whole gzip file. Fetch or compress it again.'
          : `cannot be read: ${messageOf(error)}. Check its permissions.`;
  return new ShuntError('bad_data', `${file} ${words}`, { cause: error });
}
