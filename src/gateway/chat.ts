/**
 * The story of one chat request, in any dialect (`dialect.ts`):
 *
 *   read the body ─► plan (guard, pin) ─► exact cache ─► plan (embed, match) ─► exchange ─► store, record
 *
 * It decides nothing itself: `plan.ts` says where to, `exchange.ts` brings the answer, this file keeps the order.
 */

import { modelPath } from '../backend/backend-request.ts';
import type { Backend } from '../backend/contract.ts';
import { forwardedRequestHeaders } from '../backend/headers.ts';
import type { Clock } from '../base/clock.ts';
import { spliceMembers } from '../base/json-members.ts';
import type { ExactCache } from '../cache/exact-cache.ts';
import type { Config } from '../config/schema.ts';
import { type CountTokens, countBytes, type TokenCounter } from '../ledger/token-counter.ts';
import type { Snapshot } from '../lifecycle/snapshot.ts';
import type { Allowance } from './allowance.ts';
import { type CacheHit, type CacheLookup, type ChatCache, createChatCache } from './chat-cache.ts';
import { chatRecord, needsCount } from './chat-record.ts';
import type { ChatRequest, DialectName } from './chat-request.ts';
import { type ClientRequest, requestHeader } from './client-request.ts';
import { decisionHeaders, setHeaders } from './decision-headers.ts';
import { dialects } from './dialect.ts';
import type { GatewayEvents } from './events.ts';
import { exchange } from './exchange.ts';
import { type Attempt, type ExchangeResult, replayedResult } from './exchange-result.ts';
import type { Owners } from './owners.ts';
import { queryOf } from './pass-through.ts';
import type { Planner } from './plan.ts';
import { type Plan, reachableModels } from './plan-form.ts';
import type { Rejections } from './rejections.ts';

export interface ChatOptions {
  readonly config: Config;
  readonly snapshot: () => Snapshot;
  readonly planner: Planner;
  readonly backends: ReadonlyMap<string, Backend>;
  readonly cache: ExactCache;
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
  const chatCache: ChatCache = createChatCache(options);
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
      replay({ request, chat, snapshot, plan: options.planner.cached(beginning.open, lookup.hit.entry) }, lookup.hit);
      return;
    }
    // Not `await` on a plan that is there already: an inline embedder then costs no turn of the event loop.
    const planned = beginning.kind === 'settled' ? beginning.plan : options.planner.finish(beginning.open);
    const plan = planned instanceof Promise ? await planned : planned;
    const granted = options.allowance.grant(request, chat, plan);
    let result: ExchangeResult | null = null;
    try {
      result = await send({ request, chat, snapshot, plan: granted.plan }, lookup);
    } finally {
      granted.hold.release(result?.usage ?? null);
    }
    if (result.error !== null) throw result.error;
  };

  interface Step {
    readonly request: ClientRequest;
    readonly chat: ChatRequest;
    readonly snapshot: Snapshot;
    readonly plan: Plan;
  }

  function replay(step: Step, hit: CacheHit): void {
    const { request, plan } = step;
    const addedMs = options.clock.monotonic() - request.receivedMonotonic;
    chatCache.replay(request, hit, decisionHeaders(request, { plan, model: plan.target, cache: 'hit', addedMs }));
    void finished(step, replayedResult(hit.entry.model, { usage: hit.entry.usage, stream: step.chat.stream }), {
      addedMs,
      cache: 'hit',
    });
  }

  function finished(
    step: Step,
    result: ExchangeResult,
    facts: { readonly addedMs: number; readonly cache: 'hit' | 'miss' | 'bypass' },
  ): Promise<void> | undefined {
    const totalMs = options.clock.monotonic() - step.request.receivedMonotonic;
    const report = (count: CountTokens) => {
      const record = chatRecord(options, { ...step, result, ...facts, totalMs, count });
      options.events.requestFinished(record, step.plan.text, requestHeader(step.request, 'traceparent'));
    };
    if (needsCount(result)) return options.tokens.load().then(report);
    report(countBytes);
    return undefined;
  }

  async function send(step: Step, lookup: CacheLookup): Promise<ExchangeResult> {
    const { request, chat, snapshot, plan } = step;
    const mayStore = chatCache.mayStore(chat, snapshot, plan, lookup);
    const cache = mayStore ? 'miss' : 'bypass';
    const addedMs = options.clock.monotonic() - request.receivedMonotonic;
    const result = await exchange({
      attempts: attemptsFor(request, chat, plan),
      stream: chat.stream,
      form: dialects[chat.dialect].form,
      client: request.outgoing,
      signal: request.signal,
      clock: options.clock,
      random: options.random,
      keepBytes: mayStore ? chatCache.largestBody : 0,
      ownHeaders: ({ model, rejected }) => decisionHeaders(request, { plan, model, cache, addedMs, rejected }),
      onResponseId:
        chat.dialect === 'responses'
          ? (id, model) => options.owners.keep(id, { tenant: request.tenant.id, model })
          : undefined,
    });
    if (result.model !== null && result.model !== plan.target) options.planner.moved(plan, result.model);
    if (mayStore) chatCache.store(lookup, { plan, result, snapshot });
    const counting = finished(step, result, { addedMs, cache });
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
    const backend = options.backends.get(model.backend);
    if (!backend) throw new Error(`backend '${model.backend}' was not assembled`);
    const dialect = dialects[chat.dialect];
    const injectUsage = chat.stream && dialect.usageOption && chat.includeUsage === null && backendConfig.stream_usage;
    const keepName = aim.plan.reason === 'unknown-model-passthrough';
    return {
      model: aim.model,
      backend,
      method: 'POST',
      path: modelPath(backendConfig, model.model, dialect.path) + queryOf(request.incoming),
      headers: forwardedRequestHeaders(request.incoming.rawHeaders, {
        credentials: backendConfig.credentials,
        identity: true,
      }),
      body: bodyFor(chat, keepName ? chat.model : model.model, injectUsage),
      retries: backendConfig.max_retries,
      expendable: aim.expendable,
      stripUsage: injectUsage,
      learn: (refusal) => options.rejections.learn(aim.model, chat, refusal),
    };
  }
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
