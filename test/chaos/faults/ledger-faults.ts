/** Disks and databases that fail under a proxy at work, or before it starts: requests go on, and decisions are kept. */
import { spawnSync } from 'node:child_process';
import { chmod, chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Fault, nothingAsked, type Outcome, pause, within } from '../fault.ts';
import { chat, load, type Seen } from '../load.ts';
import { type ProxyProcess, runProxy } from '../proxy-process.ts';
import {
  type ChaosStage,
  compareLedger,
  deadlineMs,
  decisions,
  endure,
  flushMs,
  outcomeOf,
  wasDecided,
} from '../stage.ts';

const Database = createRequire(import.meta.url)('libsql') as typeof import('libsql');
const nobody = 65_534;
/** A decision is committed flush_ms after its answer, plus the time of a commit: on a loaded disk that takes a while. */
const commitMs = 500;

const asks = (count: number, tag: string) => Array.from({ length: count }, (_, i) => chat({ stream: i % 2 > 0, tag }));
const all = () => true;

const killed: Fault = {
  name: 'kill -9 of the proxy under load',
  async run(stage) {
    const folder = await stage.folder();
    const proxy = await stage.start({ folder });
    const tag = 'killed';
    let answered = 0;
    let killedAt = Number.POSITIVE_INFINITY;
    const onAnswer = () => void answered++;
    const under = load({
      url: proxy.url,
      asks: asks(50_000, tag).map((one) => ({ ...one, onAnswer })),
      width: 16,
      deadlineMs,
      enough: () => killedAt < performance.now(),
    });
    await within(deadlineMs, () => answered >= 100 * stage.scale);
    // So that the first of them are committed for certain; the others go on.
    await pause(flushMs + commitMs);
    killedAt = performance.now();
    proxy.child.kill('SIGKILL');
    const seen = await under;
    const old = seen.filter((one) => one.status === 200 && one.endedAt < killedAt - flushMs - commitMs);
    const again = await stage.start({ folder });
    const found = await decisions(folder, tag);
    const missing = compareLedger(old, found).filter((problem) => !problem.includes(' for '));
    const twice = new Set(found).size === found.length ? [] : ['decisions stand in the ledger twice'];
    const after = await endure(
      { proxy: again, folder },
      { asks: asks(10, 'restarted'), width: 5, tag: 'restarted', could: all },
    );
    const outcome = outcomeOf(seen, () => false, { restless: null, ledger: [...missing, ...twice] });
    const few = old.length < 20 ? [`only ${old.length} answers were old enough to count`] : [];
    return {
      ...outcome,
      expected: old.length,
      baseline: after.baseline,
      problems: [...outcome.problems, ...after.problems, ...few],
    };
  },
};

const diskFull: Fault = {
  name: 'disk full, then freed',
  async run(stage) {
    const folder = await stage.folder({ ledger: { url: 'sqlite:disk/ledger.db', flush_ms: flushMs } });
    const disk = join(folder, 'disk');
    await mkdir(disk);
    // Room for all records once it is freed, in the database, in its log and in the file beside it.
    const size = `size=${3 + 6 * stage.scale}m`;
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', size, 'tmpfs', disk]);
    if (mounted.status !== 0)
      return { ...nothingAsked, skipped: 'a small disk cannot be mounted here: that takes root' };
    try {
      return await onFullDisk(stage, { folder, disk });
    } finally {
      // The proxy may still have it open.
      spawnSync('umount', ['-l', disk]);
    }
  },
};

async function onFullDisk(stage: ChaosStage, { folder, disk }: { folder: string; disk: string }): Promise<Outcome> {
  const proxy = await stage.start({ folder });
  const tag = 'full';
  const before = await proxy.look();
  const first = await load({ url: proxy.url, asks: asks(20, tag), width: 8, deadlineMs });
  await within(5_000, async () => (await proxy.look()).queued === 0);
  spawnSync('dd', ['if=/dev/zero', `of=${join(disk, 'filler')}`, 'bs=4k']);
  // More than fits into what the database and its log hold already.
  const full = await load({ url: proxy.url, asks: asks(600 * stage.scale, tag), width: 16, deadlineMs });
  const said = await within(10_000, () => /disk is full|ENOSPC/.test(proxy.log()));
  await rm(join(disk, 'filler'));
  // The pauses between tries have grown meanwhile.
  await within(60_000, async () => (await proxy.look()).queued === 0);
  const restless = await proxy.backAt(before);
  const { dropped } = await proxy.look();
  const seen = [...first, ...full];
  const ledger = compareLedger(seen, await decisions(folder, tag, 'disk/ledger.db'));
  const outcome = outcomeOf(seen, all, { restless, ledger });
  return {
    ...outcome,
    problems: [
      ...outcome.problems,
      ...lacks(said, 'a full disk'),
      ...(dropped > 0 ? [`${dropped} records dropped`] : []),
    ],
  };
}

const folderDeleted: Fault = {
  name: 'ledger folder deleted under a running proxy',
  async run(stage) {
    const folder = await stage.folder();
    const proxy = await stage.start({ folder });
    await load({ url: proxy.url, asks: asks(10, 'before'), width: 5, deadlineMs });
    await within(5_000, async () => (await proxy.look()).queued === 0);
    await rm(join(folder, '.shunt'), { recursive: true });
    // What was decided from here on stands in the new ledger; what was deleted is gone.
    const outcome = await endure(
      { proxy, folder },
      { asks: asks(60 * stage.scale, 'after'), width: 8, tag: 'after', could: all },
    );
    const said = /was deleted or replaced while it was in use/.test(proxy.log());
    return { ...outcome, problems: [...outcome.problems, ...lacks(said, 'the deleted ledger')] };
  },
};

