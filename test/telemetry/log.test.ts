import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ShuntError } from '../../src/base/errors.ts';
import { createLog, type LogOptions } from '../../src/telemetry/log.ts';

function logged(level: LogOptions['level'] = 'info') {
  const lines: string[] = [];
  const log = createLog({ level, destination: { write: (line) => lines.push(line) } });
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? '{}') as Record<string, unknown> };
}

describe('createLog', () => {
  it('writes one JSON object a line, with time, level, message and fields', () => {
    const { log, lines, last } = logged();
    log.child({ part: 'ledger' }).warn('it is slow', { records: 3 });
    expect(lines[0]).toMatch(/^\{.*\}\n$/);
    expect(last()).toMatchObject({ level: 'warn', message: 'it is slow', part: 'ledger', records: 3 });
    expect(Date.parse(String(last().time))).not.toBeNaN();
  });

  it('writes nothing below its level', () => {
    const { log, lines } = logged('warn');
    log.debug('a');
    log.info('b');
    log.error('c');
    expect(lines).toHaveLength(1);
    const silent = logged('silent');
    silent.log.error('c');
    expect(silent.lines).toEqual([]);
  });

  it('masks credentials by the name of their field, at any of three depths', () => {
    const { log, lines } = logged();
    const secrets = { authorization: 'canary', 'x-api-key': 'canary', api_key: 'canary', cookie: 'canary' };
    log.info('a', { ...secrets, headers: secrets, request: { headers: secrets } });
    expect(lines.join()).not.toContain('canary');
    expect(lines.join()).toContain('[secret]');
  });

  it('masks what looks like a credential, wherever it stands', () => {
    const key = `sk-${'proj-aB3dE5gH7jK9mN1pQ3sT'}`;
    const { log, lines, last } = logged();
    log.error(`the backend said: wrong key ${key}`, {
      error: new Error(`Bearer ${key}`),
      url: `https://u:${key}@host/`,
    });
    expect(lines.join()).not.toContain(key);
    expect(last().message).toBe('the backend said: wrong key [api-key]');
  });

  it('logs an error by message, code and cause, and its stack at debug only', () => {
    const error = new ShuntError('backend_error', 'it broke', { cause: new Error('because') });
    const { log, last } = logged();
    log.error('failed', { error });
    expect(last().error).toEqual({ message: 'it broke', code: 'backend_error', cause: 'because' });
    const debug = logged('debug');
    debug.log.error('failed', { error });
    expect(debug.last().error).toHaveProperty('stack');
  });

  it('goes to stderr, before the process ends', () => {
    const module = fileURLToPath(new URL('../../src/telemetry/log.ts', import.meta.url));
    const code = `import { createLog } from ${JSON.stringify(module)}; createLog({ level: 'info' }).info('last words'); process.exit(3);`;
    const ran = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', code], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      encoding: 'utf8',
    });
    expect(ran.status).toBe(3);
    expect(ran.stdout).toBe('');
    expect(JSON.parse(ran.stderr)).toMatchObject({ message: 'last words' });
  });
});
