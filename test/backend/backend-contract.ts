/** What every backend promises. Each implementation runs this suite against the simulated API and its `x-sim` faults. */
import { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import type { Backend, BackendStream } from '../../src/backend/contract.ts';
import { headerValue } from '../../src/backend/headers.ts';
import { ask, callOf, hello, recording, settled } from './recording-sink.ts';

export interface ContractSetup {
  /** A backend with these limits whose far end is the simulated API. */
  open(limits: Readonly<Record<string, number>>): Promise<{ readonly backend: Backend; close(): Promise<void> }>;
}

const stream = { ...hello, stream: true };

export function backendContract(name: string, setup: ContractSetup): void {
  describe(`${name} keeps the backend contract`, () => {
    const closers: (() => Promise<void>)[] = [];
    const open = async (limits: Readonly<Record<string, number>> = {}): Promise<Backend> => {
      const { backend, close } = await setup.open(limits);
      closers.push(close);
      return backend;
    };
    afterEach(async () => {
      for (const close of closers.splice(0)) await close();
    });

    it('reports headers once, then data, then the end', async () => {
      const answer = await ask(await open());
      expect(answer.events[0]).toBe('headers');
      expect(answer.events.at(-1)).toBe('end');
      expect(answer.events.slice(1, -1).every((event) => event === 'data')).toBe(true);
      expect(answer.status).toBe(200);
      expect(headerValue(answer.headers, 'content-type')).toBe('application/json');
      expect(JSON.parse(answer.text()).choices[0].message.content).toMatch(/^\[demo-small\] /);
    });

    it('calls the sink only after send has returned', async () => {
      const backend = await open();
      let returned = false;
      const early: string[] = [];
      const note = (event: string) => {
        if (!returned) early.push(event);
      };
      const aborted = new AbortController();
      aborted.abort();
      await Promise.all(
        [callOf(), callOf({ signal: aborted.signal }), callOf({ headers: ['bad name', 'x'] })].map((call) => {
          returned = false;
          const over = new Promise<void>((resolve) => {
            backend.send(call, {
              onHeaders: () => note('headers'),
              onData: () => true,
              onEnd: () => resolve(),
              onError: () => {
                note('error');
                resolve();
              },
            });
          });
          returned = true;
          return over;
        }),
      );
      expect(early).toEqual([]);
    });

    it('passes a stream of events on as it comes', async () => {
      const answer = await ask(await open(), { body: stream });
      expect(headerValue(answer.headers, 'content-type')).toContain('text/event-stream');
      expect(answer.text().endsWith('data: [DONE]\n\n')).toBe(true);
      expect(answer.events.at(-1)).toBe('end');
    });

    it('passes an error status on as an answer', async () => {
      const answer = await ask(await open(), { sim: 'error=429; retry-after=7' });
      expect(answer.status).toBe(429);
      expect(headerValue(answer.headers, 'retry-after')).toBe('7');
      expect(answer.events.at(-1)).toBe('end');
    });

    it('sends a body that is a stream', async () => {
      const body = Readable.from([
        Buffer.from('{"model":"demo-large",'),
        Buffer.from('"messages":[{"role":"user","content":"hi"}]}'),
      ]);
      const answer = await ask(await open(), { body });
      expect(JSON.parse(answer.text()).model).toBe('demo-large');
    });

    it('fails as aborted when the body breaks off', async () => {
      const body = new Readable({ read() {} });
      const backend = await open();
      const record = recording();
      backend.send(callOf({ body }), record.sink);
      body.push('{"model":');
      await settled();
      body.destroy(new Error('client went away'));
      expect((await record.over).failure?.kind).toBe('aborted');
      expect(record.events).toEqual(['error']);
    });

    it.each([
      ['reset=before', ['reset']],
      ['malformed', ['protocol']],
    ])('fails once and without headers for %s', async (sim, kinds) => {
      const answer = await ask(await open(), { sim });
      expect(answer.events).toEqual(['error']);
      expect(kinds).toContain(answer.failure?.kind);
    });

    it.each(['reset=headers', 'reset=mid', 'short-body'])('fails once, after the headers, for %s', async (sim) => {
      for (const body of [hello, stream]) {
        const answer = await ask(await open(), { sim, body });
        expect(answer.events[0]).toBe('headers');
        expect(answer.events.filter((event) => event === 'error' || event === 'end')).toEqual(['error']);
        expect(['reset', 'protocol']).toContain(answer.failure?.kind);
      }
    });

    it('tells the deadlines apart', async () => {
      const silent = await ask(await open({ first_byte_ms: 60 }), { sim: 'hang' });
      expect(silent.failure?.kind).toBe('first-byte-timeout');
      expect(silent.events).toEqual(['error']);
      const stalled = await ask(await open({ idle_ms: 60 }), { sim: 'hang=mid', body: stream });
      expect(stalled.failure?.kind).toBe('idle-timeout');
      expect(stalled.events[0]).toBe('headers');
      const trickling = await ask(await open({ total_ms: 150, idle_ms: 100 }), { sim: 'token=20', body: stream });
      expect(trickling.failure?.kind).toBe('total-timeout');
      expect(trickling.chunks.length).toBeGreaterThan(0);
      const hurried = await ask(await open(), { sim: 'token=20; tokens=1000', body: stream, totalMs: 150 });
      expect(hurried.failure?.kind).toBe('total-timeout');
    });

    it('ends as aborted at every phase', async () => {
      const before = new AbortController();
      before.abort();
      expect((await ask(await open(), { signal: before.signal })).failure?.kind).toBe('aborted');

      const waiting = new AbortController();
      const silent = recording();
      (await open()).send(callOf({ sim: 'hang', signal: waiting.signal }), silent.sink);
      await settled();
      waiting.abort();
      expect((await silent.over).events).toEqual(['error']);
      expect(silent.failure?.kind).toBe('aborted');

      for (const hook of ['onHeaders', 'onData'] as const) {
        const controller = new AbortController();
        const abort = () => {
          controller.abort();
          return true;
        };
        const record = recording({ [hook]: abort });
        (await open()).send(callOf({ body: stream, sim: 'token=5', signal: controller.signal }), record.sink);
        expect((await record.over).failure?.kind).toBe('aborted');
        const seen = record.events.length;
        await settled();
        expect(record.events.length).toBe(seen);
      }
    });

    it('is deaf to an abort after the end', async () => {
      const controller = new AbortController();
      const answer = await ask(await open(), { signal: controller.signal });
      controller.abort();
      await settled(3);
      expect(answer.events.at(-1)).toBe('end');
    });

    it('waits while it is paused, however long, and loses nothing', async () => {
      const backend = await open({ idle_ms: 40 });
      const whole = (await ask(backend, { body: stream })).text().replaceAll(/"created":\d+/g, '');
      let handle: BackendStream | null = null;
      const record = recording({ onData: () => false });
      handle = backend.send(callOf({ body: stream }), record.sink);
      while (record.chunks.length === 0) await settled(1);
      await settled(50);
      expect(record.chunks.length).toBe(1);
      expect(record.failure).toBeNull();
      while (record.events.at(-1) !== 'end' && record.failure === null) {
        handle.resume();
        await settled(1);
      }
      expect(record.failure).toBeNull();
      expect(record.text().replaceAll(/"created":\d+/g, '')).toBe(whole);
    });

    it('can be aborted while it is paused', async () => {
      const controller = new AbortController();
      const record = recording({ onData: () => false });
      const handle = (await open()).send(callOf({ body: stream, signal: controller.signal }), record.sink);
      while (record.chunks.length === 0) await settled(1);
      controller.abort();
      expect((await record.over).failure?.kind).toBe('aborted');
      handle.resume();
      await settled(3);
      expect(record.events.at(-1)).toBe('error');
    });

    it('names itself in a failure and leaves the next request alone', async () => {
      const backend = await open();
      const broken = await ask(backend, { sim: 'reset=mid' });
      expect(broken.failure?.message).toContain(`'${backend.name}'`);
      expect((await ask(backend)).status).toBe(200);
    });

    it('answers many at once, each with its own answer', async () => {
      const backend = await open();
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, i) =>
          ask(backend, { body: { model: `model-${i}`, messages: hello.messages, stream: i % 2 === 0 } }),
        ),
      );
      answers.forEach((answer, i) => {
        expect(answer.text()).toContain(`[model-${i}]`);
      });
    });
  });
}
