/**
 * One backend call for all who ask the same at the same time. Whoever asks first leads: the call is made for it, and
 * charged to it. Who comes while the call is under way follows, and reads the same answer from its beginning.
 *
 *   a client goes away   the call goes on while anybody listens; when the last has gone, it is aborted
 *   no answer, no 2xx    errors are not shared: the leader gets its error, every follower asks on its own
 *   a stream breaks      once begun, it is broken for all who have read of it; who waits for a plain answer has been sent
 *                        nothing yet, and asks on its own
 *
 * How one answer reaches many clients is `shared-answer.ts`. Nothing is kept beyond the call: that is the cache's work.
 */
import type { CancelSignal } from '../base/cancel.ts';
import type { AnswerWriter } from './answer-writer.ts';
import type { ExchangeResult } from './exchange-result.ts';
import { type AnsweredBy, type Listener, type Outcome, SharedAnswer } from './shared-answer.ts';

/** What the call is made with, in place of one client's own. */
export interface SharedCall {
  readonly client: AnswerWriter;
  readonly signal: CancelSignal;
  readonly ownHeaders: (by: AnsweredBy) => readonly string[];
}

export interface CallToShare {
  make(shared: SharedCall): Promise<ExchangeResult>;
  /** Runs before anybody is told of the end: what it stores is there for whoever asks next. */
  onResult(result: ExchangeResult): void;
}

/** `gone`: this client went away before it had all. */
export interface SharedResult {
  readonly outcome: 'answered' | 'gone';
  readonly result: ExchangeResult;
}

/** `alone`: it has been sent nothing, and must ask on its own. */
export type Followed = SharedResult | { readonly outcome: 'alone' };

export interface Coalescer {
  /** `live`: reads along while the answer comes. null: nobody asks for `key` now, or too much has passed already. */
  follow(key: string, listener: Listener, live: boolean): Promise<Followed> | null;
  lead(key: string, listener: Listener, call: CallToShare): Promise<SharedResult>;
  /** Calls under way. */
  readonly size: number;
}

/** `mostKept`: bytes of an answer that are held for readers who are behind; past it nobody can join. */
export function createCoalescer(mostKept: number): Coalescer {
  const calls = new Map<string, { readonly answer: SharedAnswer; readonly result: Promise<ExchangeResult> }>();

  return {
    follow(key, listener, live) {
      const call = calls.get(key);
      if (call === undefined || !call.answer.joinable) return null;
      return followed(call.answer.read(listener, live ? 'live' : 'whole'), call.result);
    },
    async lead(key, listener, call) {
      const answer = new SharedAnswer(mostKept);
      const reading = answer.read(listener, 'leader');
      const result = carry(key, answer, call);
      // A call that is too long to be joined may still be under way: the newer one takes its place.
      calls.set(key, { answer, result });
      return { outcome: (await reading) === 'gone' ? 'gone' : 'answered', result: await result };
    },
    get size() {
      return calls.size;
    },
  };

  async function carry(key: string, answer: SharedAnswer, call: CallToShare): Promise<ExchangeResult> {
    const { signal } = answer;
    const ownHeaders = (by: AnsweredBy) => {
      answer.by = by;
      return [];
    };
    try {
      // The call stands in the list before it begins.
      await null;
      const result = await call.make({ client: answer, signal, ownHeaders });
      call.onResult(result);
      return result;
    } finally {
      if (calls.get(key)?.answer === answer) calls.delete(key);
      answer.settle();
    }
  }
}

async function followed(reading: Promise<Outcome>, pending: Promise<ExchangeResult>): Promise<Followed> {
  const outcome = await reading;
  // Who is alone must not wait for the leader's retries to end.
  return outcome === 'alone' ? { outcome } : { outcome, result: await pending };
}
