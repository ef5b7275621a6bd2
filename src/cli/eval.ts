/** `shunt eval`: offline route accuracy on labelled rows, by the code that serves; a gate for CI; comparisons. */
import { stat, writeFile } from 'node:fs/promises';
import { Command, InvalidArgumentError } from 'commander';
import { systemClock } from '../base/clock.ts';
import { messageOf, ShuntError } from '../base/errors.ts';
import type { Config } from '../config/schema.ts';
import { type ComparedReport, compareReports } from '../evaluation/compare.ts';
import { evaluate } from '../evaluation/evaluate.ts';
import { checkGate, type GateLine, readGate } from '../evaluation/gate.ts';
import { annotationsOf, junitOf } from '../evaluation/gate-output.ts';
import { readReport } from '../evaluation/read-report.ts';
import type { EvaluationReport } from '../evaluation/report.ts';
import { comparisonText, gateText } from '../render/comparison-text.ts';
import { evaluationText } from '../render/evaluation-text.ts';
import { evaluationPage } from '../render/html-evaluation.ts';
import { createProgress } from '../render/progress.ts';
import { wantsColour } from '../render/table.ts';
import { type DataFlags, datasetOf, withDataOptions } from './data-options.ts';
import { evaluateFromLedger, type LedgerFlags, refuseWithLedger } from './eval-ledger.ts';
import { prepareWithProgress } from './index-progress.ts';
import { readConfig, withConfigOption } from './read-config.ts';

interface EvalFlags extends DataFlags, LedgerFlags {
  readonly html?: string;
  readonly gate?: string;
  readonly compare?: readonly string[];
  readonly junit?: string;
  readonly annotations?: boolean;
  readonly keepDuplicates?: boolean;
}

const examples = `
Examples:
  $ shunt eval --routes routes --data routes/eval/shipped.jsonl
  $ shunt eval --data test.csv --text-field question --route-field intent --oos-label oos
  $ shunt eval --data eval.jsonl --json > report.json
  $ shunt eval --data eval.jsonl --html report.html --gate gate.yaml      # exit 1 when the gate fails
  $ shunt eval --from-ledger --since 7d --labels labelled.jsonl           # what was decided in production
  $ shunt eval --compare before.json after.json
  $ shunt eval --data eval.jsonl --compare routes routes-new              # two folders of cards
  $ shunt eval --data eval.jsonl --compare default other-model@2          # two embedding models`;

export function evalCommand(): Command {
  const command = new Command('eval')
    .description('Measure how often routing is right, on labelled rows. No backend is called.')
    .option('--json', 'print the report as one JSON document')
    .option('--html <FILE>', 'also write the report as one self-contained page')
    .option('--gate <FILE>', 'check the figures against a gate; exit 1 when one fails')
    .option('--junit <FILE>', "also write the gate's lines as JUnit XML")
    .option('--annotations', "also print the gate's failures as GitHub annotations (on stderr with --json)")
    .option(
      '--compare <AB...>',
      'two reports, or two folders of cards, or two embedding models: what got better and worse',
    )
    .option('--slice <FIELD...>', 'fields of the data to slice by; all with 2 to 20 values when not given')
    .option('--keep-duplicates', 'score rows that equal an example too')
    .option('--output-tokens <N>', 'length of an answer to assume for the cost, where the data has none', positive, 300)
    .option('--from-ledger', 'evaluate recorded decisions instead of --data')
    .option('--since <WHEN>', 'with --from-ledger, from: 24h, 7d, 4w ago, or a date (UTC)', '7d')
    .option('--until <WHEN>', 'with --from-ledger, up to: the same, now when absent')
    .option('--labels <FILE...>', 'with --from-ledger: labels that shunt label wrote')
    .option('--all', 'show every route and every flip')
    .addHelpText('after', examples);
  return withConfigOption(withDataOptions(command)).action((flags: EvalFlags) => run(command, flags));
}

