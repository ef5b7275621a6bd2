/** What operators see of the backends: `/readyz?verbose`, metrics, and the log's line for each change. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { Breaker } from '../../src/backend/breaker.ts';
import { breakerLine } from '../../src/backend/breaker-line.ts';
import { steppedClock } from '../backend/stepped-clock.ts';
import { chatBody, startProxy } from '../proxy-harness.ts';
import { askChat, failing, unsteady } from './unsteady.ts';

const easy = chatBody('Translate to French: good afternoon');

describe('/readyz', () => {
  test('says with ?verbose how every model and key of every endpoint is, and stays ready', async () => {
    const cheap = await unsteady(failing(500));
    const breaker = { failures: 1, open_ms: 600_000 };
    const proxy = await startProxy({
      backends: {
        cheap: { base_url: cheap.url, breaker },
        strong: { kind: 'simulated', endpoints: [{ name: 'eu' }, {}] },
      },
    });
    await askChat(proxy, easy);
    const plain = await fetch(`${proxy.url}/readyz`);
    expect([plain.status, Object.keys((await plain.json()) as object)]).toEqual([
      200,
      ['status', 'snapshot', 'routes', 'in_flight'],
    ]);
    const verbose = await fetch(`${proxy.url}/readyz?verbose`);
    const { status, backends } = (await verbose.json()) as { status: string; backends: Record<string, unknown>[] };
    expect([verbose.status, status]).toEqual([200, 'ready']);
    const quiet = { state: 'closed', cause: null, failures: 0, in_flight: 0, until: null };
    expect(backends).toEqual([
      { backend: 'cheap', endpoint: '1', model: null, ...quiet },
      {
        ...{ backend: 'cheap', endpoint: '1', model: 'small', state: 'open', cause: 'failures', failures: 1 },
        in_flight: 0,
        until: expect.stringMatching(/^\d{4}-.*Z$/),
      },
      { backend: 'strong', endpoint: 'eu', model: null, ...quiet },
      { backend: 'strong', endpoint: 'eu', model: 'large', ...quiet },
      { backend: 'strong', endpoint: '2', model: null, ...quiet },
      { backend: 'strong', endpoint: '2', model: 'large', ...quiet },
    ]);
    const metrics = await (await fetch(`${proxy.url}/metrics`)).text();
    for (const line of [
      'shunt_backend_state{backend="cheap",endpoint="1",model="small"} 2',
      'shunt_backend_state{backend="strong",endpoint="eu",model="*"} 0',
      'shunt_breaker_transitions_total{backend="cheap",endpoint="1",model="small",to="open"} 1',
    ]) {
      expect(metrics).toContain(line);
    }
  });

  test('says so with ?verbose to operators only, where there are keys', async () => {
    const hash = (key: string) => `sha256:${createHash('sha256').update(key).digest('hex')}`;
    const proxy = await startProxy({
      server: { admin_port: 0 },
      auth: {
        keys: [
          { name: 'app', hash: hash('sk-app') },
          { name: 'ops', hash: hash('sk-ops'), admin: true },
        ],
      },
    });
    const statusFor = async (query: string, key: string | null) => {
      const headers: Record<string, string> = key === null ? {} : { authorization: `Bearer ${key}` };
      return (await fetch(`${proxy.url}/readyz${query}`, { headers })).status;
    };
    expect(await statusFor('', null)).toBe(200);
    expect(await statusFor('?verbose', null)).toBe(401);
    expect(await statusFor('?verbose', 'sk-app')).toBe(403);
    expect(await statusFor('?verbose', 'sk-ops')).toBe(200);
    expect((await fetch(`${proxy.proxy.admin?.url}/readyz?verbose`)).status).toBe(200);
  });
});

describe('the log', () => {
  test('has one line for each change: loud when something is left alone, quiet while it goes on', () => {
    const clock = steppedClock();
    const lines: string[] = [];
    const place = { backend: 'strong', endpoint: 'eu', model: 'large' };
    const settings = { failures: 1, failure_rate: 1, open_ms: 1_000, rate_limited_ms: 1_000, refused_ms: 1_000 };
    const breaker = new Breaker(settings, (moved, from) => {
      const { level, message, fields } = breakerLine({ place, breaker: moved, from, clock });
      lines.push(`${level}: ${message} ${JSON.stringify(fields)}`);
    });
    const turn = (outcome: 'failed' | 'answered') => {
      const entry = breaker.enter(clock.monotonic());
      breaker[outcome](entry, clock.monotonic());
      breaker.leave(entry);
    };
    for (let i = 0; i < 3; i++) turn('failed');
    clock.pass(1_000);
    turn('failed');
    clock.pass(2_000);
    turn('answered');
    const where = '"backend":"strong","endpoint":"eu","model":"large"';
    expect(lines).toEqual([
      `warn: a backend endpoint is left alone for a while {${where},"cause":"failures","failures":1,"for_ms":1000}`,
      `debug: a backend endpoint that was left alone is tried {${where}}`,
      `debug: a backend endpoint is still left alone {${where},"cause":"failures","failures":4,"for_ms":2000}`,
      `debug: a backend endpoint that was left alone is tried {${where}}`,
      `info: a backend endpoint is back {${where}}`,
    ]);
  });

  test('calls for help when a key is refused, and names it without showing it', () => {
    const clock = steppedClock();
    const settings = { failures: 1, failure_rate: 1, open_ms: 1_000, rate_limited_ms: 1_000, refused_ms: 60_000 };
    const breaker = new Breaker(settings, () => undefined);
    breaker.refused(breaker.enter(clock.monotonic()), clock.monotonic(), 1);
    const place = { backend: 'strong', endpoint: 'eu', model: null };
    expect(breakerLine({ place, breaker, from: 'closed', clock })).toEqual({
      level: 'error',
      message: 'a backend refuses the key of an endpoint; check that key',
      fields: { backend: 'strong', endpoint: 'eu', cause: 'refusal', failures: 1, for_ms: 60_000 },
    });
  });
});
