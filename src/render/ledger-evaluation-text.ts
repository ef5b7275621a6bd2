/** An evaluation of recorded decisions, for the terminal. Strings only. */
import type { LedgerReport } from '../evaluation/ledger-report.ts';
import { evaluationText, oneLine, percent, type TextLook } from './evaluation-text.ts';
import { renderTable, sparkline } from './table.ts';

/** `noText` says why there is none and what keeps it. */
export function ledgerEvaluationText(report: LedgerReport, look: TextLook & { readonly noText: string }): string {
  const parts = [
    verdict(report),
    routesTable(report, look),
    reasonsTable(report, look),
    report.drift === null ? `No drift could be looked for. ${look.noText}` : driftList(report.drift),
    report.agreement === null
      ? `No decision has a label: \`shunt label\` makes them, --labels FILE reads them.`
      : `The ${report.labelled} labelled decisions, as they were made:\n\n${evaluationText(report.agreement, look)}`.trimEnd(),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function verdict(report: LedgerReport): string {
  const { decisions, asked, outcomes, drift, agreement } = report;
  const period = `${report.since.slice(0, 16)} to ${report.until.slice(0, 16)} (UTC)`;
  if (decisions === 0) return `No decision was recorded from ${period}.`;
  const sentences = [
    `${decisions} decisions from ${period}; ${asked} asked to be routed and ${percent(report.coverage)} of those were taken off the fallback.`,
  ];
  if (report.coverage_chosen !== report.coverage)
    sentences.push(
      `The router chose a route for ${percent(report.coverage_chosen)}; monitor mode, failures or missing abilities sent the rest to the fallback.`,
    );
  sentences.push(
    `${outcomes.errors} ended in an error, ${outcomes.truncated} were cut off, ${outcomes.retried} took more than one attempt.`,
  );
  if (drift)
    sentences.push(
      `Today's snapshot would decide ${drift.changed} of ${drift.compared} prompts otherwise (${percent(drift.changed / drift.compared)}).`,
    );
  if (agreement) sentences.push(`${percent(agreement.accuracy)} of ${report.labelled} labelled decisions were right.`);
  return sentences.join(' ');
}

function routesTable({ per_route: routes }: LedgerReport, { colour }: TextLook): string {
  const entries = Object.entries(routes);
  if (entries.length === 0) return '';
  return renderTable(
    [
      { title: 'chosen route', maxWidth: 32 },
      { title: 'decisions', align: 'right' },
      { title: 'diverted', align: 'right' },
      { title: 'errors', align: 'right' },
      { title: 'cut off', align: 'right' },
      { title: 'mean score', align: 'right' },
      { title: 'scores 0 to 1' },
    ],
    entries.map(([name, route]) => [
      name,
      String(route.decisions),
      String(route.diverted),
      String(route.errors),
      String(route.truncated),
      route.mean_score?.toFixed(3) ?? '–',
      sparkline(route.scores.map((count) => (count === 0 ? null : count))),
    ]),
    { colour },
  );
}

function reasonsTable({ fallback_reasons: reasons, asked }: LedgerReport, { colour }: TextLook): string {
  const entries = Object.entries(reasons);
  if (entries.length === 0) return '';
  return renderTable(
    [{ title: 'why the fallback' }, { title: 'decisions', align: 'right' }, { title: 'of asked', align: 'right' }],
    entries.map(([reason, count]) => [reason, String(count), percent(count / asked)]),
    { colour },
  );
}

const shownGroups = 10;

function driftList({
  groups,
  compared,
  changed,
  snapshot,
  other_snapshots: others,
}: NonNullable<LedgerReport['drift']>): string {
  const head = `Decided again by today's snapshot ${snapshot}: ${changed} of ${compared} differ; ${others} were decided by another snapshot.`;
  const lines = groups.slice(0, shownGroups).map(({ from, to, rows, prompts }) => {
    const example = prompts.length > 0 ? `\n        ${oneLine(prompts[0], 90)}` : '';
    return `${String(rows).padStart(5)} × ${from ?? 'fallback'} → ${to ?? 'fallback'}${example}`;
  });
  return [head, ...lines].join('\n');
}
