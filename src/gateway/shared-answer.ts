/**
 * One answer that several clients read while it comes, each from its beginning and at its own pace:
 *
 *   written:   ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓     one list of chunks, shared by all
 *   reader a:  ───────────────────────────────►
 *   reader b:  ─────────► waits for its client's drain
 *                        └─ at most `mostKept` behind: then the backend waits too ─┘
 *
 * As long as the answer is shorter than `mostKept` all of it is kept, so that one more reader may join; then what every
 * reader has read is let go. Plain answers are held from followers until they are whole, unless they are that long.
 */

import type { ServerResponse } from 'node:http';
import { Cancel, type CancelSignal } from '../base/cancel.ts';
import type { AnswerWriter } from './answer-writer.ts';
import type { ExchangeRequest } from './exchange-result.ts';

/** Whose answer it is, as headers say it. */
export type AnsweredBy = Parameters<ExchangeRequest['ownHeaders']>[0];

export interface Listener {
  readonly client: ServerResponse;
  readonly signal: CancelSignal;
  /** The headers that are this listener's own. */
  readonly ownHeaders: (by: AnsweredBy) => readonly string[];
}

/** `whole`: wants nothing before the answer is known to be whole. */
export type Pace = 'leader' | 'live' | 'whole';

/** `gone`: the client went away. `alone`: it has been sent nothing, and must ask on its own. */
export type Outcome = 'answered' | 'gone' | 'alone';

export class SharedAnswer implements AnswerWriter {
  readonly #mostKept: number;
  readonly #readers = new Set<Reader>();
  readonly #onDrain = new Set<() => void>();
  readonly #abandoned = new Cancel();
  #chunks: Buffer[] = [];
  /** Chunks before these that were let go. */
  #trimmed = 0;
  #bytes = 0;
  #held = false;
  head: { readonly status: number; readonly headers: readonly string[]; flush: boolean } | null = null;
  state: 'open' | 'ended' | 'broken' = 'open';
  by: AnsweredBy | null = null;

  constructor(mostKept: number) {
    this.#mostKept = mostKept;
  }

  /** Aborted when nobody listens any more. */
  get signal(): CancelSignal {
    return this.#abandoned.signal;
  }

  /** Somebody who comes now would get all of it. */
  get joinable(): boolean {
    return this.#trimmed === 0 && !this.long && this.state !== 'broken' && (this.head === null || this.good);
  }

  get good(): boolean {
    return this.head !== null && this.head.status < 300;
  }

  get long(): boolean {
    return this.#bytes > this.#mostKept;
  }

  get length(): number {
    return this.#trimmed + this.#chunks.length;
  }

  at(index: number): Buffer {
    return this.#chunks[index - this.#trimmed];
  }

  read(listener: Listener, pace: Pace): Promise<Outcome> {
    return new Promise((resolve) => {
      const reader = new Reader(this, { listener, pace }, (outcome) => {
        this.#readers.delete(reader);
        if (this.#readers.size === 0 && this.state === 'open' && outcome === 'gone') {
          this.#abandoned.abort(listener.signal.reason);
        }
        this.moved();
        resolve(outcome);
      });
      this.#readers.add(reader);
      reader.start();
    });
  }

