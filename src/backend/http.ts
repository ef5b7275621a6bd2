/**
 * A backend over HTTP: undici's `dispatch`, bytes handed on as they come.
 *
 * Deadlines per call, watched by a single timer that is set once and, when it fires, looks at what is really overdue:
 *
 *   send ──connect_ms──► connected ──► sent ────► headers ──► data … data ──► end
 *     └──────────────── first_byte_ms ──────────────┘ └ idle_ms ┘
 *     └──────────────────────────────── total_ms ────────────────────────────┘
 *
 * Waiting for a slow reader (paused) is not idleness. The sink is never called before `send` has returned.
 * It retries nothing, and it keeps nothing of an answer.
 */
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Clock } from '../base/clock.ts';
import { messageOf, ShuntError } from '../base/errors.ts';
import type { BackendConfig } from '../config/schema.ts';
import { backendAddress, operatorHeaders } from './backend-request.ts';
import type { ConnectionPools } from './connection-pools.ts';
import type { Backend, BackendCall, BackendSink, BackendStream, FailureKind } from './contract.ts';
import { type CallStage, failureKind, failureText } from './failure.ts';
import type { EndGate, EndGates } from './paused-end.ts';

export interface HttpBackendOptions {
  readonly clock: Clock;
  readonly pools: ConnectionPools;
}

export function createHttpBackend(name: string, config: BackendConfig, options: HttpBackendOptions): Backend {
  if (config.base_url === undefined) {
    throw new ShuntError(
      'bad_config',
      `backends.${name} has no base_url. Add one, such as https://api.openai.com/v1.`,
      {
        param: `backends.${name}.base_url`,
      },
    );
  }
  const address = backendAddress(config.base_url, config);
  const withOperatorHeaders = operatorHeaders(config);
  const lease = options.pools.lease(address.origin, {
    connections: config.connections,
    connectMs: config.connect_ms,
    proxy: config.proxy === undefined || config.proxy === 'none' ? null : config.proxy,
    ca: config.ca_file === undefined ? null : readAuthority(name, config.ca_file),
    http2: config.http2,
  });
  const place = {
    label: `backend '${name}' at ${address.origin}`,
    limits: config,
    clock: options.clock,
    gates: lease.gates,
  };

  return {
    name,
    kind: config.kind === 'anthropic' ? 'anthropic' : 'openai',
    send(call, sink) {
      const handler = new HttpCall(place, call, sink);
      if (call.signal.aborted) return handler;
      lease.pool.dispatch(
        {
          path: address.target(call.path),
          method: call.method,
          headers: withOperatorHeaders(call.headers) as string[],
          body: call.body,
        },
        handler,
      );
      handler.returned();
      return handler;
    },
    close: () => lease.release(),
  };
}

/** Read when the backend is built, so that a wrong path is said at the start and not at the first request. */
function readAuthority(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ShuntError(
      'bad_config',
      `backends.${name}.ca_file cannot be read: ${messageOf(error)}. Check the path.`,
      {
        param: `backends.${name}.ca_file`,
        cause: error,
      },
    );
  }
}

interface CallPlace {
  readonly label: string;
  readonly limits: Pick<BackendConfig, 'first_byte_ms' | 'idle_ms' | 'total_ms'>;
  readonly clock: Clock;
  readonly gates: EndGates;
}

/** One call on its way; undici's handler and the contract's stream in one object, since it is made per request. */
class HttpCall implements Dispatcher.DispatchHandler, BackendStream {
  private readonly place: CallPlace;
  private readonly call: BackendCall;
  private readonly sink: BackendSink;
  private readonly started: number;
  private readonly totalMs: number;
  /** When the wait that the first-byte or idle limit bounds began; null while it is not the backend that we wait for. */
  private waitingSince: number | null;
  private stage: CallStage = 'connecting';
  private controller: Dispatcher.DispatchController | null = null;
  private gate: EndGate | null = null;
  private timer: NodeJS.Timeout;
  private done = false;
  private inSend = true;

