/** Reload and stop, with requests in flight. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { chatBody, post, startProxy, type TestProxy } from '../proxy-harness.ts';

const easy = chatBody('Translate to French: good afternoon');
const header = (response: Response, name: string) => response.headers.get(`x-shunt-${name}`);
const ask = (proxy: TestProxy, body = easy, sim = '') =>
  post(`${proxy.url}/v1/chat/completions`, body, { 'x-sim': sim });

describe('a reload', () => {
  test('takes a changed card over as a whole, and says so by another snapshot', async () => {
    const proxy = await startProxy();
    const before = proxy.proxy.current().snapshot.id;
    const card = join(proxy.folder, 'routes/translation.yaml');
    await writeFile(card, (await readFile(card, 'utf8')).replace('target: small', 'target: large'));
    expect(await proxy.proxy.reload('test')).toBe(true);
    expect(proxy.proxy.current().snapshot.id).not.toBe(before);
    expect(header(await ask(proxy), 'model')).toBe('large');
  });

  test('refuses a faulty card, and the old snapshot serves on', async () => {
    const proxy = await startProxy();
    const before = proxy.proxy.current();
    await writeFile(join(proxy.folder, 'routes/translation.yaml'), 'name: translation\nexampels: [a]\n');
    expect(await proxy.proxy.reload('test')).toBe(false);
    expect(proxy.proxy.current()).toBe(before);
    expect(header(await ask(proxy), 'route')).toBe('translation');
  });

  test('refuses a faulty config, and takes a sound one', async () => {
    const proxy = await startProxy();
    expect(await proxy.reconfigure({ routing: { fallback: 'nobody' } })).toBe(false);
    expect(await proxy.reconfigure({ routing: { mode: 'monitor' } })).toBe(true);
    const response = await ask(proxy);
    expect([header(response, 'model'), header(response, 'reason')]).toEqual(['large', 'monitor']);
    expect(await proxy.reconfigure({})).toBe(true);
    expect(header(await ask(proxy), 'model')).toBe('small');
  });

  test('serves only when it passes the gate that the config requires', async () => {
    const proxy = await startProxy();
    const rows = ['Translate to French: bread', 'Which planet is the largest?'];
    const data = rows.map((text, i) =>
      JSON.stringify({ text: `${text} please`, route: i === 0 ? 'translation' : 'facts' }),
    );
    await writeFile(join(proxy.folder, 'rows.jsonl'), data.join('\n'));
    await writeFile(join(proxy.folder, 'gate.yaml'), 'minimum: { accuracy_in_scope: 0.9 }\n');
    const gate = { routing: { gate: { file: 'gate.yaml', data: ['rows.jsonl'] } } };
    const card = join(proxy.folder, 'routes/translation.yaml');
    const sound = await readFile(card, 'utf8');
    const before = proxy.proxy.current().snapshot.id;
    await writeFile(card, 'name: translation\nexamples: [ "How many moons has Mars?", "Who painted it?" ]\n');
    expect(await proxy.reconfigure(gate)).toBe(false);
    expect(proxy.proxy.current().snapshot.id).toBe(before);
    await writeFile(card, sound.replace('threshold: 0.3', 'threshold: 0.2'));
    expect(await proxy.reconfigure(gate)).toBe(true);
    expect(proxy.proxy.current().snapshot.id).not.toBe(before);
  });

  test('lets requests in flight finish with what they began with', async () => {
    const proxy = await startProxy();
    const running = ask(proxy, chatBody('Translate to French: bread', { stream: true }), 'token=20; tokens=30');
    const response = await running;
    await proxy.reconfigure({ routing: { mode: 'monitor' } });
    expect(await response.text()).toContain('[DONE]');
    expect(header(response, 'model')).toBe('small');
  });

  test('under load loses no request and mixes no snapshots', async () => {
    const proxy = await startProxy();
    const seen: string[] = [];
    let stop = false;
    const load = Array.from({ length: 6 }, async () => {
      while (!stop) {
        const response = await ask(proxy);
        await response.arrayBuffer();
        seen.push(`${response.status} ${header(response, 'model')} ${header(response, 'reason')}`);
      }
    });
    for (let i = 0; i < 4; i++) await proxy.reconfigure(i % 2 === 0 ? { routing: { mode: 'monitor' } } : {});
    stop = true;
    await Promise.all(load);
    expect(new Set(seen)).toEqual(new Set(['200 small matched', '200 large monitor']));
  });

  test('with an index of another model on disk rebuilds it instead of asking it', async () => {
    const proxy = await startProxy();
    const { manifest } = proxy.proxy.current().snapshot.index;
    expect(manifest.fingerprint).toBe(proxy.proxy.current().snapshot.embedder.identity.fingerprint);
    await rename(join(proxy.folder, '.shunt/index'), join(proxy.folder, '.shunt/moved'));
    expect(await proxy.proxy.reload('test')).toBe(true);
    expect(header(await ask(proxy), 'route')).toBe('translation');
  });
});

describe('stopping', () => {
  test('lets streams finish, refuses new requests with retry-after, then closes', async () => {
    const proxy = await startProxy();
    const response = await ask(proxy, chatBody('Translate to French: bread', { stream: true }), 'token=20; tokens=30');
    const stopped = proxy.proxy.stop();
    const refused = await ask(proxy);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    expect((await fetch(`${proxy.url}/readyz`)).status).toBe(503);
    expect(await response.text()).toContain('[DONE]');
    await stopped;
    await expect(ask(proxy)).rejects.toThrow();
  });

  test('cuts what is still open after drain_ms', async () => {
    const proxy = await startProxy({ server: { drain_ms: 200 } });
    const response = await ask(
      proxy,
      chatBody('Translate to French: bread', { stream: true }),
      'token=50; tokens=2000',
    );
    const text = response.text();
    await Promise.all([proxy.proxy.stop(), expect(text).rejects.toThrow()]);
  });
});
