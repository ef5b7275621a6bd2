/** `shunt eval --from-ledger`: what was decided in production, what today's snapshot would decide, and what labels say. */
import { systemClock } from '../base/clock.ts';
import { ShuntError } from '../base/errors.ts';
import type { Config } from '../config/schema.ts';
import { recordedReport } from '../evaluation/evaluate.ts';
import { readLabels } from '../evaluation/labels.ts';
import { evaluateLedger, type LedgerReport } from '../evaluation/ledger-report.ts';
import { ledgerEvaluationText } from '../render/ledger-evaluation-text.ts';
import { createProgress } from '../render/progress.ts';
import { wantsColour } from '../render/table.ts';
import { prepareWithProgress } from './index-progress.ts';
import { noTextWords, openExistingLedger } from './recorded-decisions.ts';
import { readPeriod } from './report-period.ts';

export interface LedgerFlags {
  readonly fromLedger?: boolean;
  readonly since: string;
  readonly until?: string;
  readonly labels?: readonly string[];
  readonly routes?: string;
  readonly json?: boolean;
  readonly all?: boolean;
  readonly outputTokens: number;
  readonly slice?: readonly string[];
}

export async function evaluateFromLedger(config: Config, flags: LedgerFlags): Promise<void> {
  const report = await reportOn(config, flags);
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(report, null, 1)}\n`);
    return;
  }
  const colour = wantsColour(process.stdout, process.env);
  process.stdout.write(ledgerEvaluationText(report, { colour, all: flags.all ?? false, noText: noTextWords(config) }));
}

async function reportOn(config: Config, flags: LedgerFlags): Promise<LedgerReport> {
  const period = readPeriod(flags, systemClock.now());
  const store = await openExistingLedger(config);
  try {
    const snapshot = await prepareWithProgress({
      config,
      routesFolder: flags.routes,
      checkTargets: false,
    });
    const progress = createProgress({ label: 'decisions', total: null, stream: process.stderr, clock: systemClock });
    try {
      // A label may name a route that is gone since.
      const labels = flags.labels === undefined ? null : await readLabels(flags.labels, null);
      const terms = {
        config,
        snapshot,
        clock: systemClock,
        assumedOutputTokens: flags.outputTokens,
        sliceFields: flags.slice ?? null,
        routesFolder: flags.routes,
      };
      return await evaluateLedger({
        store,
        period,
        snapshot,
        labels,
        figuresOf: (rows) => recordedReport(terms, { rows, data: flags.labels ?? [] }),
        onProgress: (decisions) => progress.update(decisions),
      });
    } finally {
      progress.finish();
      await snapshot.embedder.close();
    }
  } finally {
    await store.close();
  }
}

/** The flags that need rows of a file, or two of them. */
export function refuseWithLedger(flags: Readonly<Record<string, unknown>>): void {
  for (const name of ['data', 'compare', 'gate', 'html', 'junit', 'annotations', 'keepDuplicates']) {
    if (flags[name] === undefined) continue;
    const flag = name === 'keepDuplicates' ? 'keep-duplicates' : name;
    throw new ShuntError(
      'bad_config',
      `--${flag} does not go with --from-ledger. Label prompts (shunt label) and evaluate the file.`,
    );
  }
}
