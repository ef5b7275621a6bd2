/** Answers that no backend is asked for: from the caches, and the fixed ones. Or, when only a stored one would do, none. */
import type { Clock } from '../base/clock.ts';
import { ShuntError } from '../base/errors.ts';
import { fixedTarget } from '../routing/route.ts';
import type { CacheHit, ChatCache } from './chat-cache.ts';
import { decisionHeaders, setHeaders } from './decision-headers.ts';
import { type ExchangeResult, nothingSent, replayedResult } from './exchange-result.ts';
import { fixedReply } from './fixed-answer.ts';
import type { PlannedChat } from './planned-chat.ts';

export interface AnswerFacts {
  readonly addedMs: number;
  readonly cache: 'hit' | 'semantic' | 'miss' | 'bypass';
}

export interface StoredAnswers {
  /** `step.plan` as the cache has it: the stored route and model. */
  replay(step: PlannedChat, hit: CacheHit): void;
  /** For a plan with an `answer`. */
  fixed(step: PlannedChat): void;
  /** RFC 9111 §5.2.1.7: only-if-cached, and nothing is. */
  missing(step: PlannedChat): ShuntError;
}

export function createStoredAnswers(options: {
  readonly cache: ChatCache;
  readonly clock: Clock;
  readonly finished: (step: PlannedChat, result: ExchangeResult, facts: AnswerFacts) => unknown;
}): StoredAnswers {
  const { cache, clock, finished } = options;
  const addedMsOf = ({ request }: PlannedChat) => clock.monotonic() - request.receivedMonotonic;
  return {
    replay(step, hit) {
      const { request, plan, chat } = step;
      const facts = { addedMs: addedMsOf(step), cache: hit.kind };
      cache.replay(request, hit, decisionHeaders(request, { plan, model: hit.entry.model, ...facts }));
      void finished(step, replayedResult(hit.entry.model, { usage: hit.entry.usage, stream: chat.stream }), facts);
    },
    fixed(step) {
      const { request, plan, chat } = step;
      const facts = { addedMs: addedMsOf(step), cache: 'bypass' } as const;
      const said = { text: plan.answer?.text ?? '', model: fixedTarget, id: request.id, nowMs: clock.now() };
      const { contentType, body, usage } = fixedReply(chat, said);
      const own = ['content-type', contentType, 'content-length', String(body.length)];
      request.outgoing.writeHead(200, [...own, ...decisionHeaders(request, { plan, model: fixedTarget, ...facts })]);
      request.outgoing.end(body);
      const answered = { status: 200, usage, finishReason: 'stop', stream: chat.stream };
      void finished(step, { ...nothingSent, ...answered }, facts);
    },
    missing(step) {
      const { request, plan } = step;
      const facts = { addedMs: addedMsOf(step), cache: 'miss' } as const;
      setHeaders(request, decisionHeaders(request, { plan, model: plan.target, ...facts }));
      void finished(step, { ...nothingSent, status: 504, errorCode: 'not_cached' }, facts);
      const message = 'There is no stored answer to this request, and cache-control: only-if-cached asks for no other.';
      return new ShuntError('not_cached', message, { param: 'cache-control' });
    },
  };
}
