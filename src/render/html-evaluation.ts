/** An evaluation as one self-contained page: the verdict, the figures, the plots, the mistakes with their prompts. */
import { type Baselines, baselineNames } from '../evaluation/baselines.ts';
import type { GateLine } from '../evaluation/gate.ts';
import type { Interval } from '../evaluation/intervals.ts';
import type { EvaluationReport, ReportRoute } from '../evaluation/report.ts';
import { percent, plainName, verdict } from './evaluation-text.ts';
import { escapeHtml, type HtmlCell, htmlPage, htmlTable } from './html-page.ts';
import { heatMap } from './plot-heat.ts';
import { histogramPlot } from './plot-histogram.ts';
import { linePlot } from './plot-lines.ts';

const shownHistograms = 60;
const shownConfusions = 30;
const shownSlices = 60;
const matrixRoutes = 20;
/** Upper ends whose quarters read well. */
const roundTops = [0.02, 0.04, 0.08, 0.12, 0.2, 0.4, 0.6, 0.8, 1];

export function evaluationPage(report: EvaluationReport, gate: readonly GateLine[] | null): string {
  const sections = [
    header(report),
    gate ? gateSection(gate) : '',
    tiles(report),
    section('What the score is worth', `<div class="plots">${riskPlot(report)}${thresholdPlot(report)}</div>`),
    section('Beside trivial routers', baselineTable(report)),
    section('Routes, the weakest first', routeTable(report)),
    section('Scores by best route', histograms(report)),
    section('Who is taken for whom', matrix(report) + confusions(report)),
    report.slices.length === 0 ? '' : section('Slices, the worst first', sliceTable(report)),
    section('How to read this', reading(report)),
  ];
  return htmlPage({
    title: `Routing evaluation, ${report.created.slice(0, 10)}`,
    body: sections.filter((part) => part !== '').join('\n'),
  });
}

function section(title: string, content: string): string {
  return `<section><h2>${escapeHtml(title)}</h2>\n${content}\n</section>`;
}

function header(report: EvaluationReport): string {
  const { embedding } = report;
  const meta = [
    report.created.replace('T', ' ').slice(0, 16),
    `${report.rows_scored} rows of ${report.data.join(', ')}`,
    `${report.routes} routes of ${report.routes_folder}`,
    `embedding ${embedding.alias} = ${embedding.name}@${embedding.version}`,
    `snapshot ${report.snapshot}`,
  ];
  return `<h1>Routing evaluation</h1><p class="meta">${meta.map(escapeHtml).join(' · ')}</p><p class="verdict">${escapeHtml(verdict(report))}</p>`;
}

function gateSection(lines: readonly GateLine[]): string {
  const failed = lines.filter((line) => !line.passed).length;
  const items = lines.map(
    (line) =>
      `<li class="${line.passed ? 'pass' : 'fail'}">${line.passed ? 'pass' : 'FAIL'} · ${escapeHtml(`${line.key}: ${line.words}`)}</li>`,
  );
  return section(
    failed === 0 ? 'Gate passed' : `Gate failed: ${failed} of ${lines.length}`,
    `<ul>${items.join('')}</ul>`,
  );
}

function tiles(report: EvaluationReport): string {
  const { intervals, latency_ms: latency, cost } = report;
  const tile = (name: string, value: string, note = '') =>
    `<div class="tile"><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}<small>${escapeHtml(note)}</small></dd></div>`;
  const range = (interval: Interval | null) =>
    interval ? `95%: ${percent(interval[0])} – ${percent(interval[1])}` : '';
  const saving =
    cost.saving_share === null
      ? []
      : [
          tile(
            'saving (estimate)',
            percent(cost.saving_share),
            `$${cost.saving_usd_per_1000?.toFixed(2)} per 1,000 prompts`,
          ),
        ];
  return `<dl class="tiles">${[
    tile('accuracy', percent(report.accuracy), range(intervals.accuracy)),
    tile('coverage', percent(report.coverage), range(intervals.coverage)),
    tile('precision of accepted', percent(report.precision_accepted), range(intervals.precision_accepted)),
    tile('out-of-scope recall', percent(report.oos_recall), range(intervals.oos_recall)),
    tile('best route right', percent(report.accuracy_in_scope), range(intervals.accuracy_in_scope)),
    tile('macro F1', percent(report.macro_f1), range(intervals.macro_f1)),
    tile('calibration error', percent(report.ece), `ROC AUC ${report.roc_auc?.toFixed(3) ?? '–'}`),
    tile(
      'decision p50',
      latency.p50 === null ? '–' : `${latency.p50.toFixed(2)} ms`,
      latency.p99 === null ? '' : `p99 ${latency.p99.toFixed(2)} ms`,
    ),
    ...saving,
  ].join('')}</dl>`;
}

