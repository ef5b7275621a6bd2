/**
 * Writes docs/conformance.md: every check, straight and through the proxy. Exit code 1 when something differs that is
 * not listed, or is listed and does not.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Check, Comparison } from './check.ts';
import { checks } from './checks.ts';
import { openStage } from './stage.ts';

interface Row extends Comparison {
  readonly check: Check;
  readonly verdict: 'same' | 'listed' | 'DIFFERS' | 'NO LONGER DIFFERS';
}

const stage = await openStage();
const rows: Row[] = [];
for (const check of checks) {
  const comparison = await check.run(stage);
  rows.push({ ...comparison, check, verdict: verdictOf(check, comparison) });
}
await stage.close();
const file = resolve(import.meta.dirname, '../../docs/conformance.md');
await mkdir(join(file, '..'), { recursive: true });
await writeFile(file, page(rows));
const wrong = rows.filter((row) => row.verdict === 'DIFFERS' || row.verdict === 'NO LONGER DIFFERS');
for (const row of wrong) process.stderr.write(`${row.verdict}: ${row.check.point}: ${row.check.name}\n`);
process.stdout.write(`${rows.length} checks, ${wrong.length} unexpected\n`);
process.exitCode = wrong.length > 0 ? 1 : 0;

function verdictOf(check: Check, { direct, through }: Comparison): Row['verdict'] {
  if (check.differs === undefined) return direct === through ? 'same' : 'DIFFERS';
  return direct === through ? 'NO LONGER DIFFERS' : 'listed';
}

function page(all: readonly Row[]): string {
  const same = all.filter((row) => row.verdict === 'same');
  const different = all.filter((row) => row.verdict !== 'same');
  return `# Conformance: through the proxy, and straight to the backend

Written by \`npx tsx test/conformance/write-table.ts\`; the same checks run as tests. Each sends one request to a backend
that answers from a script, once straight and once through the proxy, over sockets, and compares what arrives at the
other end, byte for byte. ${same.length} of ${all.length} checks see no difference; the others are meant, and say why.

## Differences that are meant

| convention | what is looked at | direct | through | why |
| --- | --- | --- | --- | --- |
${different.map((row) => line([row.check.point, row.check.name, code(row.direct), code(row.through), row.check.differs ?? row.verdict])).join('\n')}

## No difference

| convention | what is looked at | direct and through |
| --- | --- | --- |
${same.map((row) => line([row.check.point, row.check.name, code(row.direct)])).join('\n')}
`;
}

function line(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
}

/** Ports and ids change from run to run, and a page that is committed should not. */
function code(text: string): string {
  const short = text.length > 300 ? `${text.slice(0, 300)}…` : text;
  return `\`${short.replaceAll('`', "'")}\``;
}
