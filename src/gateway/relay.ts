/**
 * One answer on its way to the client: its head, then its bytes as they come. Until something worth having has gone
 * out, and only where another attempt could follow, the first events of a stream are held back (`hold-back.ts`).
 *
 * It decides nothing about other attempts: it says that it failed while it could still be taken back.
 */
import { ShuntError } from '../base/errors.ts';
import type { AnswerReader } from './answer-reader.ts';
import type { AnswerWriter } from './answer-writer.ts';
import { createHoldBack, type HoldBack, holdBackMs } from './hold-back.ts';
import type { StreamForm } from './stream-form.ts';

export interface RelayOptions {
  readonly client: AnswerWriter;
  readonly reader: AnswerReader;
  readonly form: StreamForm;
  /** Writes status and headers. */
  readonly writeHead: () => void;
  /** Another attempt could follow: hold back what can be held. */
  readonly hold: boolean;
  readonly onDrain: () => void;
}

export interface Relay {
  readonly reader: AnswerReader;
  /** Nothing was written to the client yet. */
  readonly held: boolean;
  /** `failed`: an error came, and nothing has gone out. `full`: wait for `onDrain`. */
  push(chunk: Buffer): 'sent' | 'full' | 'failed';
  /** The backend has ended. `cut`: a stream that lacks its end. Nothing is written yet. */
  ended(): 'whole' | 'cut';
  /** Writes what is held and ends the answer; with an error, a stream says so first and a plain answer breaks off. */
  finish(error: ShuntError | null): void;
  /** Lets go of what is held: it must go out after all. */
  release(): void;
  /** Forgets what is held: another attempt takes the client. */
  abandon(): void;
}

export function createRelay(options: RelayOptions): Relay {
  const { client, reader, form, onDrain } = options;
  let holding: HoldBack | null = null;
  let timer: NodeJS.Timeout | undefined;
  let tail: Buffer = Buffer.alloc(0);
  if (options.hold && reader.stream) {
    holding = createHoldBack(form);
    timer = setTimeout(release, holdBackMs);
  } else begin();

  return {
    reader,
    get held() {
      return holding !== null;
    },
    push(chunk) {
      const bytes = reader.push(chunk);
      if (holding === null) return bytes.length === 0 || client.write(bytes) ? 'sent' : 'full';
      const mayGo = holding.add(bytes);
      if (reader.reading.errorCode !== null) return 'failed';
      if (mayGo) release();
      return client.writableNeedDrain ? 'full' : 'sent';
    },
    ended() {
      tail = reader.flush();
      return reader.reading.streamCut ? 'cut' : 'whole';
    },
    finish(error) {
      release();
      client.off('drain', onDrain);
      if (error !== null && !reader.stream) {
        // A broken connection, and not a short body that looks whole.
        client.destroy();
        return;
      }
      if (tail.length > 0) client.write(tail);
      client.end(error === null ? undefined : form.errorEvent(error));
    },
    release,
    abandon() {
      clearTimeout(timer);
      holding = null;
      client.off('drain', onDrain);
    },
  };

  function begin(): void {
    options.writeHead();
    if (reader.stream) client.flushHeaders();
    client.on('drain', onDrain);
  }

  function release(): void {
    if (holding === null) return;
    clearTimeout(timer);
    const bytes = holding.take();
    holding = null;
    begin();
    if (bytes.length > 0) client.write(bytes);
  }
}

export function cutError(model: string): ShuntError {
  return new ShuntError('backend_error', `The stream of '${model}' ended before its end.`);
}
