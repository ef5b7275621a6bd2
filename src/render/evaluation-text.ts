/** An evaluation for the terminal: the verdict in a paragraph, then tables with bars. Strings only; nothing is written here. */
import { type Baselines, baselineNames, bestTrivial } from '../evaluation/baselines.ts';
import type { Interval } from '../evaluation/intervals.ts';
import type { EvaluationReport } from '../evaluation/report.ts';
import { shorten } from './display-width.ts';
import { bar, type Cell, paint, renderTable } from './table.ts';

export interface TextLook {
  readonly colour: boolean;
  /** Every route, not only the twenty weakest. */
  readonly all: boolean;
}

const shownRoutes = 20;
const shownConfusions = 8;
const shownSlices = 12;

export function evaluationText(report: EvaluationReport, look: TextLook): string {
  const parts = [
    verdict(report),
    figuresTable(report, look),
    routesTable(report, look),
    confusionList(report, look),
    slicesTable(report, look),
    baselinesTable(report, look),
    closing(report),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

/** What a reader in a hurry needs; every figure in it stands in the tables too. */
export function verdict(report: EvaluationReport): string {
  const { rows_scored: rows, coverage, precision_accepted: precision, oos_recall: oos, cost } = report;
  if (rows === 0)
    return `No row was scored: all ${report.rows_read} rows equal an example. Give other rows, or --keep-duplicates.`;
  const sentences = [
    `${percent(report.accuracy)} of ${rows.toLocaleString('en')} rows are decided right${range(report.intervals.accuracy)}.`,
    `The router takes ${percent(coverage)} of them off the fallback, and ${precision === null ? 'so has no precision to speak of' : `${percent(precision)} of those go to the right route`}.`,
  ];
  if (oos !== null)
    sentences.push(
      `Of the ${report.rows_out_of_scope} rows that belong to no route, ${percent(oos)} fall back as they should.`,
    );
  else
    sentences.push(
      'No row is out of scope, so nothing here says what the router does with prompts that belong to no route.',
    );
  const [worst] = report.confusions;
  if (worst)
    sentences.push(
      `The commonest mistake: ${worst.truth ?? 'out of scope'} → ${worst.decided ?? 'fallback'} (${worst.rows} rows).`,
    );
  const trivial = bestTrivial(report.baselines);
  sentences.push(`The best trivial router (${plainName(trivial.name)}) reaches ${percent(trivial.accuracy)}.`);
  if (cost.saving_share !== null)
    sentences.push(
      `Estimated saving against the fallback alone: ${percent(cost.saving_share)} ($${cost.saving_usd_per_1000?.toFixed(2)} per 1,000 prompts).`,
    );
  if (report.duplicates > 0) sentences.push(`${report.duplicates} rows equal an example of a card.`);
  if (report.stale_calibration !== null)
    sentences.push(`The calibration is stale (${report.stale_calibration}): no promise holds. Run shunt tune.`);
  return sentences.join(' ');
}

function figuresTable(report: EvaluationReport, { colour }: TextLook): string {
  const { intervals } = report;
  const row = (name: string, value: number | null, interval: Interval | null = null): Cell[] => [
    name,
    percent(value),
    value === null ? '' : bar(value, 1, 24),
    interval === null ? '' : `${percent(interval[0])} – ${percent(interval[1])}`,
  ];
  return renderTable(
    [{ title: 'figure' }, { title: 'value', align: 'right' }, { title: '' }, { title: '95% interval', align: 'right' }],
    [
      row('accuracy', report.accuracy, intervals.accuracy),
      row('accuracy in scope (best route)', report.accuracy_in_scope, intervals.accuracy_in_scope),
      row('macro F1', report.macro_f1, intervals.macro_f1),
      row('coverage', report.coverage, intervals.coverage),
      row('coverage in scope', report.coverage_in_scope, intervals.coverage_in_scope),
      row('precision of accepted', report.precision_accepted, intervals.precision_accepted),
      row('precision by target', report.precision_target),
      row('out-of-scope recall', report.oos_recall, intervals.oos_recall),
      row('fallback rate', report.fallback_rate),
      row('ROC AUC of the score', report.roc_auc),
      row('PR AUC of the score', report.pr_auc),
      row('area under risk–coverage', report.aurc),
      row('expected calibration error', report.ece),
    ],
    { colour },
  );
}

function routesTable(report: EvaluationReport, { colour, all }: TextLook): string {
  const routes = Object.entries(report.per_route).filter(([, route]) => route.rows + route.accepted > 0);
  const weakest = routes.sort((a, b) => (a[1].f1 ?? 0) - (b[1].f1 ?? 0));
  const shown = all ? weakest : weakest.slice(0, shownRoutes);
  if (shown.length === 0) return '';
  const table = renderTable(
    [
      { title: 'route, weakest first', maxWidth: 32 },
      { title: 'rows', align: 'right' },
      { title: 'accepted', align: 'right' },
      { title: 'precision', align: 'right' },
      { title: 'recall', align: 'right' },
      { title: 'F1', align: 'right' },
      { title: '' },
      { title: 'threshold', align: 'right' },
      { title: 'promise' },
    ],
    shown.map(([name, route]) => [
      name,
      String(route.rows),
      String(route.accepted),
      percent(route.precision),
      percent(route.recall),
      percent(route.f1),
      bar(route.f1 ?? 0, 1, 12),
      `${route.threshold_on === 'cosine' ? 'cos ' : ''}${route.threshold.toFixed(3)}`,
      promiseWords(route.promise),
    ]),
    { colour },
  );
  const hidden = routes.length - shown.length;
  return hidden > 0 ? `${table}\n${hidden} better routes are not shown (--all shows them).` : table;
}

function promiseWords(promise: EvaluationReport['per_route'][string]['promise']): string {
  if (promise.precision === null) return '';
  if (promise.scope !== 'none')
    return `${promise.precision} (${promise.scope})${promise.asked ? `, ${promise.asked} asked` : ''}`;
  return `none: ${promise.missing_rows ?? '?'} rows missing`;
}

function confusionList(report: EvaluationReport, { colour }: TextLook): string {
  if (report.confusions.length === 0) return '';
  const blocks = report.confusions.slice(0, shownConfusions).map(({ truth, decided, rows, prompts }) => {
    const head = `${String(rows).padStart(5)} × ${truth ?? 'out of scope'} → ${decided ?? 'fallback'}`;
    const [first] = prompts;
    const example = first ? `\n        ${first.score.toFixed(2)}  ${oneLine(first.text, 90)}` : '';
    return head + paint(example, 'dim', colour);
  });
  return `Largest confusions, each with its most confident prompt\n${blocks.join('\n')}`;
}

function slicesTable(report: EvaluationReport, { colour }: TextLook): string {
  if (report.slices.length === 0) return '';
  return renderTable(
    [
      { title: 'slice, worst first', maxWidth: 40 },
      { title: 'rows', align: 'right' },
      { title: 'accuracy', align: 'right' },
      { title: '' },
      { title: 'coverage', align: 'right' },
      { title: 'precision', align: 'right' },
      { title: 'OOS recall', align: 'right' },
    ],
    report.slices
      .slice(0, shownSlices)
      .map((slice) => [
        `${slice.field} = ${slice.value}`,
        String(slice.rows),
        percent(slice.accuracy),
        bar(slice.accuracy ?? 0, 1, 12),
        percent(slice.coverage),
        percent(slice.precision_accepted),
        percent(slice.oos_recall),
      ]),
    { colour },
  );
}

function baselinesTable(report: EvaluationReport, { colour }: TextLook): string {
  const { baselines } = report;
  const row = (name: string, figures: Baselines[keyof Baselines]): Cell[] => [
    name,
    percent(figures.accuracy),
    bar(figures.accuracy ?? 0, 1, 16),
    percent(figures.coverage),
    percent(figures.precision_accepted),
    percent(figures.precision_target),
    figures.usd_per_1000 === null ? '–' : `$${figures.usd_per_1000.toFixed(3)}`,
  ];
  const own = { ...report, coverage: report.coverage ?? 0, usd_per_1000: report.cost.usd_per_1000 };
  return renderTable(
    [
      { title: 'router' },
      { title: 'accuracy', align: 'right' },
      { title: '' },
      { title: 'coverage', align: 'right' },
      { title: 'precision', align: 'right' },
      { title: 'right target', align: 'right' },
      { title: 'per 1,000', align: 'right' },
    ],
    [row('shunt', own), ...baselineNames.map((name) => row(plainName(name), baselines[name]))],
    { colour },
  );
}

function closing(report: EvaluationReport): string {
  const { embedding, latency_ms: latency, cost } = report;
  const tokens =
    cost.rows_with_tokens === report.rows_scored
      ? 'token counts from the data'
      : `${cost.assumed_output_tokens} output tokens assumed a prompt`;
  return [
    `decision latency p50 ${milliseconds(latency.p50)}, p99 ${milliseconds(latency.p99)} · cost: ${tokens}`,
    `embedding ${embedding.alias} = ${embedding.name}@${embedding.version} · ${report.routes} routes · snapshot ${report.snapshot}`,
  ].join('\n');
}

export function percent(value: number | null): string {
  return value === null ? '–' : `${(100 * value).toFixed(1)}%`;
}

function range(interval: Interval | null): string {
  return interval === null ? '' : ` (95% interval ${percent(interval[0])} to ${percent(interval[1])})`;
}

function milliseconds(value: number | null): string {
  return value === null ? '–' : `${value.toFixed(value < 1 ? 3 : 1)} ms`;
}

export function plainName(name: string): string {
  return name.replaceAll('_', ' ');
}

export function oneLine(text: string, columns: number): string {
  return shorten(text.replace(/\s+/g, ' '), columns);
}
