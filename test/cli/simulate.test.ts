import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { simulateCommand } from '../../src/cli/simulate.ts';

const command = new URL('../../src/cli/simulate.ts', import.meta.url).href;

function run(args: readonly string[]) {
  const script = `import { simulateCommand } from ${JSON.stringify(command)};
    await simulateCommand().parseAsync(${JSON.stringify(args)}, { from: 'user' });`;
  return spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { stdio: 'pipe' });
}

describe('shunt simulate', () => {
  it('prints its URL, answers there, and ends in good order when it is told to', async () => {
    const child = run(['--port', '0', '--output-tokens', '7', '--error-status', '503']);
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const url = /http:\/\/127\.0\.0\.1:\d+\/v1/.exec(line.toString())?.[0];
    const answer = await fetch(`${url}/chat/completions`, {
      method: 'POST',
      body: '{"model":"demo-small","messages":[{"role":"user","content":"Hi"}]}',
    });
    expect(await answer.json()).toMatchObject({ usage: { completion_tokens: 7 } });
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });

  it('says that the port is in use and what to do', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const started = simulateCommand().parseAsync(['--port', String(port)], { from: 'user' });
    await expect(started).rejects.toMatchObject({
      code: 'bad_config',
      message: `Port ${port} on 127.0.0.1 is in use. Choose another with --port, or 0 for a free one.`,
    });
    server.close();
  });

  it('refuses values out of range and names the range', async () => {
    for (const [option, value, words] of [
      ['--port', '70000', '0 to 65535'],
      ['--port', 'http', '0 to 65535'],
      ['--error-rate', '2', '0 to 1'],
      ['--output-tokens', '1.5', 'whole number'],
    ]) {
      const errors: string[] = [];
      const started = simulateCommand()
        .exitOverride()
        .configureOutput({ writeErr: (text) => errors.push(text) })
        .parseAsync([option, value], { from: 'user' });
      await expect(started).rejects.toMatchObject({ code: 'commander.invalidArgument' });
      expect(errors.join('')).toContain(words);
    }
  });
});
