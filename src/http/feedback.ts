/** `POST /v1/feedback`: what became of an answer. 200 says that it is committed. */
import { ShuntError } from '../base/errors.ts';
import { parseObject } from '../gateway/chat-request.ts';
import { type FeedbackFrom, feedbackItems, toldOutcome, unknownDecision } from '../gateway/feedback.ts';
import type { ToldOutcome, ToldResult } from '../ledger/outcome.ts';
import { type EndpointFrame, replyJson, type VisitHandler } from './endpoint.ts';
import { errorBody } from './error-reply.ts';
import { readBody } from './read-body.ts';
import type { Services } from './services.ts';

const largestBody = 4 << 20;

export function feedbackEndpoint(frame: EndpointFrame, services: Services): VisitHandler {
  const limits = { maxBytes: Math.min(frame.bodyLimitBytes, largestBody), timeoutMs: frame.requestMs };
  return async (visit) => {
    if (services.config.ledger.url === 'none') {
      const message = 'There is no ledger to keep feedback in (ledger.url: none). Set ledger.url to keep it.';
      throw new ShuntError('invalid_request', message);
    }
    const body = parseObject(await readBody(visit.incoming, limits));
    const { accept_score: acceptScore } = services.config.ledger;
    const from: FeedbackFrom = { tenant: visit.tenant, now: services.clock.now(), acceptScore };
    const items = feedbackItems(body);
    if (items !== null) {
      replyJson(visit, { object: 'list', data: await tellEach(services, items, from) });
      return;
    }
    const told = toldOutcome(body, from);
    const [result] = await services.tellOutcomes([told]);
    if (result.state === 'unknown') throw unknownDecision(told.reference);
    replyJson(visit, feedbackJson(told, result));
  };
}

/** One result for each item, in their order; an item at fault does not keep the others out. */
async function tellEach(services: Services, items: readonly unknown[], from: FeedbackFrom): Promise<unknown[]> {
  const read = items.map((item) => {
    try {
      return toldOutcome(item, from);
    } catch (error) {
      if (error instanceof ShuntError) return error;
      throw error;
    }
  });
  const told = read.filter((one): one is ToldOutcome => !(one instanceof ShuntError));
  const results = await services.tellOutcomes(told);
  const resultOf = new Map(told.map((one, i) => [one, results[i]]));
  return read.map((one, index) => {
    if (one instanceof ShuntError) return { index, ...errorBody(one) };
    const result = resultOf.get(one);
    if (result === undefined || result.state === 'unknown')
      return { index, ...errorBody(unknownDecision(one.reference)) };
    return { index, ...feedbackJson(one, result) };
  });
}

function feedbackJson({ reference, outcome }: ToldOutcome, { state, requestId }: ToldResult): Record<string, unknown> {
  const { accepted, score, source } = outcome;
  const response = reference.by === 'response' ? { response_id: reference.id } : {};
  return { object: 'feedback', request_id: requestId, ...response, state, accepted, score, source };
}
