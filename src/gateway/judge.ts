/**
 * Asks a model whether a stored answer serves a new prompt as well as the fresh one does: `cache.semantic.compare: judge`.
 * The call is the operator's, and stands in the ledger as a row of its own (`cache-judge`) under the route that it serves.
 */

import { modelPath } from '../backend/backend-request.ts';
import type { Endpoints } from '../backend/endpoints.ts';
import { Cancel } from '../base/cancel.ts';
import type { Clock } from '../base/clock.ts';
import { zeroUsd } from '../base/money.ts';
import { requestId } from '../base/request-id.ts';
import type { Config } from '../config/schema.ts';
import { noUsage } from '../ledger/usage.ts';
import type { AnswerWriter } from './answer-writer.ts';
import { isObject } from './chat-request.ts';
import { choiceStream } from './choice-stream.ts';
import type { GatewayEvents } from './events.ts';
import { exchange } from './exchange.ts';
import type { ExchangeResult } from './exchange-result.ts';
import { requestTotalMs } from './request-time.ts';
import type { Tenant } from './tenant.ts';
import { unroutedRecord } from './unrouted-record.ts';

export interface JudgeCase {
  readonly prompt: string;
  readonly stored: string;
  readonly fresh: string;
  /** Whose evidence it is, and in whose ledger row it stands. */
  readonly route: string | null;
  readonly tenant: Pick<Tenant, 'id' | 'key'>;
  readonly snapshot: string;
}

/** null: the judge could not be asked, or said neither. */
export type Judge = (about: JudgeCase) => Promise<boolean | null>;

export interface JudgeOptions {
  readonly config: Config;
  readonly backends: ReadonlyMap<string, Endpoints>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly events: GatewayEvents;
}

const instruction = `You compare two answers to one question. Reply YES when the stored answer serves the asker as well as the fresh answer does: it answers the same question, and contradicts the fresh answer in no fact, number, name, date, unit or instruction. Otherwise reply NO. Reply with that one word.`;
/** Of each text; a longer answer is judged by its beginning. */
const mostCharacters = 8_000;

export function createJudge(options: JudgeOptions, name: string): Judge {
  const { config, clock } = options;
  const model = config.models[name];
  const backend = config.backends[model.backend];

  return async (about) => {
    const endpoints = options.backends.get(model.backend);
    if (!endpoints) return null;
    const [time, began] = [clock.now(), clock.monotonic()];
    const result = await exchange({
      attempts: [
        () => ({
          model: name,
          endpoints,
          method: 'POST',
          path: modelPath(backend, model.model, '/chat/completions'),
          headers: ['content-type', 'application/json'],
          body: Buffer.from(JSON.stringify(question(model.model, about))),
          repeatable: true,
          retries: 0,
          expendable: false,
          stripUsage: false,
        }),
      ],
      stream: false,
      form: choiceStream,
      client: nobody,
      signal: new Cancel(),
      totalMs: requestTotalMs(config),
      clock,
      random: options.random,
      keepBytes: 1 << 20,
      ownHeaders: () => [],
    });
    record(about, result, { time, began });
    return verdictOf(result.body);
  };

  function record(about: JudgeCase, result: ExchangeResult, { time, began }: { time: number; began: number }): void {
    const { status, errorCode, truncated, usage, firstByteMs } = result;
    const row = unroutedRecord({
      id: requestId(time),
      time,
      tenant: about.tenant,
      tags: [],
      endpoint: 'chat',
      reason: 'cache-judge',
      model: name,
      priced: model,
      backend: result.backend,
      snapshot: about.snapshot,
      status,
      errorCode,
      truncated,
      usage: usage ?? noUsage,
      latency: { addedMs: 0, embedMs: 0, matchMs: 0, firstByteMs, totalMs: clock.monotonic() - began },
    });
    // Without a cache nobody would have asked: the fallback would have cost nothing.
    const said = { text: '', person: null };
    options.events.requestFinished({ ...row, route: about.route, fallbackCost: zeroUsd }, said, null);
  }
}

function question(model: string, { prompt, stored, fresh }: JudgeCase) {
  const cut = (text: string) => text.slice(0, mostCharacters);
  const content = `Question:\n${cut(prompt)}\n\nFresh answer:\n${cut(fresh)}\n\nStored answer:\n${cut(stored)}`;
  const messages = [
    { role: 'system', content: instruction },
    { role: 'user', content },
  ];
  return { model, messages, temperature: 0, max_tokens: 5 };
}

function verdictOf(body: Buffer | null): boolean | null {
  if (body === null) return null;
  let said: unknown;
  try {
    said = JSON.parse(body.toString('utf8'));
  } catch {
    // No verdict is no evidence.
    return null;
  }
  const choice: unknown = isObject(said) && Array.isArray(said.choices) ? said.choices[0] : null;
  const content = isObject(choice) && isObject(choice.message) ? choice.message.content : null;
  const word = typeof content === 'string' ? /^\W*(yes|no)\b/i.exec(content)?.[1].toLowerCase() : undefined;
  return word === undefined ? null : word === 'yes';
}

/** The answer is kept by the exchange; there is no client. */
const nobody: AnswerWriter = {
  writeHead() {},
  flushHeaders() {},
  write: () => true,
  end() {},
  destroy() {},
  writableNeedDrain: false,
  on() {},
  off() {},
};
