/**
 * `npm run test:chaos`: every fault in its long form, and the table of what came of it. `--write` puts the table into
 * docs/chaos.md, where the section about the soak stays as `npm run soak -- --write` has left it. Exit code 1 when a
 * fault was not survived.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Row } from './suite.ts';

const { values: flags } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    short: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (flags.help) {
  process.stdout.write('npm run test:chaos -- [--write] [--short]\n');
  process.exit(0);
}

const root = resolve(import.meta.dirname, '../..');
const page = join(root, 'docs/chaos.md');
const folder = mkdtempSync(join(tmpdir(), 'shunt-chaos-table-'));
const results = join(folder, 'rows.jsonl');
writeFileSync(results, '');
const vitest = join(root, 'node_modules/vitest/vitest.mjs');
const form = flags.short ? 'short' : 'long';
const run = spawnSync(process.execPath, [vitest, 'run', 'test/chaos', '--no-file-parallelism'], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, CHAOS_FORM: form, CHAOS_RESULTS: results },
});
const rows = readFileSync(results, 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as Row);
rmSync(folder, { recursive: true });
const table = tableOf(rows);
process.stdout.write(`\n${table}\n`);
if (flags.write) writeFileSync(page, pageOf(rows, table));
process.exitCode = run.status ?? 1;

function tableOf(all: readonly Row[]): string {
  const titles = ['fault', 'requests', 'succeeded', 'expected', 'errors seen', 'back at baseline', 'ledger exact'];
  const lines = all.map((row) =>
    row.skipped === undefined
      ? [
          row.fault,
          row.requests || '–',
          row.requests ? row.succeeded : '–',
          row.requests ? row.expected : '–',
          row.errors.map(([error, count]) => `${count} × ${error}`).join(', ') || 'none',
          verdict(row.baseline),
          verdict(row.ledger),
        ]
      : [row.fault, '–', '–', '–', `skipped: ${row.skipped}`, '–', '–'],
  );
  return [titles, titles.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function verdict(value: boolean | null): string {
  return value === null ? '–' : value ? 'yes' : '**no**';
}

function pageOf(all: readonly Row[], rendered: string): string {
  const survived = all.filter((row) => row.problems.length === 0 && row.skipped === undefined).length;
  const old = readFileSync(page, { encoding: 'utf8', flag: 'a+' });
  const kept = old.indexOf('\n## The ledger');
  const date = new Date().toISOString().slice(0, 10);
  return `# Chaos: what breaks, and what comes of it

Written by \`npm run test:chaos -- --write\` on ${date} (${form} form); a short form of the same faults runs with \`npm test\`.
Faults of backends and clients share one proxy process, which must serve all others meanwhile; the rest have a process of
their own. All of it goes over sockets, with some dozens to hundreds of requests.
${survived} of ${all.length} faults were survived as they should be.

- **expected**: requests that could succeed: those that may fall over to a sound model while nothing of an answer has gone
  out, and all that the fault does not touch. The others ask for the broken model by name; they must end in order, within
  their deadline, with an error that an SDK can read or a stream that says that it broke. More may succeed than expected.
- **back at baseline**: no request in flight, no record waiting, descriptors and memory as before (with room for pooled
  connections and a collection that has not come yet), looked at from outside. A dash: the process is meant to be gone.
- **ledger exact**: every decision that a client was told stands in the ledger once, and no more than were asked for.

${rendered}
${kept < 0 ? '' : old.slice(kept)}`;
}