async function run(command: Command, flags: EvalFlags): Promise<void> {
  if (flags.fromLedger) {
    refuseWithLedger({ ...flags });
    return evaluateFromLedger(await readConfig(command), flags);
  }
  if (flags.compare) return compare(command, flags);
  if (!flags.data)
    throw new ShuntError('bad_config', 'Say which rows to evaluate on: --data FILE (or --compare A.json B.json).');
  // A gate that cannot be read should not cost an evaluation first.
  const gate = flags.gate === undefined ? null : await readGate(flags.gate);
  const baseline = gate?.regression ? await readReport(gate.regression.baseline) : null;
  if (!gate && (flags.junit !== undefined || flags.annotations))
    throw new ShuntError('bad_config', '--junit and --annotations report on a gate: add --gate FILE.');
  const report = await evaluateOnce(await readConfig(command), flags, flags.routes);
  const lines = gate ? checkGate(gate, report, baseline) : null;
  await print(report, lines, flags);
  if (lines?.some((line) => !line.passed)) process.exitCode = 1;
}

async function print(report: EvaluationReport, lines: readonly GateLine[] | null, flags: EvalFlags): Promise<void> {
  const colour = wantsColour(process.stdout, process.env);
  if (flags.html !== undefined) await writeOut(flags.html, evaluationPage(report, lines));
  if (flags.json) process.stdout.write(`${JSON.stringify(lines ? { ...report, gate: lines } : report, null, 1)}\n`);
  else process.stdout.write(evaluationText(report, { colour, all: flags.all ?? false }));
  if (!lines || flags.gate === undefined) return;
  // With --json the document alone belongs to stdout; the gate's failures still have to be seen.
  const aside = flags.json ? process.stderr : process.stdout;
  aside.write(
    flags.json
      ? gateText(
          lines.filter((line) => !line.passed),
          false,
        )
      : `\n${gateText(lines, colour)}`,
  );
  if (flags.annotations)
    aside.write(
      annotationsOf(lines, flags.gate)
        .map((line) => `${line}\n`)
        .join(''),
    );
  if (flags.junit !== undefined) await writeOut(flags.junit, junitOf(lines, flags.gate));
}

async function evaluateOnce(config: Config, flags: EvalFlags, folder: string | undefined): Promise<EvaluationReport> {
  const snapshot = await prepareWithProgress({
    config,
    routesFolder: folder,
    checkTargets: false,
  });
  const progress = createProgress({ label: 'rows', total: null, stream: process.stderr, clock: systemClock });
  try {
    const evaluation = await evaluate({
      config,
      snapshot,
      dataset: datasetOf(flags),
      clock: systemClock,
      keepDuplicates: flags.keepDuplicates ?? false,
      assumedOutputTokens: flags.outputTokens,
      sliceFields: flags.slice ?? null,
      routesFolder: folder,
      onProgress: (rows) => progress.update(rows),
    });
    return evaluation.report;
  } finally {
    progress.finish();
    await snapshot.embedder.close();
  }
}

async function compare(command: Command, flags: EvalFlags): Promise<void> {
  const [a, b, ...rest] = flags.compare ?? [];
  if (a === undefined || b === undefined || rest.length > 0)
    throw new ShuntError('bad_config', '--compare takes two: reports, folders of cards, or embedding models.');
  const sides: ComparedReport[] = [];
  for (const side of [a, b]) sides.push(await sideOf(command, flags, side));
  const comparison = compareReports(sides[0], sides[1]);
  const colour = wantsColour(process.stdout, process.env);
  const text = flags.json
    ? `${JSON.stringify(comparison, null, 1)}\n`
    : comparisonText(comparison, { colour, all: flags.all ?? false });
  process.stdout.write(text);
}

async function sideOf(command: Command, flags: EvalFlags, side: string): Promise<ComparedReport> {
  if (side.endsWith('.json')) return readReport(side);
  if (!flags.data)
    throw new ShuntError(
      'bad_config',
      `To evaluate ${side}, rows are needed: add --data FILE, or name a report (.json).`,
    );
  const config = await readConfig(command);
  const isFolder = await stat(side).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isFolder) return evaluateOnce(config, flags, side);
  return evaluateOnce({ ...config, routing: { ...config.routing, embedding: side } }, flags, flags.routes);
}

async function writeOut(file: string, content: string): Promise<void> {
  try {
    await writeFile(file, content);
  } catch (cause) {
    throw new ShuntError('bad_config', `${file} cannot be written: ${messageOf(cause)}. Check the folder.`, { cause });
  }
}

function positive(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('It must be a whole number from 1 up.');
}
