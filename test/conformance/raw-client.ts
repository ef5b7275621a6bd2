/** A client that says exactly what it is given and keeps what came back as it came: status, headers in order, bytes. */
import { request as httpRequest } from 'node:http';

export interface RawRequest {
  readonly method?: string;
  /** Below the base URL: `/chat/completions`. */
  readonly path?: string;
  /** Names and values in turn; `host` and `content-length` are added. */
  readonly headers?: readonly string[];
  readonly body?: Buffer | string;
  /** Goes away when so many bytes of the body have come; 0: as soon as the request is out. */
  readonly leaveAfter?: number;
}

export interface RawAnswer {
  /** 0: none came. */
  readonly status: number;
  /** `name: value` as they came. */
  readonly headers: readonly string[];
  readonly body: Buffer;
  /** The body came to its end as HTTP defines it. */
  readonly whole: boolean;
}

export function send(baseUrl: string, request: RawRequest): Promise<RawAnswer> {
  const url = new URL(`${baseUrl}${request.path ?? '/chat/completions'}`);
  const body = Buffer.from((request.body ?? '') as string);
  const method = request.method ?? 'POST';
  const length = method === 'GET' ? [] : ['content-length', String(body.length)];
  return new Promise((resolve) => {
    let status = 0;
    let headers: string[] = [];
    const parts: Buffer[] = [];
    let bytes = 0;
    const end = (whole: boolean) => resolve({ status, headers, body: Buffer.concat(parts), whole });
    const outgoing = httpRequest(url, {
      method,
      agent: false,
      headers: ['host', url.host, ...(request.headers ?? []), ...length] as never,
    });
    outgoing.on('error', () => end(false));
    outgoing.on('response', (incoming) => {
      status = incoming.statusCode ?? 0;
      headers = pairs(incoming.rawHeaders);
      incoming.on('data', (chunk: Buffer) => {
        parts.push(chunk);
        bytes += chunk.length;
        if (request.leaveAfter !== undefined && bytes >= request.leaveAfter) outgoing.destroy();
      });
      incoming.on('end', () => end(incoming.complete));
      incoming.on('error', () => end(false));
      incoming.on('close', () => end(incoming.complete));
    });
    outgoing.end(body, () => {
      // A moment for the request to arrive: what is tested is that leaving is noticed, not that nothing was sent.
      if (request.leaveAfter === 0) setTimeout(() => outgoing.destroy(), 100);
    });
  });
}

function pairs(raw: readonly string[]): string[] {
  const headers: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) headers.push(`${raw[i]}: ${raw[i + 1]}`);
  return headers;
}
