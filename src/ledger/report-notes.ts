/** What a reader must know to read a report's figures right, in whole sentences: what is left out, guessed, or leans. */
import { formatUsd } from '../base/money.ts';
import { fewestLabels } from './accepted-cost.ts';
import type { FeedbackBias } from './outcome-figures.ts';
import type { Report, ReportInput, ReportRow } from './report-form.ts';

/** A reader stops reading at some point; the figures of every row say for themselves that they lean. */
const mostBiases = 4;
const mostNames = 8;

export function notesOn(report: Omit<Report, 'notes'>, input: ReportInput): string[] {
  return [...groupNotes(report), ...priceNotes(input), ...outcomeNotes(report)];
}

function groupNotes({ by, rows }: Omit<Report, 'notes'>): string[] {
  const notes: string[] = [];
  if (by === 'tag') notes.push('A request with several tags stands in several rows; the total counts it once.');
  if (by === 'route' && rows.some(({ name }) => name === '(explicit)')) {
    notes.push('(explicit): requests that named a model themselves; they are not part of the fallback rate.');
  }
  return notes;
}

function priceNotes({ summary: { total }, embeddingPerHour }: ReportInput): string[] {
  const notes: string[] = [];
  if (total.unpriced > 0) {
    notes.push(
      `${total.unpriced} requests went to a model without a price: their cost is not in these figures. Set models.NAME.usd_per_million.`,
    );
  }
  if (total.fallbackUnpriced > 0) {
    notes.push(
      `${total.fallbackUnpriced} requests have a fallback model without a price: no saving is counted for them.`,
    );
  }
  if (total.estimated > 0) {
    notes.push(`${total.estimated} requests have estimated tokens, since their backend reported none.`);
  }
  if (total.embedUs > 0) {
    const seconds = (total.embedUs / 1_000_000).toFixed(1);
    notes.push(
      embeddingPerHour === null
        ? `Embedding took ${seconds} s and is counted as $0: ledger.embedding_usd_per_hour is not set.`
        : `Embedding took ${seconds} s, at ${formatUsd(embeddingPerHour, 4)} an hour; it is in the saving and in the cost per accepted outcome.`,
    );
  }
  return notes;
}

function outcomeNotes({ by, rows, total }: Omit<Report, 'notes'>): string[] {
  const { outcomes } = total;
  if (outcomes.answers === 0) return [];
  if (outcomes.accepted + outcomes.rejected === 0) {
    return ['No answer of this period has feedback (POST /v1/feedback): cost per accepted outcome is not known.'];
  }
  const notes = [
    'Per accepted: the whole cost ÷ accepted answers of this period, unknown ones estimated from those with feedback; exact 95% bounds (hypergeometric), if feedback is a random sample of the answers.',
    '“Fallback alone” takes the fallback to get the same answers accepted.',
  ];
  if (total.reasks > 0) {
    notes.push(
      `${total.reasks} rejected answers were asked again of the fallback: both calls stand in the row of the first, and the fallback alone is charged once.`,
    );
  }
  const few = rows.filter((row) => row.outcomes.answers > 0 && row.outcomes.acceptedEstimate === null);
  if (few.length > 0) {
    const names = few.slice(0, mostNames).map(({ name }) => name);
    const others = few.length > mostNames ? ` and ${few.length - mostNames} more` : '';
    notes.push(`Too few labels to tell (under ${fewestLabels}): ${names.join(', ')}${others}.`);
  }
  const biases = [total, ...rows].flatMap((row) => row.outcomes.bias.map((bias) => biasNote({ by, row, bias })));
  return [...notes, ...biases.slice(0, mostBiases), ...more(biases.length - mostBiases)];
}

function biasNote({ by, row, bias }: { by: string; row: ReportRow; bias: FeedbackBias }): string {
  const where = row.name === 'total' ? '' : `Of ${by} ${row.name}, `;
  const feedback = where === '' ? 'Feedback' : 'feedback';
  const share = percent(bias.most.labelled / bias.most.answers);
  const overall = percent(row.outcomes.labelledShare ?? 0);
  return `${where}${feedback} is no fair sample by ${bias.stratum}: ${share} of ${bias.stratum} ${bias.most.name} is labelled, ${overall} of all (chance ${bias.chance.toExponential(0)}). Read the re-weighted figure.`;
}

function more(count: number): string[] {
  return count > 0 ? [`Feedback leans in ${count} more places; they are marked.`] : [];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}
