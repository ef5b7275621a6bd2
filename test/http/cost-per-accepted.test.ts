/** The whole way: an answer is rejected, the strong model is asked again, and the report charges the route for both. */
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { readReport } from '../../src/ledger/read-report.ts';
import { openSqliteStore } from '../../src/ledger/sqlite-store.ts';
import { chatBody, post, startProxy } from '../proxy-harness.ts';

test('a rejected cheap answer that the strong model was asked for again costs both, and one outcome is accepted', async () => {
  const proxy = await startProxy();
  const ask = async (model: string) => {
    const body = chatBody('Translate to French: good afternoon', { model });
    const response = await post(`${proxy.url}/v1/chat/completions`, body);
    await response.arrayBuffer();
    return response.headers.get('x-shunt-request-id');
  };
  const tell = (request_id: string | null, accepted: boolean) =>
    post(`${proxy.url}/v1/feedback`, JSON.stringify({ request_id, accepted }));
  const since = Date.now() - 1_000;
  expect((await tell(await ask('auto'), false)).status).toBe(200);
  expect((await tell(await ask('large'), true)).status).toBe(200);

  const store = await openSqliteStore(join(proxy.folder, '.shunt', 'ledger.db'));
  try {
    const query = { sinceMs: since, untilMs: Date.now() + 60_000, by: 'route' } as const;
    const report = await vi.waitFor(
      async () => {
        const made = await readReport(store, query, { embeddingPerHour: null });
        expect(made.total.outcomes).toMatchObject({ answers: 2, accepted: 1, rejected: 1 });
        return made;
      },
      { timeout: 15_000, interval: 50 },
    );
    const { rows, total } = report;
    const [first, second] = ['translation', '(explicit)'].map((name) => rows.find((row) => row.name === name));
    expect(first).toMatchObject({ requests: 1, reasks: 1, outcomes: { answers: 2, accepted: 1, cost: total.cost } });
    expect(first?.outcomes.perAccepted?.value).toBe(total.cost);
    expect(second).toMatchObject({ requests: 1, reasks: 0, outcomes: { answers: 0, cost: 0n } });
    // The fallback alone would have been asked once: routing has lost what the cheap answer cost.
    expect(total.saving).toBe(-(first?.cost ?? 0n));
    expect(report.notes.join('\n')).toMatch(/1 rejected answers were asked again/);
  } finally {
    await store.close();
  }
}, 60_000);
