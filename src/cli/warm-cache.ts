/** Sends every request of a file to the proxy, a few at a time, and counts what its caches made of them. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { messageOf, ShuntError } from '../base/errors.ts';
import { askProxy, type ProxyAddress } from './ask-proxy.ts';

export interface WarmCounts {
  asked: number;
  stored: number;
  hits: number;
  bypassed: number;
  failed: number;
  first_error: string | null;
}

export async function warmCache(
  file: string,
  options: { readonly address: ProxyAddress; readonly model: string; readonly concurrency: number },
): Promise<WarmCounts> {
  const counts: WarmCounts = { asked: 0, stored: 0, hits: 0, bypassed: 0, failed: 0, first_error: null };
  const requests = requestsOf(file, options.model);
  const work = async () => {
    for await (const request of requests) await ask(request, options.address, counts);
  };
  await Promise.all(Array.from({ length: options.concurrency }, work));
  return counts;
}

async function ask(request: unknown, address: ProxyAddress, counts: WarmCounts): Promise<void> {
  counts.asked++;
  const { status, headers, body } = await askProxy(address, '/v1/chat/completions', request);
  const cache = headers.get('x-shunt-cache');
  if (status >= 400) {
    counts.failed++;
    const said = (body as { error?: { message?: unknown } } | null)?.error?.message;
    counts.first_error ??= typeof said === 'string' ? said : `status ${status}`;
  } else if (cache === 'hit' || cache === 'semantic') counts.hits++;
  else if (cache === 'miss') counts.stored++;
  else counts.bypassed++;
}

/** One request a line; several readers may take from it. Throws `bad_data` with the line at fault. */
async function* requestsOf(file: string, model: string): AsyncGenerator<Record<string, unknown>> {
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });
  let at = 0;
  try {
    for await (const line of lines) {
      at++;
      if (line.trim() !== '') yield requestOf(line, { place: `${file}:${at}`, model });
    }
  } catch (error) {
    if (error instanceof ShuntError) throw error;
    throw new ShuntError('bad_data', `${file} cannot be read (${messageOf(error)}).`, { cause: error });
  }
}

function requestOf(line: string, { place, model }: { place: string; model: string }): Record<string, unknown> {
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch (error) {
    throw new ShuntError('bad_data', `${place}: is not JSON (${messageOf(error)}).`, { cause: error });
  }
  const { text, messages, ...rest } = (row ?? {}) as { readonly text?: unknown; readonly messages?: unknown };
  if (Array.isArray(messages)) return { model, ...rest, messages, stream: false };
  if (typeof text !== 'string' || text === '') {
    throw new ShuntError('bad_data', `${place}: has neither 'text' nor 'messages'. Write {"text": "…"}.`);
  }
  // In the order in which `cache explain` writes it; the exact cache does not mind.
  return { model, messages: [{ role: 'user', content: text }], temperature: 0 };
}