  constructor(place: CallPlace, call: BackendCall, sink: BackendSink) {
    this.place = place;
    this.call = call;
    this.sink = sink;
    this.started = place.clock.monotonic();
    this.waitingSince = this.started;
    const { first_byte_ms, idle_ms, total_ms } = place.limits;
    this.totalMs = call.totalMs === undefined ? total_ms : Math.min(total_ms, call.totalMs);
    this.timer = setTimeout(onTimer, Math.min(first_byte_ms, idle_ms, this.totalMs), this);
    if (call.signal.aborted) {
      this.handleEvent();
      return;
    }
    call.signal.addEventListener('abort', this);
    if (call.body instanceof Readable) this.watchUpload(call.body);
  }

  /** `send` has returned; from here on the sink may be called directly. */
  returned(): void {
    this.inSend = false;
  }

  /** The signal's listener: an object with this method saves a bound function per request. */
  handleEvent(): void {
    this.fail('aborted', 'the call was aborted', this.call.signal.reason);
  }

  /** Until an upload has gone up, the backend has nothing to answer. */
  private watchUpload(body: Readable): void {
    this.waitingSince = null;
    body.once('end', () => {
      if (this.stage !== 'answering') this.waitingSince = this.place.clock.monotonic();
    });
    body.once('error', (error) => this.fail('aborted', `the request body broke off: ${error.message}`, error));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.done) controller.abort(new Error('no longer wanted'));
    else this.stage = 'sent';
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (this.done || status < 200) return;
    this.stage = 'answering';
    this.waitingSince = this.place.clock.monotonic();
    this.sink.onHeaders(status, textHeaders(controller.rawHeaders));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.done) return;
    this.waitingSince = this.place.clock.monotonic();
    if (this.sink.onData(chunk) || this.done) return;
    this.gate ??= this.place.gates.current();
    if (this.gate?.hold() === false) return;
    this.waitingSince = null;
    controller.pause();
  }

  onResponseEnd(): void {
    if (this.done) return;
    this.finish();
    this.sink.onEnd();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.fail(failureKind(error, this.stage), failureText(error), error);
  }

  resume(): void {
    if (this.done || this.controller === null) return;
    this.waitingSince = this.place.clock.monotonic();
    this.gate?.release();
    this.controller.resume();
  }

  /** Fails what is overdue, else sets the timer for what may be overdue next. */
  checkDeadlines(): void {
    const { first_byte_ms, idle_ms } = this.place.limits;
    const now = this.place.clock.monotonic();
    const answering = this.stage === 'answering';
    const waitLimit = answering ? idle_ms : first_byte_ms;
    const totalLeft = this.started + this.totalMs - now;
    const waitLeft = this.waitingSince === null ? waitLimit : this.waitingSince + waitLimit - now;
    if (totalLeft <= 0) this.fail('total-timeout', `no complete answer within ${Math.ceil(this.totalMs)} ms`);
    else if (waitLeft > 0) {
      // Never further off than `idle_ms`: the wait for data may begin at any moment, and does not touch the timer.
      this.timer = setTimeout(onTimer, Math.ceil(Math.min(totalLeft, waitLeft, idle_ms)), this);
    } else if (answering) this.fail('idle-timeout', `the answer stalled for ${idle_ms} ms`);
    else this.fail('first-byte-timeout', `no answer within ${first_byte_ms} ms`);
  }

  private fail(kind: FailureKind, text: string, cause?: unknown): void {
    if (this.done) return;
    this.finish();
    const failure = { kind, message: `${this.place.label}: ${text}`, cause };
    if (this.inSend) process.nextTick(() => this.sink.onError(failure));
    else this.sink.onError(failure);
    this.controller?.abort(new Error(text));
  }

  private finish(): void {
    this.done = true;
    clearTimeout(this.timer);
    this.call.signal.removeEventListener('abort', this);
  }
}

function onTimer(call: HttpCall): void {
  call.checkDeadlines();
}

/** Latin-1 both ways keeps every byte of a header value (RFC 9110 §5.5). */
function textHeaders(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  if (!Array.isArray(raw)) return [];
  const headers = new Array<string>(raw.length);
  for (let i = 0; i < raw.length; i++) {
    const part = raw[i];
    headers[i] = typeof part === 'string' ? part : part.toString('latin1');
  }
  return headers;
}
