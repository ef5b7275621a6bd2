/**
 * One simulated request as the proxy serves it: the simulated API's bytes through the reader that takes usage out of
 * answers, the chat record and its prices. Beside the record stands its cost, counted by hand: tokens out of the bytes,
 * prices written out once more as plain numbers.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { simulatedReply } from '../src/backend/simulation/api.ts';
import { faultsOf } from '../src/backend/simulation/faults.ts';
import type { Config } from '../src/config/schema.ts';
import { createAnswerReader } from '../src/gateway/answer-reader.ts';
import { chatRecord } from '../src/gateway/chat-record.ts';
import { parseChatRequest } from '../src/gateway/chat-request.ts';
import { dialects } from '../src/gateway/dialect.ts';
import { type ExchangeResult, nothingSent, readingOf, replayedResult } from '../src/gateway/exchange-result.ts';
import { emptyPlan } from '../src/gateway/plan-form.ts';
import { countBytes } from '../src/ledger/token-counter.ts';
import type { Snapshot } from '../src/lifecycle/snapshot.ts';
import type { MatchResult } from '../src/routing/decision.ts';
import type { Random } from '../src/routing/seeded.ts';

/** The models of the simulation, as a config writes them. */
export const pricesWritten = `
backends: { sim: { kind: simulated } }
models:
  small:  { backend: sim, model: demo-small, usd_per_million: { input: 0.10, output: 0.40, later: [ { from: 2026-01-16, input: 0.075, output: 0.30 } ] } }
  large:  { backend: sim, model: demo-large, usd_per_million: { input: 2.50, output: 15.00, per_request: 0.0001, above: [ { input_tokens: 150, input: 5.00, output: 22.50, per_request: 0.0001 } ] } }
  secret: { backend: sim, model: demo-secret }
routing: { fallback: large, default_target: small }
`;

export const start = Date.UTC(2026, 0, 1);
const priceChange = start + 15 * 86_400_000;

/** The same prices, in nano-dollars, by hand. null: nobody told. */
function handPrice(model: string, input: number, at: number): { input: number; output: number; each: number } | null {
  if (model === 'small')
    return at < priceChange ? { input: 100, output: 400, each: 0 } : { input: 75, output: 300, each: 0 };
  if (model === 'secret') return null;
  return input > 150
    ? { input: 5_000, output: 22_500, each: 100_000 }
    : { input: 2_500, output: 15_000, each: 100_000 };
}

export interface Prompt {
  readonly text: string;
  readonly route: string | null;
  readonly key: string | null;
  readonly tags: string;
  /** The model named by the client; null: routed. */
  readonly explicit: string | null;
}

interface Serving {
  readonly id: string;
  readonly at: number;
  readonly prompt: Prompt;
  readonly config: Config;
  readonly random: Random;
}