const locked: Fault = {
  name: 'database locked by another process',
  async run(stage) {
    const folder = await stage.folder();
    const proxy = await stage.start({ folder });
    const other = new Database(join(folder, '.shunt/ledger.db'));
    other.exec('BEGIN IMMEDIATE');
    const free = pause(stage.long ? 12_000 : 6_500).then(() => {
      other.exec('ROLLBACK');
      other.close();
    });
    const before = await proxy.look();
    const seen = await load({ url: proxy.url, asks: asks(60 * stage.scale, 'locked'), width: 8, deadlineMs });
    await free;
    await within(40_000, async () => (await proxy.look()).queued === 0);
    const restless = await proxy.backAt(before);
    const said = await within(10_000, () => /is locked by another process/.test(proxy.log()));
    const there = await within(40_000, async () => compareLedger(seen, await decisions(folder, 'locked')).length === 0);
    const outcome = outcomeOf(seen, all, {
      restless,
      ledger: there ? [] : compareLedger(seen, await decisions(folder, 'locked')),
    });
    return { ...outcome, problems: [...outcome.problems, ...lacks(said, 'the lock')] };
  },
};

const corrupt: Fault = {
  name: 'corrupt database at the start',
  async run(stage) {
    const folder = await stage.folder();
    const file = join(folder, '.shunt/ledger.db');
    await mkdir(join(folder, '.shunt'));
    await writeFile(file, 'these are notes, not a database. '.repeat(500));
    const proxy = await stage.start({ folder });
    const said = /is damaged.*Move it away.*decision records wait in/.test(proxy.log());
    const before = await proxy.look();
    const seen = await load({ url: proxy.url, asks: asks(40 * stage.scale, 'corrupt'), width: 8, deadlineMs });
    await rename(file, `${file}.damaged`);
    const ledger = await laterExact(folder, seen, 'corrupt');
    const outcome = outcomeOf(seen, all, { restless: await proxy.backAt(before), ledger });
    return { ...outcome, problems: [...outcome.problems, ...lacks(said, 'the damage')] };
  },
};

/** What still differs when the ledger was given time to take in what had waited. */
async function laterExact(folder: string, seen: readonly Seen[], tag: string): Promise<string[]> {
  const file = join(folder, '.shunt/ledger.db');
  const compared = async () => compareLedger(seen, await decisions(folder, tag));
  const taken = async () =>
    (await readFile(file).catch(() => Buffer.alloc(0))).length > 0 && (await compared()).length === 0;
  return (await within(40_000, taken)) ? [] : compared();
}

const readOnly: Fault = {
  name: 'read-only ledger folder',
  async run(stage) {
    const refused = await onReadOnly(stage, {});
    const { code, stderr } = await runProxy(refused).ended;
    const problems =
      code === 2 && /cannot be written.*ledger\.required: false/.test(stderr) ? [] : [`ended with ${code}: ${stderr}`];
    if (/\n\s+at /.test(stderr)) problems.push('it shows a stack trace');
    const allowed = await onReadOnly(stage, { required: false });
    const proxy: ProxyProcess = await stage.start(allowed);
    const before = await proxy.look();
    const seen = await load({ url: proxy.url, asks: asks(20 * stage.scale, 'read-only'), width: 8, deadlineMs });
    const { queued, dropped } = await proxy.look();
    const decided = seen.filter(wasDecided).length;
    const kept = queued === decided && dropped === 0 ? [] : [`${queued} of ${decided} decisions wait in memory`];
    // They can be written as soon as the folder is opened.
    await chmod(join(allowed.folder, 'ledger'), 0o700);
    await within(40_000, async () => (await proxy.look()).queued === 0);
    const ledger = compareLedger(seen, await decisions(allowed.folder, 'read-only', 'ledger/ledger.db'));
    const outcome = outcomeOf(seen, all, { restless: await proxy.backAt(before), ledger });
    return { ...outcome, problems: [...problems, ...kept, ...outcome.problems] };
  },
};

/** Root may write everywhere, so the proxy runs as somebody else where we are root. */
async function onReadOnly(stage: ChaosStage, ledger: object): Promise<{ folder: string; uid?: number }> {
  const folder = await stage.folder({ ledger: { url: 'sqlite:ledger/ledger.db', flush_ms: flushMs, ...ledger } });
  const closed = join(folder, 'ledger');
  await mkdir(closed);
  await mkdir(join(folder, '.shunt'));
  await chmod(closed, 0o500);
  if (process.getuid?.() !== 0) return { folder };
  await chmod(join(folder, '..'), 0o755);
  for (const one of [closed, join(folder, '.shunt')]) await chown(one, nobody, nobody);
  return { folder, uid: nobody };
}

function lacks(said: boolean, what: string): string[] {
  return said ? [] : [`the log does not speak of ${what}`];
}

export const ledgerFaults: readonly Fault[] = [killed, diskFull, folderDeleted, locked, corrupt, readOnly];
