/**
 * Posts alerts as JSON to an address that an operator has named. It waits for nobody and nobody waits for it: a few may
 * be on their way at once, each is tried a few times, and what cannot be sent is said in the log. The address may hold a
 * secret, so it stands in no message.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../base/errors.ts';

export interface Webhook {
  post(alert: Readonly<Record<string, unknown>>): void;
  /** Gives what is on its way a moment, then gives up. */
  close(): Promise<void>;
}

const mostUnderWay = 32;
const tries = 4;
const firstWaitMs = 500;
const answerMs = 5_000;
const closingMs = 2_000;

export function createWebhook(options: {
  /** null: alerts go nowhere. */
  readonly url: string | null;
  readonly onError: (message: string) => void;
}): Webhook {
  const { url, onError } = options;
  const closing = new AbortController();
  const underWay = new Set<Promise<void>>();

  return {
    post(alert) {
      if (url === null) return;
      if (underWay.size >= mostUnderWay) {
        onError(`${mostUnderWay} alerts wait for budgets.webhook already; this one is dropped.`);
        return;
      }
      const sending = send(url, JSON.stringify(alert)).finally(() => underWay.delete(sending));
      underWay.add(sending);
    },
    async close() {
      const timer = setTimeout(() => closing.abort(), closingMs);
      await Promise.all(underWay);
      clearTimeout(timer);
    },
  };

  async function send(to: string, body: string): Promise<void> {
    let trouble = '';
    for (let tried = 0; tried < tries && !closing.signal.aborted; tried++) {
      try {
        if (tried > 0) await delay(firstWaitMs * 2 ** (tried - 1), undefined, { signal: closing.signal, ref: false });
        const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(answerMs)]);
        const headers = { 'content-type': 'application/json' };
        const answer = await fetch(to, { method: 'POST', body, headers, signal, redirect: 'error' });
        await answer.body?.cancel();
        if (answer.ok) return;
        trouble = `it answered ${answer.status}`;
      } catch (error) {
        const cause = error instanceof Error ? error.cause : undefined;
        trouble = messageOf(cause ?? error);
      }
    }
    onError(`budgets.webhook did not take it in ${tries} tries: ${trouble}.`);
  }
}
