/**
 * An LLM backend inside the process: the whole API with deterministic answers, so that a first look, a demo and most
 * tests need neither key nor network. It keeps the contract to the letter, deadlines, back-pressure and failures too.
 * `simulated-server.ts` serves the same over HTTP.
 */
import { Readable } from 'node:stream';
import type { Clock } from '../base/clock.ts';
import type { BackendConfig } from '../config/schema.ts';
import type { Backend, BackendCall } from './contract.ts';
import { headerValue } from './headers.ts';
import { simulatedReply } from './simulation/api.ts';
import { type Faults, faultsOf } from './simulation/faults.ts';
import { type Piece, play } from './simulation/player.ts';
import { pseudoId, pseudoRandom } from './simulation/pseudo-random.ts';
import { errorReply, type SimulatedReply } from './simulation/reply.ts';

const largestUpload = 100 << 20;

export function createSimulatedBackend(name: string, config: BackendConfig, clock: Clock): Backend {
  const random = pseudoRandom(config.simulation.seed);
  let requests = 0;

  async function prepare(call: BackendCall): Promise<Piece> {
    const faults = faultsOf(headerValue(call.headers, 'x-sim'), config.simulation, random);
    const id = pseudoId('req_', `${name} ${++requests} ${config.simulation.seed}`);
    const body = await wholeBody(call.body);
    const reply = replyTo(call, body);
    return { reply, headers: answerHeaders(reply, faults, id), faults };

    function replyTo({ method, path, headers }: BackendCall, bytes: Buffer | null): SimulatedReply {
      if (bytes === null)
        return errorReply({ status: 413, message: 'The upload is too large for a simulated backend.' });
      const contentType = headerValue(headers, 'content-type') ?? '';
      const created = Math.floor(clock.now() / 1_000);
      return simulatedReply({ method, path, contentType, body: bytes, created, faults });
    }
  }

  return {
    name,
    kind: 'simulated',
    send(call, sink) {
      const { first_byte_ms, idle_ms, total_ms } = config;
      const limits = { first_byte_ms, idle_ms, total_ms: Math.min(total_ms, call.totalMs ?? total_ms) };
      return play({ label: `simulated backend '${name}'`, limits, clock, sink, signal: call.signal }, () =>
        prepare(call),
      );
    },
    close: async () => {},
  };
}

/** As OpenAI sends them; the limits are never reached. */
function answerHeaders(reply: SimulatedReply, faults: Faults, id: string): string[] {
  const hasLength = reply.length !== null && !faults.truncate;
  return [
    'content-type',
    reply.contentType,
    ...(hasLength ? ['content-length', String(reply.length)] : []),
    ...reply.headers,
    'openai-organization',
    'simulated',
    'openai-processing-ms',
    '1',
    'openai-version',
    '2020-10-01',
    'x-ratelimit-limit-requests',
    '10000',
    'x-ratelimit-limit-tokens',
    '2000000',
    'x-ratelimit-remaining-requests',
    '9999',
    'x-ratelimit-remaining-tokens',
    '1999950',
    'x-ratelimit-reset-requests',
    '6ms',
    'x-ratelimit-reset-tokens',
    '1ms',
    'x-request-id',
    id,
  ];
}

/** null when it is too large. */
async function wholeBody(body: Buffer | Readable | null): Promise<Buffer | null> {
  if (!(body instanceof Readable)) return body ?? Buffer.alloc(0);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    const part = Buffer.from(chunk as Uint8Array);
    bytes += part.length;
    if (bytes > largestUpload) return null;
    chunks.push(part);
  }
  return Buffer.concat(chunks);
}
