/** Whatever happens to the embedder, a request is answered: by the fallback, with the reason. */
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { ShuntError } from '../../src/base/errors.ts';
import type { Embedder } from '../../src/embedding/contract.ts';
import { parseChatRequest } from '../../src/gateway/chat-request.ts';
import { createOwners } from '../../src/gateway/owners.ts';
import { createPinStore } from '../../src/gateway/pin.ts';
import { createPlanner } from '../../src/gateway/plan.ts';
import type { Plan } from '../../src/gateway/plan-form.ts';
import { createRejections } from '../../src/gateway/rejections.ts';
import { openTenant } from '../../src/http/key-ring.ts';
import { chatBody, startProxy, type TestProxy } from '../proxy-harness.ts';

async function planWith(
  proxy: TestProxy,
  embedder: Partial<Embedder>,
  budgetMs = 50,
): Promise<{ plan: Plan; errors: unknown[] }> {
  const { config, snapshot } = proxy.proxy.current();
  const errors: unknown[] = [];
  const planner = createPlanner({
    config: { ...config, routing: { ...config.routing, budget_ms: budgetMs } },
    pins: createPinStore({ max: 10, ttlMs: 1_000 }),
    owners: createOwners({ max: 10, ttlMs: 1_000 }),
    rejections: createRejections({ clock: systemClock }),
    clock: systemClock,
    onEmbedderError: (error) => errors.push(error),
  });
  const beginning = planner.begin({
    chat: parseChatRequest(Buffer.from(chatBody('Translate to French: good day'))),
    tenant: openTenant('a', false),
    forced: null,
    session: null,
    snapshot: { ...snapshot, prompts: { ...snapshot.prompts, ...embedder } },
    signal: new AbortController().signal,
  });
  if (beginning.kind !== 'open') throw new Error('the plan was settled before embedding');
  return { plan: await planner.finish(beginning.open), errors };
}

const broken = new ShuntError('embedder_failed', 'the worker died');
const never = (_texts: readonly string[], options?: { signal?: AbortSignal }) =>
  new Promise<never>((_resolve, reject) =>
    options?.signal?.addEventListener('abort', () => reject(new Error('aborted'))),
  );

describe('an embedder that fails', () => {
  test.each([
    [
      'throws inline',
      {
        embedInline: () => {
          throw broken;
        },
      },
      'embedder-error',
    ],
    ['rejects in its worker', { embedInline: null, embed: () => Promise.reject(broken) }, 'embedder-error'],
    ['never answers', { embedInline: null, embed: never }, 'budget-exceeded'],
  ] as const)('that %s sends the request to the fallback', async (_name, embedder, reason) => {
    const proxy = await startProxy();
    const { plan, errors } = await planWith(proxy, embedder as Partial<Embedder>);
    expect(plan).toMatchObject({ route: null, target: 'large', reason });
    expect(errors).toHaveLength(reason === 'embedder-error' ? 1 : 0);
  });

  test('that is slower than the budget is not waited for, even when it works inline', async () => {
    const proxy = await startProxy();
    const { embedInline } = proxy.proxy.current().snapshot.prompts;
    const slow = (text: string) => {
      const until = performance.now() + 5;
      while (performance.now() < until);
      if (!embedInline) throw broken;
      return embedInline(text);
    };
    const { plan } = await planWith(proxy, { embedInline: slow }, 1);
    expect(plan).toMatchObject({ target: 'large', reason: 'budget-exceeded' });
  });
});
