/**
 * One end of the line between the primary process and a worker: questions with answers, and news without. What is sent
 * in one turn of the event loop travels as one message, in order, and is taken as a whole: whoever waits for an answer
 * goes on when all news that came with it have been heard. An error keeps its code and words, and nothing else.
 */
import { type ErrorCode, messageOf, ShuntError } from '../base/errors.ts';
import type { News } from './messages.ts';

type Catalogue<C> = { readonly [Q in keyof C]: { input: unknown; output: unknown } };

export type Answers<C extends Catalogue<C>> = {
  readonly [Q in keyof C]: (input: C[Q]['input']) => Promise<C[Q]['output']> | C[Q]['output'];
};

export interface Port {
  send(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
}

export interface Line<C extends Catalogue<C>> {
  /** Rejects with `overloaded` past the deadline, and with `draining` when the line is lost. */
  ask<Q extends keyof C>(question: Q, input: C[Q]['input'], deadlineMs?: number): Promise<C[Q]['output']>;
  /** `urgent`: not at the end of this turn of the event loop, but as soon as what runs now has run. */
  tell(news: News, urgent?: boolean): void;
  /** The other end is gone: whoever waits for it learns why. */
  lose(why: string): void;
}

interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly param: string | null;
  readonly retryAfterMs: number | null;
}

type Piece =
  | { readonly type: 'ask'; readonly id: number; readonly question: PropertyKey; readonly input: unknown }
  | { readonly type: 'answer'; readonly id: number; readonly output: unknown }
  | { readonly type: 'failure'; readonly id: number; readonly failure: Failure }
  | { readonly type: 'news'; readonly news: News };

interface Waiting {
  readonly resolve: (output: never) => void;
  readonly reject: (error: ShuntError) => void;
}

/** `Asked`: what this end may ask; `Answered`: what it is asked. */
export function openLine<Asked extends Catalogue<Asked>, Answered extends Catalogue<Answered>>(
  port: Port,
  other: { readonly answers: Answers<Answered>; readonly hear: (news: News) => void },
): Line<Asked> {
  const waiting = new Map<number, Waiting>();
  let nextId = 1;
  let batch: Piece[] = [];
  let lost: string | null = null;
  port.onMessage((message) => {
    for (const piece of message as readonly Piece[]) take(piece);
  });

  return {
    ask(question, input, deadlineMs) {
      return new Promise((resolve, reject) => {
        if (lost !== null) {
          reject(gone(lost));
          return;
        }
        const id = nextId++;
        const timer =
          deadlineMs === undefined ? undefined : setTimeout(() => settle(id)?.reject(late(deadlineMs)), deadlineMs);
        const stop = () => clearTimeout(timer);
        waiting.set(id, {
          resolve(output) {
            stop();
            resolve(output);
          },
          reject(error) {
            stop();
            reject(error);
          },
        });
        send({ type: 'ask', id, question, input });
      });
    },
    tell(news, urgent) {
      send({ type: 'news', news });
      if (urgent) queueMicrotask(sendBatch);
    },
    lose(why) {
      lost = why;
      for (const { reject } of waiting.values()) reject(gone(why));
      waiting.clear();
    },
  };

  function send(piece: Piece): void {
    if (lost !== null) return;
    if (batch.length === 0) setImmediate(sendBatch);
    batch.push(piece);
  }

  function sendBatch(): void {
    const pieces = batch;
    if (pieces.length === 0) return;
    batch = [];
    port.send(pieces);
  }

  function take(piece: Piece): void {
    if (piece.type === 'news') other.hear(piece.news);
    else if (piece.type === 'ask') void answer(piece.id, piece.question as keyof Answered, piece.input);
    else if (piece.type === 'answer') settle(piece.id)?.resolve(piece.output as never);
    else settle(piece.id)?.reject(errorOf(piece.failure));
  }

  async function answer(id: number, question: keyof Answered, input: unknown): Promise<void> {
    try {
      const output = await other.answers[question](input as Answered[typeof question]['input']);
      send({ type: 'answer', id, output });
    } catch (error) {
      send({ type: 'failure', id, failure: failureOf(error) });
    }
  }

  function settle(id: number): Waiting | undefined {
    const found = waiting.get(id);
    waiting.delete(id);
    return found;
  }
}

function failureOf(error: unknown): Failure {
  if (!(error instanceof ShuntError))
    return { code: 'ledger_failed', message: messageOf(error), param: null, retryAfterMs: null };
  const { code, message, param, retryAfterMs } = error;
  return { code, message, param, retryAfterMs };
}

function errorOf({ code, message, param, retryAfterMs }: Failure): ShuntError {
  return new ShuntError(code, message, {
    ...(param === null ? {} : { param }),
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
  });
}

function late(ms: number): ShuntError {
  return new ShuntError('overloaded', `Another process of this proxy did not answer in ${ms} ms. Try again shortly.`);
}

function gone(why: string): ShuntError {
  return new ShuntError('draining', `Another process of this proxy is gone (${why}). Send the request again.`);
}