export function serve({ id, at, prompt, config, random }: Serving) {
  const stream = random() < 0.2;
  const body = { model: 'auto', messages: [{ role: 'user', content: prompt.text }], stream };
  const bytes = Buffer.from(JSON.stringify(stream ? { ...body, stream_options: { include_usage: true } } : body));
  const chat = parseChatRequest(bytes);
  const target = prompt.explicit ?? (prompt.route === null ? 'large' : 'small');
  const luck = random();
  // One in a hundred cheap calls fails and falls over; one in two hundred requests fails altogether.
  const model = luck < 0.005 ? null : target === 'small' && luck < 0.015 ? 'large' : target;
  const cached = luck > 0.96 && prompt.explicit === null;
  const answered = model === null ? null : ask({ model, chat: body, outputTokens: 10 + Math.floor(random() * 80), at });
  const result = resultOf({ model, answered, cached, failedOver: model !== target });
  const plan = {
    ...emptyPlan,
    route: prompt.explicit === null ? prompt.route : null,
    reason: prompt.explicit !== null ? 'explicit-model' : prompt.route === null ? 'below-threshold' : 'matched',
    target,
    fallback: 'large',
    match: {
      score: prompt.route === null ? 0.3 + 0.3 * random() : 0.7 + 0.3 * random(),
      candidates: [],
    } as unknown as MatchResult,
    embedMs: 0.2 + random(),
  };
  const incoming = { headers: { 'x-shunt-tags': prompt.tags } } as unknown as IncomingMessage;
  const tenant = {
    id: `key:${prompt.key}`,
    key: prompt.key,
    mayForce: false,
    admin: false,
    allowedRoutes: null,
    allowedModels: null,
    tags: [],
  };
  const request = {
    id,
    incoming,
    outgoing: null as unknown as ServerResponse,
    body: bytes,
    tenant,
    signal: new AbortController().signal,
    receivedAt: at,
    receivedMonotonic: at,
  };
  const record = chatRecord(
    { config },
    {
      request,
      chat,
      snapshot: { id: 'simulated' } as unknown as Snapshot,
      plan,
      result,
      addedMs: plan.embedMs + 0.3,
      totalMs: 400,
      count: countBytes,
      cache: cached ? 'hit' : 'miss',
      verdict: model === null ? 'error' : null,
    },
  );
  return { record, cost: cached || model === null ? 0n : handCost({ model, usage: answered?.usage, at }) };
}

type Body = { readonly stream: boolean; readonly [key: string]: unknown };

/** The answer as the proxy reads it, and its tokens as they stand in the bytes. */
function ask({ model, chat, outputTokens, at }: { model: string; chat: Body; outputTokens: number; at: number }) {
  const faults = { ...quiet, outputTokens };
  const body = Buffer.from(
    JSON.stringify({
      ...chat,
      model: `demo-${model}`,
      ...(chat.stream ? { stream_options: { include_usage: true } } : {}),
    }),
  );
  const reply = simulatedReply({
    method: 'POST',
    path: '/chat/completions',
    contentType: 'application/json',
    body,
    created: Math.floor(at / 1_000),
    faults,
  });
  const reader = createAnswerReader({
    form: chat.stream ? dialects.chat.form : null,
    stripUsage: false,
    parse: true,
    keepBytes: 0,
  });
  let text = '';
  for (const frame of reply.frames) {
    text += frame.toString('utf8');
    reader.push(frame);
  }
  reader.flush();
  const said = (name: string) =>
    Number(new RegExp(`"${name}":(\\d+)`).exec(text.slice(text.lastIndexOf('"usage":{')))?.[1]);
  return { reader, usage: { input: said('prompt_tokens'), output: said('completion_tokens') } };
}

const quiet = faultsOf(
  null,
  { seed: 1, latency_ms: 0, token_ms: 0, output_tokens: 16, error_rate: 0, error_status: 500, truncation_rate: 0 },
  () => 1,
);

function resultOf(of: {
  model: string | null;
  answered: ReturnType<typeof ask> | null;
  cached: boolean;
  failedOver: boolean;
}): ExchangeResult {
  const { model, answered, cached, failedOver } = of;
  if (model === null || answered === null) return { ...nothingSent, attempts: 2, errorCode: 'backend_error' };
  const reading = readingOf(answered.reader);
  if (cached) return replayedResult(model, { usage: reading.usage ?? null, stream: false });
  return {
    ...nothingSent,
    ...reading,
    model,
    backend: 'sim',
    status: 200,
    attempts: failedOver ? 2 : 1,
    failures: failedOver ? ['small: 503'] : [],
    firstByteMs: model === 'small' ? 120 : 340,
  };
}

function handCost(of: {
  model: string;
  usage: { input: number; output: number } | undefined;
  at: number;
}): bigint | null {
  const { model, usage, at } = of;
  if (usage === undefined) return 0n;
  const price = handPrice(model, usage.input, at);
  return price === null ? null : BigInt(usage.input * price.input + usage.output * price.output + price.each);
}
