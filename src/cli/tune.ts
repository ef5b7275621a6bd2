/** `shunt tune`: thresholds that keep a promise, from labelled rows. Shows what would change; writes only when told to. */
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { systemClock } from '../base/clock.ts';
import { ShuntError } from '../base/errors.ts';
import { usdNumber } from '../base/money.ts';
import type { Config } from '../config/schema.ts';
import { readCalibration, writeCalibration } from '../evaluation/calibration-file.ts';
import { readDataset } from '../evaluation/dataset.ts';
import { costTerms } from '../evaluation/evaluate.ts';
import { movesOf } from '../evaluation/moves.ts';
import { type CostChoice, chooseForCost, chooseForF1, type F1Choice } from '../evaluation/objective.ts';
import { type ScoredRows, scoreRows, type TuneRow } from '../evaluation/scored-rows.ts';
import { calibrationOf, type PromiseScope, tunePromises } from '../evaluation/tune.ts';
import { priceOf } from '../ledger/price.ts';
import { routesFolder } from '../lifecycle/prepare.ts';
import type { Snapshot } from '../lifecycle/snapshot.ts';
import { createProgress } from '../render/progress.ts';
import { wantsColour } from '../render/table.ts';
import { type TuneView, tuneText } from '../render/tune-text.ts';
import { loadBackground } from '../routing/background-file.ts';
import { type Calibration, staleness } from '../routing/calibration.ts';
import { withPolicies } from '../routing/route-index.ts';
import { type DataFlags, datasetOf, withDataOptions } from './data-options.ts';
import { prepareWithProgress } from './index-progress.ts';
import { readConfig, withConfigOption } from './read-config.ts';

interface TuneFlags extends DataFlags {
  readonly oosShare?: number;
  readonly precision?: number;
  readonly maxF1?: boolean;
  readonly costTarget?: number;
  readonly scope: PromiseScope;
  readonly outputTokens: number;
  readonly write?: boolean;
  readonly json?: boolean;
  readonly all?: boolean;
}

/** Found for every data set, so that a card may change its mind without a new calibration. */
const usualPrecisions = [0.9, 0.95, 0.97, 0.99];

const examples = `
Examples:
  $ shunt tune --data routes/tune/shipped.jsonl --oos-share 0.4
  $ shunt tune --data labelled.jsonl --precision 0.98 --write
  $ shunt tune --data labelled.jsonl --max-f1
  $ shunt tune --data labelled.jsonl --cost-target 1.50                   # dollars per 1,000 prompts

Use rows that no threshold was chosen on before, and evaluate on others. docs/evaluation.md explains the promise.`;

export function tuneCommand(): Command {
  const command = new Command('tune')
    .description('Choose thresholds on labelled rows: for a promised precision, the best F1, or a cost.')
    .option(
      '--oos-share <X>',
      'share of the traffic that belongs to no route; the share in the rows when not given',
      share(0, 0.99),
    )
    .option(
      '--precision <P>',
      'promise to look at; those of the cards and 0.9, 0.95, 0.97, 0.99 are always found',
      share(0.5, 0.999),
    )
    .option('--max-f1', 'thresholds with the best F1, for routes without a policy of their own; no promise')
    .option('--cost-target <USD>', 'highest threshold that costs at most this per 1,000 prompts; no promise', amount)
    .option(
      '--scope <SCOPE>',
      'promise by route and pool the rest (auto), only by route (route), or only pooled (pooled)',
      scope,
      'auto',
    )
    .option('--output-tokens <N>', 'length of an answer to assume for the cost', amount, 300)
    .option('--write', 'write calibration.json beside the cards')
    .option('--json', 'print the result as one JSON document')
    .option('--all', 'show every route and every row that moves')
    .addHelpText('after', examples);
  return withConfigOption(withDataOptions(command)).action((flags: TuneFlags) => run(command, flags));
}

async function run(command: Command, flags: TuneFlags): Promise<void> {
  if (!flags.data) throw new ShuntError('bad_config', 'Say which labelled rows to choose on: --data FILE.');
  if (flags.maxF1 && flags.costTarget !== undefined)
    throw new ShuntError('bad_config', 'Choose one of --max-f1 and --cost-target.');
  const config = await readConfig(command);
  const folder = flags.routes ?? routesFolder(config);
  const snapshot = await prepareWithProgress({
    config,
    routesFolder: folder,
    checkTargets: false,
  });
  try {
    const scored = await readRows({ config, snapshot, flags, folder });
    const file = join(folder, 'calibration.json');
    const { view, calibration } = await tune({ config, snapshot, flags, scored, file });
    if (flags.write) await writeCalibration(file, calibration);
    const shown = { ...view, writtenTo: flags.write ? file : null };
    const colour = wantsColour(process.stdout, process.env);
    process.stdout.write(
      flags.json
        ? `${JSON.stringify(jsonOf(shown, calibration), null, 1)}\n`
        : tuneText(shown, { colour, all: flags.all ?? false }),
    );
  } finally {
    await snapshot.embedder.close();
  }
}

