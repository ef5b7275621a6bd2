/**
 * What a caller tells about an answer: the body of `POST /v1/feedback`, checked, and turned into an outcome for the
 * ledger. One item, or `{"feedback": [...]}`, where each item stands or falls for itself.
 */
import { z } from 'zod';
import { ShuntError } from '../base/errors.ts';
import { automaticSources, type OutcomeReference, type ToldOutcome } from '../ledger/outcome.ts';
import type { Tenant } from './tenant.ts';

const mostItems = 1_000;
const longestMetadata = 4_096;
/** As long an outcome may wait for its decision: a stream that has not ended, a replica that cannot reach the ledger. */
const longestWaitMs = 7 * 86_400_000;

const id = z.string().min(1).max(256);
const sourceWords = 'must be a word of letters, digits and . _ -, at most 64 of them';

const item = z.strictObject({
  request_id: id.nullish(),
  response_id: id.nullish(),
  accepted: z.boolean().nullish(),
  score: z.number().min(0, 'must be from 0 to 1').max(1, 'must be from 0 to 1').nullish(),
  reason: z.string().max(2_000, 'must have at most 2,000 characters').nullish(),
  source: z
    .string()
    .regex(/^[A-Za-z0-9][\w.-]{0,63}$/, sourceWords)
    .refine((word) => !automaticSources.some((own) => own === word), `must be none of ${automaticSources.join(', ')}`)
    .nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
});

type Item = z.output<typeof item>;

export interface FeedbackFrom {
  readonly tenant: Tenant;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** `ledger.accept_score`: from this score on an answer counts as accepted, unless `accepted` says otherwise. */
  readonly acceptScore: number;
}

/** null: the body is one item, not a list. Throws `invalid_request` for a list that cannot be taken. */
export function feedbackItems(body: Readonly<Record<string, unknown>>): readonly unknown[] | null {
  if (!('feedback' in body)) return null;
  const { feedback } = body;
  if (Array.isArray(feedback) && feedback.length > 0 && feedback.length <= mostItems) return feedback;
  const message = `'feedback' must be a list of 1 to ${mostItems} items. Send more in several requests.`;
  throw new ShuntError('invalid_request', message, { param: 'feedback' });
}

/** Throws `invalid_request` with the field at fault. */
export function toldOutcome(value: unknown, from: FeedbackFrom): ToldOutcome {
  const parsed = item.safeParse(value);
  if (!parsed.success) throw fault(parsed.error.issues[0]);
  const { accepted, score, reason, source, metadata } = parsed.data;
  const reference = referenceOf(parsed.data, from.now);
  if ((accepted ?? score ?? null) === null) {
    throw new ShuntError('invalid_request', "Say 'accepted' (true or false), or a 'score' from 0 to 1.", {
      param: 'accepted',
    });
  }
  const { tenant } = from;
  return {
    reference,
    tenant: tenant.admin ? null : tenant.id,
    outcome: {
      time: from.now,
      source: source ?? 'feedback',
      accepted: accepted ?? (score ?? 0) >= from.acceptScore,
      score: score ?? null,
      reason: reason ?? null,
      actor: tenant.key,
      metadata: metadataText(metadata ?? null),
    },
  };
}

export function unknownDecision({ by, id }: OutcomeReference): ShuntError {
  const message = `There is no decision with the ${by} id '${id}'. Send the x-shunt-request-id of the answer, or its id.`;
  return new ShuntError('not_found', message, { param: `${by}_id` });
}

function referenceOf({ request_id: request, response_id: response }: Item, now: number): OutcomeReference {
  if (typeof request === 'string' && typeof response !== 'string')
    return { by: 'request', id: request, mayWait: mayStillCome(request, now) };
  // A backend makes these up as it likes: nothing in them says whether they are still to come.
  if (typeof response === 'string' && typeof request !== 'string')
    return { by: 'response', id: response, mayWait: true };
  const message = "Say which answer: either 'request_id' (its x-shunt-request-id header) or 'response_id' (its id).";
  throw new ShuntError('invalid_request', message, { param: 'request_id' });
}

/** Our request ids begin with the time (`base/request-id.ts`): one of last month, or of no time at all, never comes. */
function mayStillCome(requestId: string, now: number): boolean {
  const match = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/.exec(requestId);
  if (match === null) return false;
  const madeAt = Number.parseInt(match[1] + match[2], 16);
  return Math.abs(now - madeAt) < longestWaitMs;
}

function metadataText(metadata: Record<string, unknown> | null): string | null {
  if (metadata === null) return null;
  const text = JSON.stringify(metadata);
  if (text.length <= longestMetadata) return text;
  const message = `'metadata' is ${text.length} characters of JSON; at most ${longestMetadata} are kept. Send less.`;
  throw new ShuntError('invalid_request', message, { param: 'metadata' });
}

function fault(issue: z.core.$ZodIssue): ShuntError {
  if (issue.code === 'unrecognized_keys') {
    const [key] = issue.keys;
    const message = `'${key}' is no field of feedback. The fields are ${Object.keys(item.shape).join(', ')}.`;
    return new ShuntError('invalid_request', message, { param: key });
  }
  const param = issue.path.map(String).join('.');
  const what = param === '' ? 'Feedback must be a JSON object' : `'${param}' ${problemOf(issue)}`;
  return new ShuntError('invalid_request', `${what}.`, param === '' ? {} : { param });
}

/** Our own words where the schema has them; the library's begin with a capital. */
function problemOf(issue: z.core.$ZodIssue): string {
  if (/^[a-z]/.test(issue.message)) return issue.message;
  if (issue.code === 'invalid_type')
    return `must be ${issue.expected === 'record' ? 'an object' : `a ${issue.expected}`}`;
  return 'is not valid here';
}