function riskPlot(report: EvaluationReport): string {
  const points = report.risk_coverage.map(({ coverage, risk }) => [coverage, risk] as const);
  const most = Math.max(0.01, ...points.map(([, risk]) => risk));
  const marks = report.coverage === null ? [] : [{ x: report.coverage, label: 'now' }];
  return linePlot({
    title: `Risk–coverage (area ${report.aurc?.toFixed(4) ?? '–'})`,
    description: `Share of accepted rows that are wrong, by the share of rows accepted; ${percent(points.at(-1)?.[1] ?? null)} when all are.`,
    x: 'coverage',
    y: 'wrong among accepted',
    top: roundTops.find((top) => top >= most) ?? 1,
    lines: [{ name: 'risk', points }],
    marks,
  });
}

function thresholdPlot({ thresholds }: EvaluationReport): string {
  const line = (name: string, pick: (point: (typeof thresholds)[number]) => number | null) => ({
    name,
    points: thresholds.flatMap((point) => {
      const value = pick(point);
      return value === null ? [] : [[point.threshold, value] as const];
    }),
  });
  const best = thresholds.reduce(
    (top, point) => (point.accuracy > top.accuracy ? point : top),
    thresholds[0] ?? { threshold: 0, accuracy: 0 },
  );
  return linePlot({
    title: 'One threshold for all routes',
    description: `Accuracy, coverage, precision and out-of-scope recall at thresholds from 0 to 1; accuracy is highest at ${best.threshold}.`,
    x: 'threshold',
    y: 'share of rows',
    lines: [
      line('accuracy', (point) => point.accuracy),
      line('coverage', (point) => point.coverage),
      line('precision', (point) => point.precision),
      line('OOS recall', (point) => point.oos_recall),
    ],
  });
}

function baselineTable(report: EvaluationReport): string {
  const row = (name: string, figures: Baselines[keyof Baselines]): HtmlCell[] => [
    name,
    { text: percent(figures.accuracy), share: figures.accuracy },
    percent(figures.coverage),
    percent(figures.precision_accepted),
    percent(figures.precision_target),
    figures.usd_per_1000 === null ? '–' : `$${figures.usd_per_1000.toFixed(3)}`,
  ];
  const own = { ...report, coverage: report.coverage ?? 0, usd_per_1000: report.cost.usd_per_1000 };
  return htmlTable(
    'Lexical and prompt length accept as many rows as Shunt does',
    numeric(['router', 'accuracy', 'coverage', 'precision', 'right target', 'cost per 1,000']),
    [row('shunt', own), ...baselineNames.map((name) => row(plainName(name), report.baselines[name]))],
  );
}

function numeric(titles: readonly string[]) {
  return titles.map((title, i) => ({ title, align: i === 0 ? ('left' as const) : ('right' as const) }));
}

function withRows(report: EvaluationReport): [string, ReportRoute][] {
  return Object.entries(report.per_route).filter(([, route]) => route.rows + route.accepted > 0);
}

function routeTable(report: EvaluationReport): string {
  const routes = withRows(report).sort((a, b) => (a[1].f1 ?? 0) - (b[1].f1 ?? 0));
  return htmlTable(
    `${routes.length} routes with rows`,
    numeric(['route', 'rows', 'accepted', 'precision', 'recall', 'F1', 'threshold', 'promise']),
    routes.map(([name, route]) => [
      name,
      String(route.rows),
      String(route.accepted),
      percent(route.precision),
      percent(route.recall),
      { text: percent(route.f1), share: route.f1 },
      `${route.threshold_on === 'cosine' ? 'cos ' : ''}${route.threshold.toFixed(3)}`,
      promiseWords(route),
    ]),
  );
}

