/**
 * Is the interval of cost per accepted outcome what it says? 1,000 draws of each world, feedback on 5% of the answers:
 *
 *   1. fair feedback: how often the 95% interval covers what an accepted answer of that draw really cost, and how often
 *      a report cries bias without cause;
 *   2. feedback that leans: how often the report says so, and whether the re-weighted figure sets it right.
 *
 * npm run bench:outcomes [-- --draws 200]
 */
import { parseArgs } from 'node:util';
import { zeroUsd } from '../src/base/money.ts';
import type { PerAccepted } from '../src/ledger/accepted-cost.ts';
import { type OutcomeFigures, outcomeFigures } from '../src/ledger/outcome-figures.ts';
import { renderTable } from '../src/render/table.ts';
import { seeded } from '../src/routing/seeded.ts';
import { biasedWorlds, draw, everything, fairWorlds, type World } from './outcome-worlds.ts';

const { values: flags } = parseArgs({ options: { draws: { type: 'string', default: '1000' } } });
const draws = Number(flags.draws);
const asked = 0.935;

interface Coverage {
  given: number;
  covered: number;
  above: number;
  below: number;
  width: number;
  error: number;
}

interface Tally {
  readonly raw: Coverage;
  readonly reweighted: Coverage;
}

interface Trial {
  readonly rows: ReadonlyMap<string, Tally>;
  readonly alarms: number;
  readonly alarmsBy: ReadonlyMap<string, number>;
}

function trial(world: World): Trial {
  const random = seeded(17);
  const rows = new Map<string, Tally>();
  const alarmsBy = new Map<string, number>();
  let alarms = 0;
  for (let i = 0; i < draws; i++) {
    const { sums, truth } = draw(world, random);
    const names = [...sums.keys(), everything];
    const groups = [...sums.values(), [...sums.values()].flat()].map((rows) => ({
      sums: rows,
      embeddingCost: zeroUsd,
    }));
    const figures = outcomeFigures(groups);
    names.forEach((name, at) => {
      const tally = rows.get(name) ?? { raw: newCoverage(), reweighted: newCoverage() };
      rows.set(name, tally);
      const real = truth.get(name) ?? Number.NaN;
      count(tally.raw, figures[at].perAccepted, real);
      count(tally.reweighted, figures[at].reweighted, real);
    });
    const found = new Set(figures.flatMap(({ bias }: OutcomeFigures) => bias.map(({ stratum }) => stratum)));
    if (found.size > 0) alarms++;
    for (const stratum of found) alarmsBy.set(stratum, (alarmsBy.get(stratum) ?? 0) + 1);
  }
  return { rows, alarms, alarmsBy };
}

function newCoverage(): Coverage {
  return { given: 0, covered: 0, above: 0, below: 0, width: 0, error: 0 };
}

function count(coverage: Coverage, found: PerAccepted | null, real: number): void {
  if (found === null) return;
  coverage.given++;
  // Half a nano-dollar is what rounding may take.
  if (real < Number(found.low) - 0.5) coverage.below++;
  else if (found.high !== null && real > Number(found.high) + 0.5) coverage.above++;
  else coverage.covered++;
  if (found.value === null || found.high === null) return;
  coverage.width += Number(found.high - found.low) / Number(found.value);
  coverage.error += Number(found.value) / real - 1;
}

let failed = false;

function coverageOf({ given, covered }: Coverage): string {
  return given === 0 ? '–' : percent(covered / given);
}

function fair(): void {
  const lines = fairWorlds.flatMap((world) => {
    const { rows, alarms } = trial(world);
    const shown = rows.size === 2 ? [everything] : [...rows.keys()];
    return shown.map((name, at) => {
      const { raw, reweighted } = rows.get(name) ?? { raw: newCoverage(), reweighted: newCoverage() };
      const enough = raw.covered / raw.given >= asked && reweighted.covered / reweighted.given >= asked;
      failed ||= !enough;
      return [
        at === 0 ? world.name : '',
        name === everything ? '' : name,
        percent(raw.given / draws),
        coverageOf(raw),
        percent(raw.below / raw.given),
        percent(raw.above / raw.given),
        `±${percent(raw.width / raw.given / 2)}`,
        coverageOf(reweighted),
        at === 0 ? percent(alarms / draws) : '',
        enough ? 'yes' : 'NO',
      ];
    });
  });
  const columns = [
    { title: 'world' },
    { title: 'row' },
    ...['given', 'covers', 'too high', 'too low', 'half width', 're-weighted covers', 'false alarms'].map(right),
    { title: '≥ 93.5%' },
  ];
  console.log(`\n1. Fair feedback on 5% of the answers, ${draws} draws each\n${renderTable(columns, lines)}`);
}

function biased(): void {
  const lines = biasedWorlds.map((world) => {
    const { rows, alarms, alarmsBy } = trial(world);
    const { raw, reweighted } = rows.get(everything) ?? { raw: newCoverage(), reweighted: newCoverage() };
    return [
      world.name,
      percent(alarms / draws),
      world.stratum === null ? '–' : percent((alarmsBy.get(world.stratum) ?? 0) / draws),
      signed(raw.error / raw.given),
      coverageOf(raw),
      signed(reweighted.error / reweighted.given),
      coverageOf(reweighted),
    ];
  });
  const columns = [
    { title: 'three times as much feedback' },
    ...['flagged', 'by its own name', 'raw is off by', 'raw covers', 're-weighted is off by', 'covers'].map(right),
  ];
  console.log(`\n2. Feedback that leans, 8,000 answers, ${draws} draws each\n${renderTable(columns, lines)}`);
}

function right(title: string) {
  return { title, align: 'right' as const };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}

function signed(share: number): string {
  return `${share >= 0 ? '+' : '−'}${percent(Math.abs(share))}`;
}

fair();
biased();
if (failed) {
  console.error('\nAn interval covers less than 93.5%.');
  process.exitCode = 1;
}
