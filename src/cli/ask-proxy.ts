/** How a command reaches a running proxy: its address and key, from flags, the environment or the config. */
import type { Command } from 'commander';
import { messageOf, ShuntError } from '../base/errors.ts';
import { readConfig, withConfigOption } from './read-config.ts';

export interface ProxyFlags {
  readonly url?: string;
  readonly key?: string;
}

export interface ProxyAddress {
  readonly url: string;
  readonly key: string | null;
}

export function withProxyOptions(command: Command, keyOf: string): Command {
  return withConfigOption(command)
    .option('--url <URL>', 'the running proxy; the address in the config when absent')
    .option('--key <KEY>', `${keyOf}; SHUNT_KEY when absent`);
}

/** `admin`: the admin port, where the config has one. */
export async function proxyAddress(
  command: Command,
  flags: ProxyFlags,
  want: 'admin' | 'client',
): Promise<ProxyAddress> {
  const key = flags.key ?? process.env.SHUNT_KEY ?? null;
  if (flags.url !== undefined) return { url: flags.url.replace(/\/$/, ''), key };
  const { host, port, admin_port: adminPort } = (await readConfig(command)).server;
  const chosen = want === 'admin' && adminPort !== 'none' ? adminPort : port;
  const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host;
  return { url: `http://${name}:${chosen}`, key };
}

export interface ProxyAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** Throws when nothing answers; what it answers is the caller's to judge. */
export async function askProxy({ url, key }: ProxyAddress, path: string, body: unknown = null): Promise<ProxyAnswer> {
  const headers: Record<string, string> = key === null ? {} : { authorization: `Bearer ${key}` };
  let response: Response;
  try {
    response = await fetch(`${url}${path}`, {
      method: body === null ? 'GET' : 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: body === null ? null : JSON.stringify(body),
    });
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    const message = `No proxy answers at ${url} (${messageOf(cause)}). Start one with \`shunt serve\`, or name it with --url.`;
    throw new ShuntError('backend_unreachable', message, { param: '--url', cause: error });
  }
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: parsed(text) };
}

/** Throws what the proxy says is wrong. */
export function mustBeOk({ url }: ProxyAddress, { status, body }: ProxyAnswer): unknown {
  if (status < 400) return body;
  const said = (body as { error?: { message?: unknown } } | null)?.error?.message;
  const hint = status === 401 || status === 403 ? ' Give a key with --key, or in SHUNT_KEY.' : '';
  const what = typeof said === 'string' ? said : `answered ${status}.`;
  throw new ShuntError('invalid_request', `The proxy at ${url}: ${what}${hint}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Something else than a proxy of ours answers there; its status says enough.
    return null;
  }
}
