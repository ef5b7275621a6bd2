/** Starts that must fail in one sentence, reloads that must be refused, and stops that must lose nothing. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { event, events, head, sse } from '../backend.ts';
import { type Fault, nothingAsked, type Outcome, pause, within } from '../fault.ts';
import { chat, load, type Seen, succeeded } from '../load.ts';
import { type ProxyProcess, runProxy, type StartOptions } from '../proxy-process.ts';
import { type ChaosStage, compareLedger, deadlineMs, decisions, endure, outcomeOf } from '../stage.ts';

const all = () => true;

/** The proxy must end with 2, say what is wrong, and show nothing of its inside. */
async function refuses(options: StartOptions, words: RegExp): Promise<Outcome> {
  const { code, stderr } = await runProxy(options).ended;
  const problems = code === 2 && words.test(stderr) ? [] : [`ended with ${code}, saying: ${stderr}`];
  if (/\n\s+at |node_modules/.test(stderr)) problems.push('it shows a stack trace');
  return { ...nothingAsked, errors: new Map([[`exit code ${code}, in one sentence`, 1]]), problems };
}

const portInUse: Fault = {
  name: 'port in use',
  async run(stage) {
    const taken = createServer();
    await new Promise<void>((listening) => taken.listen(0, '127.0.0.1', listening));
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const outcome = await refuses(
      { folder: await stage.folder({ server: { port } }) },
      /Port \d+ on 127\.0\.0\.1 is in use/,
    );
    taken.close();
    return outcome;
  },
};

const missingModel: Fault = {
  name: 'missing embedding model',
  run: async (stage) =>
    refuses(
      { folder: await stage.folder({ routing: { models_dir: 'models-that-are-not-there' } }) },
      /no embedding model|models-that-are-not-there/,
    ),
};

const brokenReload: Fault = {
  name: 'broken config at a reload, under load',
  async run(stage) {
    const folder = await stage.folder();
    const proxy = await stage.start({ folder });
    const file = join(folder, 'shunt.yaml');
    const sound = await readFile(file, 'utf8');
    const reloads = (async () => {
      for (let i = 0; i < 4; i++) {
        await writeFile(file, i % 2 === 0 ? 'server: { prot: 1 }\nrouting: [' : sound);
        proxy.child.kill('SIGHUP');
        await pause(300);
      }
    })();
    const asks = Array.from({ length: 150 * stage.scale }, (_, i) => chat({ stream: i % 2 > 0, tag: 'reload' }));
    const outcome = await endure({ proxy, folder }, { asks, width: 8, tag: 'reload', could: all });
    await reloads;
    const said = await within(10_000, () => /reload refused; the old configuration serves on/.test(proxy.log()));
    return {
      ...outcome,
      problems: [...outcome.problems, ...(said ? [] : ['the log does not speak of the refused reload'])],
    };
  },
};

const soundReload: Fault = {
  name: 'reload after reload, under load',
  async run(stage) {
    const folder = await stage.folder();
    const proxy = await stage.start({ folder });
    const card = join(folder, 'routes/translation.yaml');
    const sound = await readFile(card, 'utf8');
    const reloads = (async () => {
      for (let i = 0; i < 4 * stage.scale; i++) {
        await writeFile(card, i % 2 === 0 ? sound.replace('target: small', 'target: large') : sound);
        proxy.child.kill('SIGHUP');
        await pause(250);
      }
    })();
    const asks = Array.from({ length: 150 * stage.scale }, (_, i) => chat({ stream: i % 2 > 0, tag: 'reloads' }));
    const outcome = await endure({ proxy, folder }, { asks, width: 8, tag: 'reloads', could: all });
    await reloads;
    return outcome;
  },
};

