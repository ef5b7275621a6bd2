/**
 * `@portkey-ai/gateway` from npm, for comparison: installed once into a folder of its own outside the project, with the
 * versions of hono under which its streaming works (4.9.7 and @hono/node-server 1.13.5), and kept to the loopback.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ServerUnderTest, startServer } from './servers.ts';

export const portkeyVersion = '1.15.2';
const overrides = { hono: '4.9.7', '@hono/node-server': '1.13.5' };

/** Null when it cannot be installed (no registry): then there is nothing to compare with. */
export async function startPortkey(options: { readonly core: number }): Promise<ServerUnderTest | null> {
  const folder = join(tmpdir(), `shunt-bench-portkey-${portkeyVersion}`);
  const script = join(folder, 'node_modules/@portkey-ai/gateway/build/start-server.js');
  if (!existsSync(script)) {
    mkdirSync(folder, { recursive: true });
    const manifest = { private: true, dependencies: { '@portkey-ai/gateway': portkeyVersion }, overrides };
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
    try {
      execFileSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: folder, stdio: 'ignore' });
    } catch {
      return null;
    }
  }
  writeFileSync(join(folder, 'loopback.mjs'), loopbackOnly);
  const port = 20_000 + (process.pid % 20_000);
  const args = ['--import', join(folder, 'loopback.mjs'), script, `--port=${port}`, '--headless'];
  const env = { NODE_ENV: 'production' };
  const server = await startServer(args, { ...options, env, cwd: folder, ready: /(Ready for connections)/ });
  return { ...server, url: `http://127.0.0.1:${port}` };
}

export function portkeyHeaders(backend: string): Record<string, string> {
  return { 'x-portkey-provider': 'openai', 'x-portkey-custom-host': backend, authorization: 'Bearer sk-bench' };
}

/** It would listen on every address of the machine. */
const loopbackOnly = `
import net from 'node:net';
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port, ...rest) {
  if (typeof port === 'object') return listen.call(this, { ...port, host: '127.0.0.1' }, ...rest);
  const done = rest.find((value) => typeof value === 'function');
  return listen.call(this, port, '127.0.0.1', done);
};
`;