  /** The call is over: nothing more will come. */
  settle(): void {
    for (const reader of [...this.#readers]) reader.settle();
  }

  // What the exchange sees of it.

  writeHead(status: number, headers: string[]): void {
    this.head = { status, headers, flush: false };
    this.#pump();
  }

  flushHeaders(): void {
    if (this.head) this.head.flush = true;
    this.#pump();
  }

  write(chunk: Buffer): boolean {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    this.#pump();
    this.#trim();
    this.#held = this.writableNeedDrain;
    return !this.#held;
  }

  end(chunk?: string | Buffer): void {
    if (chunk !== undefined) this.#chunks.push(Buffer.from(chunk));
    this.state = 'ended';
    this.#pump();
  }

  destroy(): void {
    this.state = 'broken';
    this.#pump();
  }

  get writableNeedDrain(): boolean {
    let active = 0;
    let waiting = 0;
    let behind = 0;
    for (const reader of this.#readers) {
      if (!reader.active) continue;
      active++;
      if (reader.waiting) waiting++;
      behind = Math.max(behind, this.#bytes - reader.bytes);
    }
    return (active > 0 && waiting === active) || behind > this.#mostKept;
  }

  on(_event: 'drain', listener: () => void): void {
    this.#onDrain.add(listener);
  }

  off(_event: 'drain', listener: () => void): void {
    this.#onDrain.delete(listener);
  }

  /** A reader has read on, or is gone. */
  moved(): void {
    this.#trim();
    if (!this.#held || this.writableNeedDrain) return;
    this.#held = false;
    for (const listener of this.#onDrain) listener();
  }

  #pump(): void {
    for (const reader of [...this.#readers]) reader.pump();
  }

  #trim(): void {
    if (!this.long) return;
    let least = this.length;
    for (const reader of this.#readers) least = Math.min(least, reader.next);
    this.#chunks.splice(0, least - this.#trimmed);
    this.#trimmed = Math.max(this.#trimmed, least);
  }
}

/** One client's place in the answer. */
class Reader {
  readonly #answer: SharedAnswer;
  readonly #listener: Listener;
  readonly #pace: Pace;
  readonly #over: (outcome: Outcome) => void;
  readonly #onGone = () => this.#finish('gone');
  readonly #onDrain = () => {
    this.waiting = false;
    this.pump();
    this.#answer.moved();
  };
  #begun = false;
  #done = false;
  /** The chunk to be written next, and the bytes before it. */
  next = 0;
  bytes = 0;
  waiting = false;

  constructor(
    answer: SharedAnswer,
    { listener, pace }: { readonly listener: Listener; readonly pace: Pace },
    over: (outcome: Outcome) => void,
  ) {
    this.#answer = answer;
    this.#listener = listener;
    this.#pace = pace;
    this.#over = over;
  }

  start(): void {
    const { signal } = this.#listener;
    if (signal.aborted) this.#finish('gone');
    else signal.addEventListener('abort', this.#onGone, { once: true });
    this.pump();
  }

  /** It reads while the answer comes. */
  get active(): boolean {
    return this.#pace !== 'whole' || this.#answer.long || this.#begun;
  }

  pump(): void {
    const { head, state } = this.#answer;
    if (this.#done || this.waiting || head === null) return;
    const refused = !this.#answer.good && this.#pace !== 'leader';
    const brokenAhead = state === 'broken' && this.#pace === 'whole' && !this.#begun;
    if (refused || brokenAhead) this.#finish('alone');
    else if (this.active || state !== 'open') this.#write(head);
  }

  settle(): void {
    // A client that still reads what has come goes on with it; its end is known.
    if (this.#begun && this.#answer.state !== 'open') return;
    this.#finish(this.#pace === 'leader' || this.#begun ? 'answered' : 'alone');
  }

  #write(head: NonNullable<SharedAnswer['head']>): void {
    const answer = this.#answer;
    const { client, ownHeaders } = this.#listener;
    if (!this.#begun) {
      this.#begun = true;
      const own = answer.by === null ? [] : ownHeaders(answer.by);
      client.writeHead(head.status, [...head.headers, ...own]);
    }
    if (head.flush && answer.length === 0) client.flushHeaders();
    while (this.next < answer.length) {
      const chunk = answer.at(this.next++);
      this.bytes += chunk.length;
      if (client.write(chunk)) continue;
      this.waiting = true;
      client.once('drain', this.#onDrain);
      return;
    }
    if (answer.state === 'open') return;
    if (answer.state === 'ended') client.end();
    else client.destroy();
    this.#finish('answered');
  }

  #finish(outcome: Outcome): void {
    if (this.#done) return;
    this.#done = true;
    this.#listener.signal.removeEventListener('abort', this.#onGone);
    this.#listener.client.off('drain', this.#onDrain);
    this.#over(outcome);
  }
}
