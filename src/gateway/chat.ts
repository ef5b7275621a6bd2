/**
 * The story of one chat request, in any dialect (`dialect.ts`):
 *
 *   read the body ─► plan (guard, pin) ─► memory ─► plan (embed, match) ─► other caches ─► exchange ─► store, record
 *
 * It decides nothing itself: `plan.ts` says where to, `exchange.ts` brings the answer, this file keeps the order.
 */

import { modelPath } from '../backend/backend-request.ts';
import type { Endpoints } from '../backend/endpoints.ts';
import { forwardedRequestHeaders } from '../backend/headers.ts';
import type { Clock } from '../base/clock.ts';
import { spliceMembers } from '../base/json-members.ts';
import type { Config } from '../config/schema.ts';
import { type CountTokens, countBytes, type TokenCounter } from '../ledger/token-counter.ts';
import { noUsage } from '../ledger/usage.ts';
import type { Snapshot } from '../lifecycle/snapshot.ts';
import type { Allowance } from './allowance.ts';
import { createAnswerCheck } from './answer-check.ts';
import { type Asked, createAskTogether, type Receiver } from './ask-together.ts';
import type { CacheHit, CachePlace, ChatCache } from './chat-cache.ts';
import { chatRecord, needsCount } from './chat-record.ts';
import type { ChatRequest, DialectName } from './chat-request.ts';
import { type ClientRequest, requestHeader } from './client-request.ts';
import { createCoalescer } from './coalesce.ts';
import { decisionHeaders, setHeaders } from './decision-headers.ts';
import { dialects } from './dialect.ts';
import type { GatewayEvents } from './events.ts';
import { exchange } from './exchange.ts';
import type { Attempt, ExchangeResult } from './exchange-result.ts';
import type { Owners } from './owners.ts';
import { queryOf } from './pass-through.ts';
import { personOf } from './person.ts';
import type { Planner } from './plan.ts';
import { type Plan, reachableModels } from './plan-form.ts';
import type { PlannedChat } from './planned-chat.ts';
import type { Rejections } from './rejections.ts';
import { requestTotalMs } from './request-time.ts';
import { type AnswerFacts, createStoredAnswers } from './stored-answers.ts';

export interface ChatOptions {
  readonly config: Config;
  readonly snapshot: () => Snapshot;
  readonly planner: Planner;
  readonly backends: ReadonlyMap<string, Endpoints>;
  readonly cache: ChatCache;
  readonly clock: Clock;
  readonly random: () => number;
  readonly events: GatewayEvents;
  readonly owners: Owners;
  readonly rejections: Rejections;
  readonly allowance: Allowance;
  readonly tokens: TokenCounter;
}

export type ChatHandler = (request: ClientRequest, dialect: DialectName) => Promise<void>;