/** Streams of about this long, begun before the signal comes. */
async function streaming(
  stage: ChaosStage,
  ms: number,
  how: Partial<StartOptions> = {},
): Promise<{ folder: string; proxy: ProxyProcess; running: Promise<Seen[]> }> {
  const folder = await stage.folder({ server: { port: 0, drain_ms: 3_000, request_ms: 2_000 } });
  const drops = Array.from({ length: ms / 50 }, () => [
    event({ choices: [{ index: 0, delta: { content: 'drop ' } }] }),
    50,
  ]);
  stage.backend.misbehave('strong', () => [head(sse), ...drops.flat(), ...events(['end']), 'end']);
  const proxy = await stage.start({ folder, ...how });
  const asks = Array.from({ length: 8 * stage.scale }, () => chat({ model: 'large', stream: true, tag: 'stop' }));
  const running = load({ url: proxy.url, asks, width: asks.length, deadlineMs });
  await within(10_000, async () => (await proxy.look()).inFlight === asks.length);
  return { folder, proxy, running };
}

async function stopped(
  name: string,
  place: Awaited<ReturnType<typeof streaming>>,
  meant: { readonly could: boolean; readonly code: number },
): Promise<Outcome> {
  const late = await load({ url: place.proxy.url, asks: [chat({ tag: 'stop' })], width: 1, deadlineMs });
  const seen = await place.running;
  const { code, signal } = await place.proxy.ended;
  const ledger = compareLedger(seen, await decisions(place.folder, 'stop'));
  const outcome = outcomeOf(seen, () => meant.could, { restless: null, ledger });
  const problems = [
    ...(code === meant.code ? [] : [`${name} ended with ${code ?? signal}`]),
    ...(late.some(succeeded) ? ['a request was let in after the signal'] : []),
  ];
  return { ...outcome, problems: [...outcome.problems, ...problems] };
}

const terminated: Fault = {
  name: 'SIGTERM under streams',
  async run(stage) {
    const place = await streaming(stage, 1_000);
    place.proxy.child.kill('SIGTERM');
    await pause(200);
    return stopped('SIGTERM', place, { could: true, code: 0 });
  },
};

const terminatedLate: Fault = {
  name: 'SIGTERM under streams longer than drain_ms',
  async run(stage) {
    const place = await streaming(stage, 15_000);
    place.proxy.child.kill('SIGTERM');
    await pause(200);
    return stopped('SIGTERM', place, { could: false, code: 0 });
  },
};

const terminatedTwice: Fault = {
  name: 'second SIGTERM',
  async run(stage) {
    const { proxy, running } = await streaming(stage, 15_000);
    proxy.child.kill('SIGTERM');
    await pause(200);
    const asked = performance.now();
    proxy.child.kill('SIGTERM');
    const { code } = await proxy.ended;
    const ms = performance.now() - asked;
    const outcome = outcomeOf(await running, () => false, { restless: null, ledger: null });
    const problems = code === 1 && ms < 2_000 ? [] : [`ended with ${code} after ${Math.round(ms)} ms`];
    return { ...outcome, problems: [...outcome.problems, ...problems] };
  },
};

const ownFault: Fault = {
  name: 'an exception of our own that nobody caught',
  async run(stage) {
    const main = resolve(import.meta.dirname, '../sabotaged-proxy.ts');
    const place = await streaming(stage, 1_000, { main, nodeArguments: ['--import', import.meta.resolve('tsx')] });
    place.proxy.child.send('crash');
    await pause(200);
    const outcome = await stopped('the proxy', place, { could: true, code: 1 });
    const said = /a fault of our own/.test(place.proxy.log()) ? [] : ['the log does not speak of the fault'];
    return { ...outcome, problems: [...outcome.problems, ...said] };
  },
};

const logUnwritable: Fault = {
  name: 'log on a full disk',
  async run(stage) {
    if (!existsSync('/dev/full')) return { ...nothingAsked, skipped: 'there is no /dev/full here' };
    const folder = await stage.folder({ telemetry: { log: 'debug' } });
    const proxy = await stage.start({ folder, logFile: '/dev/full' });
    const asks = Array.from({ length: 40 * stage.scale }, (_, i) => chat({ stream: i % 2 > 0, tag: 'log' }));
    proxy.child.kill('SIGHUP');
    return endure({ proxy, folder }, { asks, width: 8, tag: 'log', could: all });
  },
};

export const processFaults: readonly Fault[] = [
  portInUse,
  missingModel,
  brokenReload,
  soundReload,
  terminated,
  terminatedLate,
  terminatedTwice,
  ownFault,
  logUnwritable,
];
