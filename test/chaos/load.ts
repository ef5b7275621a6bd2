/**
 * Clients of the chaos suite: some dozens to hundreds of requests at once, each with an end to its patience, and what each
 * saw. A request that outlives its deadline counts as hung, which no fault excuses.
 */
import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';

export interface Ask {
  /** `/v1/chat/completions` when absent. */
  readonly path?: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** What an ill-mannered client does with its request and its answer. */
  readonly manner?: (request: ClientRequest) => void;
  readonly onAnswer?: (answer: IncomingMessage, request: ClientRequest) => void;
}

export interface Seen {
  readonly ask: Ask;
  /** `x-shunt-request-id`; null when no answer came. */
  readonly id: string | null;
  /** 0: no answer came. */
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** The answer came to its end as HTTP defines it. */
  readonly whole: boolean;
  readonly ms: number;
  readonly hung: boolean;
  /** When it was over, on the clock of `performance.now()`. */
  readonly endedAt: number;
}

export interface Load {
  readonly url: string;
  readonly asks: readonly Ask[];
  /** Requests at once. */
  readonly width: number;
  /** No request may take longer. */
  readonly deadlineMs: number;
  /** Asks no more once it says so. */
  readonly enough?: () => boolean;
}

export async function load({ url, asks, width, deadlineMs, enough }: Load): Promise<Seen[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: width });
  const seen: Seen[] = [];
  let next = 0;
  const worker = async () => {
    while (next < asks.length && !enough?.()) seen.push(await ask(url, asks[next++], { agent, deadlineMs }));
  };
  await Promise.all(Array.from({ length: Math.min(width, asks.length) }, worker));
  agent.destroy();
  return seen;
}

export function ask(
  url: string,
  one: Ask,
  how: { readonly agent?: Agent; readonly deadlineMs: number },
): Promise<Seen> {
  const started = performance.now();
  return new Promise((resolve) => {
    let status = 0;
    let headers: IncomingMessage['headers'] = {};
    let hung = false;
    const parts: Buffer[] = [];
    const outgoing = httpRequest(`${url}${one.path ?? '/v1/chat/completions'}`, {
      method: 'POST',
      agent: how.agent ?? false,
      headers: { 'content-type': 'application/json', ...one.headers },
    });
    const patience = setTimeout(() => {
      hung = true;
      outgoing.destroy();
    }, how.deadlineMs);
    const end = (whole: boolean) => {
      clearTimeout(patience);
      const id = headers['x-shunt-request-id'];
      resolve({
        ask: one,
        id: typeof id === 'string' ? id : null,
        status,
        headers,
        text: Buffer.concat(parts).toString(),
        whole,
        ms: performance.now() - started,
        hung,
        endedAt: performance.now(),
      });
    };
    outgoing.on('error', () => end(false));
    outgoing.on('response', (answer) => {
      status = answer.statusCode ?? 0;
      headers = answer.headers;
      answer.on('data', (chunk: Buffer) => parts.push(chunk));
      answer.on('end', () => end(answer.complete));
      answer.on('error', () => end(false));
      answer.on('close', () => end(answer.complete));
      one.onAnswer?.(answer, outgoing);
    });
    if (one.manner) one.manner(outgoing);
    else outgoing.end(one.body);
  });
}

export interface Chat {
  /** A routed name, or a model. */
  readonly model?: string;
  /** Forces this route. */
  readonly route?: string;
  readonly stream?: boolean;
  readonly text?: string;
  /** Labels the decision in the ledger. */
  readonly tag: string;
}

export function chat({ model = 'auto', route, stream = false, text, tag }: Chat): Ask {
  const content = text ?? 'Translate to French: good morning';
  return {
    body: JSON.stringify({ model, messages: [{ role: 'user', content }], stream }),
    headers: { 'x-shunt-tags': tag, ...(route && { 'x-shunt-route': route }) },
  };
}

/** The whole answer came, and it is an answer. */
export function succeeded({ status, whole, text, ask: { body } }: Seen): boolean {
  if (status !== 200 || !whole) return false;
  if (body.includes('"stream":true')) return text.includes('[DONE]') && !text.includes('"error"');
  return isCompletion(text);
}

function isCompletion(text: string): boolean {
  try {
    return Array.isArray((JSON.parse(text) as { choices?: unknown }).choices);
  } catch {
    return false;
  }
}

/** In few words, for the table; `strange` is what no client should ever see. */
export function errorOf(seen: Seen): string {
  const { status, whole, text, hung } = seen;
  if (hung) return 'HUNG';
  if (status === 0) return 'closed without an answer';
  if (status === 200 && text.includes('"error"')) return 'error event';
  if (!whole) return 'answer cut';
  if (status === 200) return 'passed on as it is';
  try {
    const { error } = JSON.parse(text) as { error: { code?: string | null; type?: string } };
    return `${status} ${error.code ?? error.type}`;
  } catch {
    return `${status} passed on as it is`;
  }
}

export function tally(all: readonly Seen[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const seen of all) {
    if (succeeded(seen)) continue;
    const error = errorOf(seen);
    counts.set(error, (counts.get(error) ?? 0) + 1);
  }
  return counts;
}