/** Throws a `ShuntError` only before anything was written to the client. */
export function createChatHandler(options: ChatOptions): ChatHandler {
  const chatCache = options.cache;
  const stored = createStoredAnswers({ cache: chatCache, clock: options.clock, finished });
  const askTogether = createAskTogether({ cache: chatCache, coalescer: createCoalescer(chatCache.largestBody) });
  const totalMs = requestTotalMs(options.config);
  const answerCheck = createAnswerCheck();
  return async (request, dialect) => {
    const chat = dialects[dialect].parse(request.body);
    const snapshot = options.snapshot();
    const beginning = options.planner.begin({
      chat,
      tenant: request.tenant,
      forced: requestHeader(request, 'x-shunt-route'),
      session: requestHeader(request, 'x-shunt-session'),
      snapshot,
      signal: request.signal,
    });
    const unpinned = beginning.kind === 'open' && beginning.open.pinned === null;
    const lookup = chatCache.look(request, chat, snapshot, unpinned);
    if (lookup.hit && beginning.kind === 'open') {
      const plan = options.planner.cached(beginning.open, lookup.hit.entry);
      return stored.replay({ request, chat, snapshot, plan }, lookup.hit);
    }
    // Not `await` on a plan that is there already: an inline embedder then costs no turn of the event loop.
    const planned = beginning.kind === 'settled' ? beginning.plan : options.planner.finish(beginning.open);
    const plan = planned instanceof Promise ? await planned : planned;
    const step = { request, chat, snapshot, plan };
    if (plan.answer !== null) return stored.fixed(step);
    const place = chatCache.place(step, lookup);
    const found = place === null ? null : chatCache.find(step, place);
    const hit = found instanceof Promise ? await found : found;
    if (hit !== null) return stored.replay({ ...step, plan: hitPlan(plan, hit) }, hit);
    if (lookup.control.onlyIfCached) throw stored.missing(step);
    const granted = options.allowance.grant(request, chat, plan);
    let result: ExchangeResult | null = null;
    try {
      // A place is the plan's: where a budget sends the request elsewhere, its answer is not what others are to get.
      result = await send({ ...step, plan: granted.plan }, granted.plan === plan ? place : null);
    } finally {
      granted.hold.release(result?.usage?.source === 'cached' ? noUsage : (result?.usage ?? null));
    }
    if (result.error !== null) throw result.error;
  };

  function finished(step: PlannedChat, result: ExchangeResult, facts: AnswerFacts): Promise<void> | undefined {
    const totalMs = options.clock.monotonic() - step.request.receivedMonotonic;
    const report = (count: CountTokens) => {
      const verdict = answerCheck.verdict(step.chat, result);
      const record = chatRecord(options, { ...step, result, ...facts, totalMs, count, verdict });
      const said = { text: step.plan.text, person: personOf(step.chat) };
      options.events.requestFinished(record, said, requestHeader(step.request, 'traceparent'));
    };
    if (needsCount(result)) return options.tokens.load().then(report);
    report(countBytes);
    return undefined;
  }

  async function send(step: PlannedChat, place: CachePlace | null): Promise<ExchangeResult> {
    const { request, chat } = step;
    const mayStore = place?.mayStore === true;
    const addedMs = options.clock.monotonic() - request.receivedMonotonic;
    const ask = (receiver: Receiver) =>
      exchange({
        attempts: attemptsFor(request, chat, step.plan),
        stream: chat.stream,
        form: dialects[chat.dialect].form,
        totalMs,
        clock: options.clock,
        random: options.random,
        keepBytes: mayStore ? chatCache.largestBody : answerCheck.keepBytes(chat),
        onResponseId:
          chat.dialect === 'responses'
            ? (id, maker) => options.owners.keep(id, { tenant: request.tenant.id, ...maker })
            : undefined,
        ...receiver,
      });
    const ownHeaders =
      (cache: AnswerFacts['cache'], plan: Plan): Receiver['ownHeaders'] =>
      (answer) =>
        decisionHeaders(request, { ...answer, plan, cache, addedMs });
    const askAlone = async (): Promise<Asked> => {
      const receiver = {
        client: request.outgoing,
        signal: request.signal,
        ownHeaders: ownHeaders('bypass', step.plan),
      };
      return { plan: step.plan, cache: 'bypass', result: await ask(receiver) };
    };
    const asked = mayStore ? await askTogether(step, place, { ask, ownHeaders }) : await askAlone();
    const { plan, cache, result } = asked;
    if (result.model !== null && result.model !== plan.target) options.planner.moved(plan, result.model);
    const counting = finished({ ...step, plan }, result, { addedMs, cache });
    if (counting) await counting;
    if (result.error !== null)
      setHeaders(request, decisionHeaders(request, { plan, model: plan.target, cache: 'bypass', addedMs }));
    return result;
  }

  function attemptsFor(request: ClientRequest, chat: ChatRequest, plan: Plan): (() => Attempt)[] {
    const models = reachableModels(plan);
    return models.map(
      (model, index) => () => attemptOn(request, chat, { model, expendable: index < models.length - 1, plan }),
    );
  }

  function attemptOn(
    request: ClientRequest,
    chat: ChatRequest,
    aim: { model: string; expendable: boolean; plan: Plan },
  ): Attempt {
    const model = options.config.models[aim.model];
    const backendConfig = options.config.backends[model.backend];
    const endpoints = options.backends.get(model.backend);
    if (!endpoints) throw new Error(`backend '${model.backend}' was not assembled`);
    const dialect = dialects[chat.dialect];
    const injectUsage = chat.stream && dialect.usageOption && chat.includeUsage === null && backendConfig.stream_usage;
    const keepName = aim.plan.reason === 'unknown-model-passthrough';
    return {
      model: aim.model,
      endpoints,
      endpoint: aim.plan.endpoint,
      method: 'POST',
      path: modelPath(backendConfig, model.model, dialect.path) + queryOf(request.incoming),
      headers: forwardedRequestHeaders(request.incoming.rawHeaders, {
        credentials: backendConfig.credentials,
        identity: true,
      }),
      body: bodyFor(chat, keepName ? chat.model : model.model, injectUsage),
      repeatable: true,
      retries: backendConfig.max_retries,
      expendable: aim.expendable,
      stripUsage: injectUsage,
      learn: (refusal) => options.rejections.learn(aim.model, chat, refusal),
    };
  }
}

/** The plan of a request that a stored answer takes, found once it was known where the request would go. */
function hitPlan(plan: Plan, { kind, entry }: CacheHit): Plan {
  const reason = kind === 'semantic' ? 'semantic-hit' : 'cache-hit';
  return { ...plan, reason, route: entry.route, target: entry.model };
}

/** The client's bytes with only `model` spliced, and `include_usage` added where the client said nothing of it. */
function bodyFor(chat: ChatRequest, model: string, injectUsage: boolean): Buffer {
  const name = JSON.stringify(model);
  if (!injectUsage) return spliceMembers(chat.bytes, chat.members, { model: name });
  return spliceMembers(chat.bytes, chat.members, { model: name, stream_options: withUsage(chat) });
}

/** The client's own `stream_options`, whatever else they hold, with `include_usage` in front. */
function withUsage(chat: ChatRequest): string {
  const member = chat.members.find(({ key }) => key === 'stream_options');
  const given = member ? chat.bytes.toString('utf8', member.valueStart, member.valueEnd) : '';
  const rest = given.startsWith('{') ? given.slice(1).trimStart() : '}';
  return rest.startsWith('}') ? '{"include_usage":true}' : `{"include_usage":true,${rest}`;
}
