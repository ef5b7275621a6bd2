/**
 * Reads a request body whole, within a limit that is checked while reading: a body that says or turns out to be too
 * large is refused before it is in memory, and one that stalls is given up on.
 */
import type { IncomingMessage } from 'node:http';
import { ShuntError } from '../base/errors.ts';

export interface BodyLimits {
  readonly maxBytes: number;
  /** Time for the whole body. */
  readonly timeoutMs: number;
}

export function readBody(incoming: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  const encoding = incoming.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') {
    const message = `The request body is compressed (content-encoding: ${encoding.slice(0, 64)}). Send it uncompressed.`;
    return Promise.reject(new ShuntError('invalid_request', message, { param: 'content-encoding' }));
  }
  const announced = Number(incoming.headers['content-length'] ?? 0);
  if (announced > limits.maxBytes) return Promise.reject(tooLarge(limits));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const timer = setTimeout(() => {
      stop(new ShuntError('request_timeout', `The request body did not arrive within ${limits.timeoutMs} ms.`));
    }, limits.timeoutMs);

    const onData = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > limits.maxBytes) stop(tooLarge(limits));
      else chunks.push(chunk);
    };
    const onEnd = () => {
      clearTimeout(timer);
      resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, bytes));
    };
    const onBroken = () =>
      stop(new ShuntError('client_closed_request', 'The client went away while sending its request.'));
    incoming.on('data', onData).once('end', onEnd).once('error', onBroken).once('aborted', onBroken);

    function stop(error: ShuntError): void {
      clearTimeout(timer);
      incoming.off('data', onData).off('end', onEnd).off('error', onBroken).off('aborted', onBroken);
      // What still comes is read and dropped, so that the client can finish writing and read the reply; the server library
      // cuts the connection when that takes long (half a second) or is much.
      incoming.on('error', () => undefined);
      incoming.resume();
      reject(error);
    }
  });
}

function tooLarge(limits: BodyLimits): ShuntError {
  const limit = Math.round((limits.maxBytes / 1_048_576) * 100) / 100;
  return new ShuntError(
    'body_too_large',
    `The request body is larger than ${limit} MiB. Send less, or raise server.body_limit_mb.`,
  );
}
