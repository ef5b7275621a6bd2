/**
 * Counts tokens for requests whose backend did not say: with OpenAI's o200k vocabulary, which is near enough for others
 * and marked as an estimate. The vocabulary takes a fifth of a second and some 70 MB, so it is loaded when first needed.
 *
 * A long text is counted by its beginning and the rest in proportion. Runs without a space are counted in slices,
 * because the time for one piece grows with the square of its length: a hostile answer must not stop the proxy.
 */

export type CountTokens = (text: string) => number;

export interface TokenCounter {
  /** Loads at the first call. Never rejects: without the vocabulary, four bytes are a token. */
  load(): Promise<CountTokens>;
}

const sampleChars = 32_768;
const longestPiece = 96;

export function createTokenCounter(): TokenCounter {
  let loading: Promise<CountTokens> | null = null;
  return {
    load() {
      loading ??= import('gpt-tokenizer/encoding/o200k_base').then(
        ({ countTokens }) => counterWith((text) => countTokens(text, { disallowedSpecial: noneDisallowed })),
        () => countBytes,
      );
      return loading;
    },
  };
}

/** What looks like a special token is text like any other here. */
const noneDisallowed: Set<string> = new Set();

function counterWith(count: CountTokens): CountTokens {
  return (text) => {
    const sample = text.slice(0, sampleChars);
    let tokens = 0;
    for (const piece of piecesOf(sample)) tokens += count(piece);
    return sample.length === text.length ? tokens : Math.ceil((tokens / sample.length) * text.length);
  };
}

/** The text itself, but for runs that are too long. */
function piecesOf(text: string): string[] {
  const pieces: string[] = [];
  let from = 0;
  for (const run of text.matchAll(longRun)) {
    pieces.push(text.slice(from, run.index));
    for (let at = 0; at < run[0].length; at += longestPiece) pieces.push(run[0].slice(at, at + longestPiece));
    from = run.index + run[0].length;
  }
  pieces.push(text.slice(from));
  return pieces;
}

const longRun = new RegExp(`\\S{${longestPiece},}`, 'g');

/** The usual rule of thumb for English. */
export function countBytes(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4);
}