interface Reading {
  readonly config: Config;
  readonly snapshot: Snapshot;
  readonly flags: TuneFlags;
  readonly folder: string;
}

async function readRows({ config, snapshot, flags, folder }: Reading): Promise<ScoredRows> {
  const rows = readDataset({ ...datasetOf(flags), knownRoutes: snapshot.index.names, textPolicy: config.routing.text });
  const progress = createProgress({ label: 'rows', total: null, stream: process.stderr, clock: systemClock });
  try {
    return await scoreRows({
      snapshot,
      rows,
      background: await loadBackground(folder),
      onProgress: (note, count) => progress.update(count, note),
    });
  } finally {
    progress.finish();
  }
}

interface Tuning {
  readonly config: Config;
  readonly snapshot: Snapshot;
  readonly flags: TuneFlags;
  readonly scored: ScoredRows;
  readonly file: string;
}

async function tune(tuning: Tuning): Promise<{ view: Omit<TuneView, 'writtenTo'>; calibration: Calibration }> {
  const { config, snapshot, flags, scored, file } = tuning;
  const { index } = snapshot;
  const policies = [...snapshot.routes.values()].map((route) => route.threshold ?? config.routing.threshold ?? null);
  const asked = policies.flatMap((policy) =>
    typeof policy === 'object' && policy !== null && 'precision' in policy ? [policy.precision] : [],
  );
  const precision = flags.precision ?? mostCommon(asked) ?? 0.95;
  const oosShare = flags.oosShare ?? null;
  const precisions = [...usualPrecisions, ...asked, precision];
  const tuned = tunePromises(scored, { routes: index.names, precisions, oosShare, scope: flags.scope });
  const chosen = choose(tuning);
  const previous = await readCalibration(file);
  const note = flags.maxF1
    ? 'shunt tune --max-f1'
    : flags.costTarget !== undefined
      ? `shunt tune --cost-target ${flags.costTarget}`
      : 'shunt tune';
  const calibration = calibrationOf({
    tuned,
    scored,
    manifest: index.manifest,
    created: new Date(systemClock.now()).toISOString(),
    // An earlier choice stays good as long as its examples do.
    chosen: chosen
      ? { objective: chosen.objective, threshold: chosen.threshold, routes: { ...chosen.routes } }
      : previous && staleness(previous, index.manifest) === null
        ? previous.chosen
        : null,
    previous,
    note,
  });
  const { threshold, margin, reject_below: rejectBelow } = config.routing;
  const after = withPolicies(index, [...snapshot.routes.values()], { threshold, margin, rejectBelow }, calibration);
  const plain = policies.filter(
    (policy) => typeof policy === 'number' || (policy !== null && 'cosine' in policy),
  ).length;
  const moves = movesOf(scored.rows, index, after);
  return {
    view: { scored, tuned, declaredShare: oosShare, precision, moves, chosen, plainRoutes: plain },
    calibration,
  };
}

function choose({ config, snapshot, flags, scored }: Tuning): F1Choice | CostChoice | null {
  if (flags.maxF1) return chooseForF1(scored.rows, snapshot.index.names);
  if (flags.costTarget === undefined) return null;
  const assumedOutputTokens = flags.outputTokens;
  const { models, targetOf, at } = costTerms({ config, snapshot, assumedOutputTokens, clock: systemClock });
  const usdOf = (row: TuneRow, route: string | null): number => {
    const name = targetOf(route);
    const usage = {
      input: row.inputTokens,
      cachedInput: 0,
      output: flags.outputTokens,
      reasoning: 0,
      source: 'estimated' as const,
    };
    const cost = models[name] ? priceOf(models[name], usage, at) : null;
    if (cost !== null) return usdNumber(cost);
    throw new ShuntError(
      'bad_config',
      `The model '${name}' has no price, so no cost can be aimed at. Add models.${name}.usd_per_million.`,
    );
  };
  return chooseForCost(scored.rows, flags.costTarget, usdOf);
}

function jsonOf(view: TuneView, calibration: Calibration): unknown {
  const { scored, moves, chosen, precision, writtenTo } = view;
  return {
    precision,
    rows_read: scored.read,
    rows_used: scored.rows.length,
    duplicates: scored.duplicates,
    cross_fitted: scored.crossFitted,
    written_to: writtenTo,
    chosen,
    moves: {
      rows: moves.rows,
      before: moves.before,
      after: moves.after,
      thresholds: moves.thresholds,
      moved: moves.moved,
    },
    calibration,
  };
}

function mostCommon(values: readonly number[]): number | null {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? null;
}

function share(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a number from ${least} to ${most}.`);
  };
}

function amount(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value;
  throw new InvalidArgumentError('It must be a number from 0 up.');
}

function scope(text: string): PromiseScope {
  if (text === 'auto' || text === 'route' || text === 'pooled') return text;
  throw new InvalidArgumentError('It must be auto, route or pooled.');
}
