/** What `shunt tune` found, for the terminal: a verdict, the promises, the coverage–precision curve, and what would move. */
import type { Moves, PolicyChange } from '../evaluation/moves.ts';
import type { CostChoice, F1Choice } from '../evaluation/objective.ts';
import type { ScoredRows } from '../evaluation/scored-rows.ts';
import type { Tuned } from '../evaluation/tune.ts';
import type { FoundPromise } from '../routing/calibrate.ts';
import { shorten } from './display-width.ts';
import { percent } from './evaluation-text.ts';
import { bar, renderTable } from './table.ts';

export interface TuneView {
  readonly scored: ScoredRows;
  readonly tuned: Tuned;
  readonly declaredShare: number | null;
  /** The precision that the routes' table is about. */
  readonly precision: number;
  readonly moves: Moves;
  readonly chosen: F1Choice | CostChoice | null;
  /** Where it was written; null: not written. */
  readonly writtenTo: string | null;
  /** Routes whose policy is a plain threshold, which no calibration changes. */
  readonly plainRoutes: number;
}

const shown = 20;

export function tuneText(view: TuneView, look: { readonly colour: boolean; readonly all: boolean }): string {
  const parts = [
    verdict(view),
    pooledTable(view, look.colour),
    routeTable(view, look),
    curveTable(view, look.colour),
    thresholdTable(view, look),
    moveList(view, look),
    view.writtenTo === null
      ? 'Nothing was written. --write puts the thresholds into calibration.json beside the cards.'
      : `Written: ${view.writtenTo}`,
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function verdict(view: TuneView): string {
  const { scored, tuned, declaredShare, precision, moves, chosen } = view;
  const strangers = scored.rows.filter((row) => row.truth === null).length;
  const own = [...tuned.perRoute.values()].filter((promises) => thresholdFor(promises, precision) !== null).length;
  const pooled = tuned.pooled.find((found) => found.precision === precision);
  const sentences = [`${scored.rows.length} labelled rows, ${strangers} of them out of scope.`];
  if (chosen) sentences.push(chosenWords(chosen));
  if (own > 0)
    sentences.push(`${own} of ${tuned.perRoute.size} routes can promise precision ${precision} by themselves.`);
  if (pooled) {
    const who = own > 0 ? `The other ${pooled.routes} routes` : `All ${pooled.routes} routes`;
    sentences.push(
      pooled.threshold === null
        ? `${who} together cannot promise ${precision}: about ${pooled.missingRows} more accepted rows are needed. ${insteadWords(view)}`
        : `${who} together can promise ${precision} above ${pooled.threshold} (95% confidence).`,
    );
  }
  sentences.push(
    declaredShare === null
      ? `The rows are taken as a sample of the traffic, with ${percent(tuned.oosShare)} out of scope; declare another share with --oos-share.`
      : `Traffic is declared to be ${percent(declaredShare)} out of scope.`,
  );
  if (strangers === 0)
    sentences.push('No row is out of scope: the promise holds only for traffic that has none. Add such rows.');
  if (scored.duplicates > scored.crossFitted)
    sentences.push(`${scored.duplicates - scored.crossFitted} rows equal an example and were left out.`);
  if (scored.crossFitted > 0)
    sentences.push(`${scored.crossFitted} rows equal an example and were judged by indexes built without them.`);
  if (view.plainRoutes > 0)
    sentences.push(
      `${view.plainRoutes} routes have a plain threshold, which stays; "threshold: { precision: ${precision} }" asks for a promise.`,
    );
  const { before, after } = moves;
  sentences.push(
    `On these rows coverage goes from ${percent(ratio(before.accepted, moves.rows))} to ${percent(ratio(after.accepted, moves.rows))}, precision from ${percent(ratio(before.right, before.accepted))} to ${percent(ratio(after.right, after.accepted))}.`,
  );
  return sentences.join(' ');
}

/** Without the promise that was asked for, the strictest proven one serves; without any, the default threshold. */
function insteadWords({ tuned, precision }: TuneView): string {
  const lower = tuned.pooled.filter((found) => found.precision < precision && found.threshold !== null).at(-1);
  return lower && lower.precision >= 0.9
    ? `The strictest promise that is proven serves instead: ${lower.precision} above ${lower.threshold} (95% confidence).`
    : 'No lower one from 0.9 up is proven either, so the default threshold stays.';
}

function chosenWords(chosen: F1Choice | CostChoice): string {
  if ('heldOut' in chosen) return `Thresholds for the best F1: macro F1 on held-out fifths ${percent(chosen.heldOut)}.`;
  const words = `Threshold ${chosen.threshold} costs $${chosen.usdPer1000.toFixed(3)} per 1,000 prompts`;
  return chosen.reached ? `${words}.` : `${words}; the target is out of reach even when everything is accepted.`;
}

function pooledTable({ tuned }: TuneView, colour: boolean): string {
  if (tuned.pooled.length === 0) return '';
  return renderTable(
    [
      { title: 'pooled promise', align: 'right' },
      { title: 'routes', align: 'right' },
      { title: 'threshold', align: 'right' },
      { title: 'accepted', align: 'right' },
      { title: 'wrong', align: 'right' },
      { title: 'rows missing', align: 'right' },
    ],
    tuned.pooled.map((found) => [String(found.precision), String(found.routes), ...promiseCells(found)]),
    { colour },
  );
}

function promiseCells(found: FoundPromise): string[] {
  return [
    found.threshold?.toFixed(6) ?? 'none',
    String(found.accepted),
    String(found.errors),
    found.missingRows === 0 ? '' : String(found.missingRows),
  ];
}

function routeTable({ tuned, precision }: TuneView, { colour, all }: { colour: boolean; all: boolean }): string {
  const routes = [...tuned.perRoute].flatMap(([route, promises]) => {
    const found = promises.find((promise) => promise.precision === precision);
    return found ? [{ route, found }] : [];
  });
  if (routes.length === 0) return '';
  const order = routes.sort((a, b) => a.found.missingRows - b.found.missingRows || b.found.accepted - a.found.accepted);
  const table = renderTable(
    [
      { title: `route promise of ${precision}`, maxWidth: 32 },
      { title: 'threshold', align: 'right' },
      { title: 'accepted', align: 'right' },
      { title: 'wrong', align: 'right' },
      { title: 'rows missing', align: 'right' },
    ],
    order.slice(0, all ? undefined : shown).map(({ route, found }) => [route, ...promiseCells(found)]),
    { colour },
  );
  return order.length > shown && !all ? `${table}\n${order.length - shown} more routes (--all shows them).` : table;
}

const curveShares = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];

/** In the rows as they are; no bound, no promise. */
function curveTable({ scored }: TuneView, colour: boolean): string {
  const taken = scored.rows.filter((row) => row.route !== null).sort((a, b) => b.score - a.score);
  if (taken.length === 0) return '';
  const rows = curveShares.map((share) => {
    const count = Math.max(1, Math.round(share * taken.length));
    const accepted = taken.slice(0, count);
    const precision = accepted.filter((row) => row.route === row.truth).length / count;
    const coverage = count / scored.rows.length;
    return [
      percent(coverage),
      bar(coverage, 1, 16),
      accepted[count - 1].score.toFixed(3),
      percent(precision),
      bar(precision, 1, 24),
    ];
  });
  return renderTable(
    [
      { title: 'coverage', align: 'right' },
      { title: '' },
      { title: 'threshold', align: 'right' },
      { title: 'precision', align: 'right' },
      { title: '' },
    ],
    rows,
    { colour },
  );
}

function thresholdTable({ moves }: TuneView, { colour, all }: { colour: boolean; all: boolean }): string {
  const changed = moves.thresholds.filter((change) => change.from !== change.to);
  if (changed.length === 0) return 'No threshold changes.';
  const same = new Set(changed.map((change) => `${change.from} ${change.to} ${keptWords(change)}`));
  if (same.size === 1 && changed.length > 1) {
    const [{ from, to }] = changed;
    return `Threshold of ${changed.length} routes: ${from.toFixed(6)} → ${to.toFixed(6)} (promise: ${keptWords(changed[0])}).`;
  }
  return renderTable(
    [
      { title: 'route', maxWidth: 32 },
      { title: 'old', align: 'right' },
      { title: 'new', align: 'right' },
      { title: 'promise' },
    ],
    changed
      .slice(0, all ? undefined : shown)
      .map((change) => [change.route, change.from.toFixed(6), change.to.toFixed(6), keptWords(change)]),
    { colour },
  );
}

function keptWords({ promise, precision, asked }: PolicyChange): string {
  const kept = precision === null ? 'none' : `${precision} ${promise}`;
  return asked === null ? kept : `${kept}; ${asked} asked, not proven`;
}

function moveList({ moves }: TuneView, { all }: { all: boolean }): string {
  const { moved } = moves;
  if (moved.length === 0) return 'No row is decided differently.';
  const better = moved.filter((row) => row.to === row.truth).length;
  const worse = moved.filter((row) => row.from === row.truth).length;
  const lines = moved.slice(0, all ? undefined : 10).map((row) => {
    const mark = row.to === row.truth ? '+' : row.from === row.truth ? '−' : '~';
    return `  ${mark} ${row.from ?? 'fallback'} → ${row.to ?? 'fallback'}: ${shorten(row.text.replace(/\s+/g, ' '), 80)}`;
  });
  const hidden = moved.length - lines.length;
  const head = `${moved.length} rows are decided differently: ${better} now right, ${worse} now wrong (a right prompt sent to the fallback counts).`;
  return [head, ...lines, ...(hidden > 0 ? [`  … and ${hidden} more (--all)`] : [])].join('\n');
}

function thresholdFor(promises: readonly FoundPromise[], precision: number): number | null {
  return promises.find((found) => found.precision === precision)?.threshold ?? null;
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
