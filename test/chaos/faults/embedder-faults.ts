/** An embedding model in a worker thread that dies, or is slow: routing suffers, and no request does. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { openRegistry } from '../../../src/lifecycle/registry.ts';
import { transformerFiles, writeFolder } from '../../embedding/tiny-models.ts';
import { type Fault, type Outcome, within } from '../fault.ts';
import { ask, chat, type Seen } from '../load.ts';
import type { ProxyProcess } from '../proxy-process.ts';
import { type ChaosStage, deadlineMs, endure } from '../stage.ts';

const main = resolve(import.meta.dirname, '../sabotaged-proxy.ts');

async function withWorker(stage: ChaosStage): Promise<{ readonly proxy: ProxyProcess; readonly folder: string }> {
  const folder = await stage.folder({ routing: { models_dir: 'models', budget_ms: 400 } });
  const models = join(folder, 'models');
  await mkdir(models);
  const tiny = writeFolder(transformerFiles({ inputs: ['attention_mask'], output: 'tokens', weights: 'fp32' }));
  await (await openRegistry(models)).add(tiny, { name: 'tiny' });
  await writeFile(join(models, 'aliases.yaml'), 'default: { active: tiny@1 }\n');
  const proxy = await stage.start({ folder, main, nodeArguments: ['--import', import.meta.resolve('tsx')] });
  return { proxy, folder };
}

const reasonOf = ({ headers }: Seen) => String(headers['x-shunt-reason']);

function sabotage(name: string, order: 'kill' | 'slow', reason: string): Fault {
  return {
    name,
    async run(stage) {
      const place = await withWorker(stage);
      const tag = order;
      const texts = (count: number) =>
        Array.from({ length: count }, (_, i) => chat({ text: `hello world ${order} ${i}`, stream: i % 2 > 0, tag }));
      place.proxy.child.send(order);
      // A thread that was killed is started again soon, perhaps before the first request.
      const insist = setInterval(() => place.proxy.child.send(order), 150);
      const outcome = await endure(place, { asks: texts(20 * stage.scale), width: 8, tag, could: () => true });
      const met = outcome.seen.some((seen) => reasonOf(seen) === reason);
      clearInterval(insist);
      place.proxy.child.send('fast');
      let turn = 0;
      const routesAgain = await within(20_000, async () => {
        const seen = await ask(place.proxy.url, chat({ text: `what is the capital ${turn++}`, tag: 'again' }), {
          deadlineMs,
        });
        return reasonOf(seen) !== reason && seen.status === 200;
      });
      return {
        ...outcome,
        problems: [
          ...outcome.problems,
          ...(met ? [] : [`nobody was told ${reason}`]),
          ...(routesAgain ? [] : ['it does not embed again afterwards']),
        ],
      } satisfies Outcome;
    },
  };
}

export const embedderFaults: readonly Fault[] = [
  sabotage('embedder worker killed', 'kill', 'embedder-error'),
  sabotage('embedder slower than its budget', 'slow', 'budget-exceeded'),
];
