/**
 * Where an exchange writes its answer: one client's response, or all who asked the same at the same time (`coalesce.ts`).
 * The part of Node's `ServerResponse` that a relay needs, with its meaning.
 */
export interface AnswerWriter {
  writeHead(status: number, headers: string[]): unknown;
  flushHeaders(): void;
  /** false: wait for `drain`. */
  write(chunk: Buffer): boolean;
  end(chunk?: string | Buffer): unknown;
  /** Breaks the answer off, so that a half one is not taken for a whole one. */
  destroy(): unknown;
  readonly writableNeedDrain: boolean;
  on(event: 'drain', listener: () => void): unknown;
  off(event: 'drain', listener: () => void): unknown;
}
