/**
 * The proxy that the environment names for a URL: `HTTPS_PROXY` or `HTTP_PROXY` by its scheme, unless `NO_PROXY` holds
 * its host. Both spellings are known, lower case first, as curl has it.
 *
 *   NO_PROXY   *   host   .domain   domain (and all below it)   host:port
 *
 * This machine's own addresses are never asked for through a proxy, which would look for them on its own machine.
 */
import { isLoopback } from '../base/loopback.ts';
import type { Environment } from './expand-env.ts';

/** undefined: go straight. */
export function proxyFor(baseUrl: string | undefined, env: Environment): string | undefined {
  if (baseUrl === undefined || !URL.canParse(baseUrl)) return undefined;
  const url = new URL(baseUrl);
  const name = url.protocol === 'https:' ? 'https_proxy' : 'http_proxy';
  const proxy = either(env, name);
  if (proxy === '' || isLoopback(url.hostname) || isExempt(url, either(env, 'no_proxy'))) return undefined;
  const withScheme = /^[a-z]+:\/\//i.test(proxy) ? proxy : `http://${proxy}`;
  return URL.canParse(withScheme) && /^https?:/i.test(withScheme) ? withScheme : undefined;
}

function either(env: Environment, name: string): string {
  return env[name] || env[name.toUpperCase()] || '';
}

function isExempt(url: URL, list: string): boolean {
  const host = url.hostname.toLowerCase();
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      if (entry === '' || entry === '*') return entry === '*';
      const [, name, only] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
      if (only !== undefined && only !== port) return false;
      const domain = name.replace(/^\*?\./, '');
      return host === domain || host.endsWith(`.${domain}`);
    });
}