function promiseWords({ promise }: ReportRoute): string {
  if (promise.precision === null) return 'none asked';
  if (promise.scope === 'none') return `${promise.precision} not proven`;
  return `${promise.precision} (${promise.scope})${promise.asked ? `, ${promise.asked} asked` : ''}`;
}

function histograms(report: EvaluationReport): string {
  const routes = withRows(report).sort((a, b) => b[1].rows - a[1].rows);
  const plots = routes.slice(0, shownHistograms).map(([name, route]) =>
    histogramPlot({
      title: name,
      ...route.histogram,
      threshold: route.threshold_on === 'score' ? route.threshold : null,
    }),
  );
  const hidden = routes.length - plots.length;
  const note = `Rows whose best route this is, by score: right ones above the line, wrong ones (another route's, or nobody's) below; the dashed line is the threshold.${hidden > 0 ? ` ${hidden} routes with fewer rows are not shown.` : ''}`;
  return `<p>${escapeHtml(note)}</p><div class="plots small">${plots.join('\n')}</div>`;
}

/** The routes with the most mistakes, everything else together, and the fallback. */
function matrix(report: EvaluationReport): string {
  const mistakes = new Map<string, number>();
  for (const { truth, decided, rows } of report.confusions) {
    for (const name of [truth, decided]) if (name !== null) mistakes.set(name, (mistakes.get(name) ?? 0) + rows);
  }
  const all = withRows(report).map(([name]) => name);
  const shown = all
    .sort((a, b) => (mistakes.get(b) ?? 0) - (mistakes.get(a) ?? 0))
    .slice(0, matrixRoutes)
    .sort();
  const others = all.length > shown.length ? ['other routes'] : [];
  const rows = [...shown, ...others, 'out of scope'];
  const columns = [...shown, ...others, 'fallback'];
  const at = (name: string | null) =>
    name === null ? rows.length - 1 : shown.includes(name) ? shown.indexOf(name) : shown.length;
  const counts = rows.map(() => new Array<number>(columns.length).fill(0));
  for (const { truth, route } of report.decisions) counts[at(truth)][at(route)]++;
  const description = `Confusion matrix of ${rows.length} rows by ${columns.length} columns; the largest confusions are listed below it.`;
  return `<p>Rows: the right route. Columns: what was decided.${others.length > 0 ? ` The ${shown.length} routes with the most mistakes stand alone.` : ''}</p>${heatMap({ rows, columns, counts, description })}`;
}

function confusions(report: EvaluationReport): string {
  return report.confusions
    .slice(0, shownConfusions)
    .map(({ truth, decided, rows, prompts }) => {
      const items = prompts.map(
        (prompt) =>
          `<li><span>${escapeHtml(prompt.text)}</span> (${prompt.score.toFixed(2)}, ${escapeHtml(`${prompt.file}:${prompt.line}`)})</li>`,
      );
      return `<p><strong>${rows} × ${escapeHtml(truth ?? 'out of scope')} → ${escapeHtml(decided ?? 'fallback')}</strong></p><ol class="prompts">${items.join('')}</ol>`;
    })
    .join('\n');
}

function sliceTable(report: EvaluationReport): string {
  return htmlTable(
    'Fields of the data with a few values',
    numeric(['slice', 'rows', 'accuracy', 'coverage', 'precision', 'OOS recall']),
    report.slices
      .slice(0, shownSlices)
      .map((slice) => [
        `${slice.field} = ${slice.value}`,
        String(slice.rows),
        { text: percent(slice.accuracy), share: slice.accuracy },
        percent(slice.coverage),
        percent(slice.precision_accepted),
        percent(slice.oos_recall),
      ]),
  );
}

function reading(report: EvaluationReport): string {
  const { cost } = report;
  const words = [
    'Accuracy counts a row as right when it is in scope and was accepted on its route, or out of scope and fell back.',
    'An accepted out-of-scope row is wrong. "Best route right" ignores thresholds.',
    'Intervals are percentiles of the bootstrap over rows; they know nothing of prompts of another kind.',
    `Costs are estimates: ${cost.rows_with_tokens} rows bring token counts, the others count four bytes a token in and ${cost.assumed_output_tokens} tokens out.`,
  ];
  return `<p>${words.map(escapeHtml).join(' ')}</p>`;
}
