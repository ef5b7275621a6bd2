/** The door: who gets in, who waits, in which order, and who is sent away. */
import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { ShuntError } from '../../src/base/errors.ts';
import { createAdmission } from '../../src/http/admission.ts';
import { chatBody, post, startProxy } from '../proxy-harness.ts';
import { recordingServer, replyJson } from '../recording-server.ts';

const door = (options: Partial<Parameters<typeof createAdmission>[0]> = {}) =>
  createAdmission({ maxInFlight: 1, maxQueued: 10, queueMs: 60_000, ...options });
const staying = () => new AbortController().signal;
const thrownBy = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    return error;
  }
};
const overloaded = expect.objectContaining({ code: 'overloaded' }) as unknown;

/** Enters for each key in turn, and notes who gets in when. */
function line(admission: ReturnType<typeof door>, keys: readonly string[]) {
  const inside: string[] = [];
  const refused: string[] = [];
  for (const [at, key] of keys.entries()) {
    const turn = admission.enter(key, staying());
    void turn?.then(
      () => inside.push(`${key}${at}`),
      () => refused.push(`${key}${at}`),
    );
  }
  return { inside, refused };
}

const settle = () => new Promise((done) => setImmediate(done));

describe('a door with a free place', () => {
  test('lets in at once, without a promise', () => {
    const admission = door({ maxInFlight: 2 });
    expect([admission.enter('a', staying()), admission.enter('a', staying())]).toEqual([null, null]);
    expect([admission.inFlight, admission.queued]).toEqual([2, 0]);
  });
});

describe('a full door', () => {
  test('lets the keys in turn about, however many wait of each', async () => {
    const admission = door();
    admission.enter('x', staying());
    const { inside } = line(admission, ['a', 'a', 'a', 'a', 'b', 'b', 'c']);
    for (let i = 0; i < 7; i++) {
      admission.leave();
      await settle();
    }
    expect(inside).toEqual(['a0', 'b4', 'c6', 'a1', 'b5', 'a2', 'a3']);
    expect([admission.inFlight, admission.queued]).toEqual([1, 0]);
  });

  test('never lets more in than there are places', async () => {
    const admission = door({ maxInFlight: 3, maxQueued: 100 });
    const { inside } = line(
      admission,
      Array.from({ length: 20 }, (_, i) => `k${i % 4}`),
    );
    await settle();
    expect(admission.inFlight).toBe(3);
    for (let i = 0; i < 20; i++) {
      admission.leave();
      await settle();
      expect(admission.inFlight).toBeLessThanOrEqual(3);
    }
    expect(inside).toHaveLength(17);
    expect(admission.inFlight).toBe(0);
  });

  test('refuses a key when the queue is full of its own, and makes room for another', async () => {
    const admission = door({ maxQueued: 3 });
    admission.enter('x', staying());
    const { inside, refused } = line(admission, ['a', 'a', 'a']);
    expect(thrownBy(() => admission.enter('a', staying()))).toEqual(overloaded);
    void admission.enter('b', staying())?.then(() => inside.push('b'));
    await settle();
    expect(refused).toEqual(['a2']);
    admission.leave();
    await settle();
    admission.leave();
    await settle();
    expect(inside).toEqual(['a0', 'b']);
  });

  test('sends away who has waited for queueMs, and who comes when nobody may wait', async () => {
    const admission = door({ queueMs: 1 });
    admission.enter('x', staying());
    await expect(admission.enter('a', staying())).rejects.toEqual(overloaded);
    expect(admission.queued).toBe(0);
    const strict = door({ maxQueued: 0 });
    strict.enter('x', staying());
    expect(thrownBy(() => strict.enter('a', staying()))).toEqual(overloaded);
  });

  test('forgets a client that goes away while it waits', async () => {
    const admission = door();
    admission.enter('x', staying());
    const gone = new AbortController();
    const turn = admission.enter('a', gone.signal);
    gone.abort(new ShuntError('client_closed_request', 'gone'));
    await expect(turn).rejects.toMatchObject({ code: 'client_closed_request' });
    expect(admission.queued).toBe(0);
    admission.leave();
    expect(admission.inFlight).toBe(0);
  });

  test('that drains sends away who waits, and lets those inside finish', async () => {
    const admission = door();
    admission.enter('x', staying());
    const turn = admission.enter('a', staying());
    const drained = admission.drain();
    await expect(turn).rejects.toMatchObject({ code: 'draining' });
    expect(thrownBy(() => admission.enter('b', staying()))).toMatchObject({ code: 'draining' });
    admission.leave();
    await drained;
    expect([admission.inFlight, admission.queued]).toEqual([0, 0]);
  });
});

describe('a proxy whose places are taken', () => {
  test('serves a burst from its queue, and answers what is too much with 503 and retry-after', async () => {
    const held: ServerResponse[] = [];
    const backend = await recordingServer((_asked, response) => {
      held.push(response);
    });
    const proxy = await startProxy({
      server: { max_in_flight: 1, max_queued: 2, queue_ms: 60_000 },
      backends: { strong: { base_url: backend.url } },
    });
    const ask = () => post(`${proxy.url}/v1/chat/completions`, chatBody('hi', { model: 'large' }));
    const answers = [ask()];
    await expect.poll(() => held.length, { timeout: 20_000 }).toBe(1);
    answers.push(ask(), ask(), ask());
    const refused = await Promise.race(answers);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, expect.stringMatching(/^\d+$/)]);
    expect(await refused.json()).toMatchObject({ error: { code: 'overloaded', type: 'server_error' } });
    const metrics = await (await fetch(`${proxy.url}/metrics`)).text();
    expect(metrics).toContain('shunt_queued_requests 2');
    expect(metrics).toContain('shunt_errors_total{code="overloaded"} 1');
    for (let served = 1; served <= 3; served++) {
      await expect.poll(() => held.length, { timeout: 20_000 }).toBe(served);
      replyJson(held[served - 1], { choices: [] });
    }
    const statuses = (await Promise.all(answers)).map((answer) => answer.status);
    expect(statuses.sort()).toEqual([200, 200, 200, 503]);
  });
});
