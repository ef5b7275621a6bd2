/** A sink that writes down what a backend does, and a call with the usual things filled in. */
import type {
  Backend,
  BackendCall,
  BackendFailure,
  BackendSink,
  BackendStream,
  RawHeaders,
} from '../../src/backend/contract.ts';
import { type BackendConfig, configSchema } from '../../src/config/schema.ts';

export interface Recording {
  /** `headers`, `data`, `end`, `error` in the order of the calls. */
  readonly events: string[];
  status: number;
  headers: RawHeaders;
  readonly chunks: Buffer[];
  failure: BackendFailure | null;
  /** Resolves at `onEnd` or `onError`. */
  readonly over: Promise<Recording>;
  readonly sink: BackendSink;
  text(): string;
}

export interface SinkHooks {
  readonly onHeaders?: () => void;
  readonly onData?: (chunk: Buffer) => boolean;
}

export function recording(hooks: SinkHooks = {}): Recording {
  let settle: (record: Recording) => void = () => {};
  const over = new Promise<Recording>((resolve) => {
    settle = resolve;
  });
  const record: Recording = {
    events: [],
    status: 0,
    headers: [],
    chunks: [],
    failure: null,
    over,
    text: () => Buffer.concat(record.chunks).toString('utf8'),
    sink: {
      onHeaders(status, headers) {
        record.events.push('headers');
        record.status = status;
        record.headers = headers;
        hooks.onHeaders?.();
      },
      onData(chunk) {
        record.events.push('data');
        record.chunks.push(chunk);
        return hooks.onData?.(chunk) ?? true;
      },
      onEnd() {
        record.events.push('end');
        settle(record);
      },
      onError(failure) {
        record.events.push('error');
        record.failure = failure;
        settle(record);
      },
    },
  };
  return record;
}

export type PartialCall = Partial<Omit<BackendCall, 'body'>> & { readonly body?: unknown; readonly sim?: string };

/** `body`: a Buffer, a stream or null goes as it is, anything else as JSON. */
export function callOf(partial: PartialCall = {}): BackendCall {
  const { sim, body, ...rest } = partial;
  const isRaw = Buffer.isBuffer(body) || body === null || (typeof body === 'object' && 'pipe' in body);
  return {
    method: 'POST',
    path: '/chat/completions',
    headers: ['content-type', 'application/json', ...(sim ? ['x-sim', sim] : [])],
    signal: new AbortController().signal,
    ...rest,
    body: isRaw ? (body as BackendCall['body']) : Buffer.from(JSON.stringify(body ?? hello)),
  };
}

export const hello = { model: 'demo-small', messages: [{ role: 'user', content: 'Hello there' }] };

export function ask(backend: Backend, partial: PartialCall = {}): Promise<Recording> {
  const record = recording();
  backend.send(callOf(partial), record.sink);
  return record.over;
}

export function start(backend: Backend, call: BackendCall, record: Recording): BackendStream {
  return backend.send(call, record.sink);
}

export function backendConfig(overrides: Record<string, unknown> = {}): BackendConfig {
  return configSchema.parse({ backends: { one: { kind: 'simulated', ...overrides } } }).backends.one;
}

/** Lets everything that is ready happen: pending sockets, timers of a few milliseconds. */
export async function settled(turns = 20): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setTimeout(resolve, 2));
}
