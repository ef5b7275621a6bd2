/** A comparison of two evaluations, and the lines of a gate, for the terminal. Strings only; nothing is written here. */
import type { Comparison, Flip } from '../evaluation/compare.ts';
import type { GateLine } from '../evaluation/gate.ts';
import { oneLine, percent, type TextLook } from './evaluation-text.ts';
import { paint, renderTable } from './table.ts';

const shownRoutes = 20;

export function comparisonText(comparison: Comparison, look: TextLook): string {
  const { fixed, broken, paired, difference, difference_interval: interval, p_value: p } = comparison;
  if (paired === 0) return 'The two have no row in common. Evaluate both on the same data.\n';
  const sure = p < 0.05 ? 'more than chance' : 'no more than chance would do';
  const change = `B ${Math.abs(difference ?? 0) < 1e-12 ? 'is as accurate as A' : (difference ?? 0) > 0 ? 'is better than A' : 'is worse than A'}`;
  const head = `${change}: ${percent(comparison.accuracy_a)} → ${percent(comparison.accuracy_b)} on ${paired} paired rows${interval ? ` (difference ${signed(interval[0])} to ${signed(interval[1])})` : ''}. ${fixed.length} rows fixed, ${broken.length} broken, ${comparison.moved} wrong in another way: ${sure} (McNemar p = ${p.toPrecision(2)}).`;
  const unpaired = comparison.only_in_a + comparison.only_in_b;
  const table =
    comparison.per_route.length === 0
      ? ''
      : renderTable(
          [
            { title: 'right route', maxWidth: 32 },
            { title: 'rows', align: 'right' },
            { title: 'fixed', align: 'right' },
            { title: 'broken', align: 'right' },
          ],
          comparison.per_route
            .slice(0, look.all ? undefined : shownRoutes)
            .map(({ route, rows, fixed: better, broken: worse }) => [
              route ?? 'out of scope',
              String(rows),
              String(better),
              String(worse),
            ]),
          { colour: look.colour },
        );
  const parts = [
    head,
    unpaired > 0
      ? `${comparison.only_in_a} rows stand only in A, ${comparison.only_in_b} only in B; they were left out.`
      : '',
    table,
    flipList('Broken', broken, look),
    flipList('Fixed', fixed, look),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function flipList(title: string, flips: readonly Flip[], { colour, all }: TextLook): string {
  if (flips.length === 0) return '';
  const shown = flips.slice(0, all ? undefined : shownRoutes).map((flip) => {
    const change = `${flip.from ?? 'fallback'} → ${flip.to ?? 'fallback'} (right: ${flip.truth ?? 'out of scope'})`;
    return `  ${change}\n    ${paint(oneLine(flip.text, 100), 'dim', colour)}`;
  });
  const hidden = flips.length - shown.length;
  return [`${title} (${flips.length})`, ...shown, ...(hidden > 0 ? [`  … and ${hidden} more (--all)`] : [])].join('\n');
}

function signed(value: number): string {
  return `${value >= 0 ? '+' : ''}${(100 * value).toFixed(1)} points`;
}

export function gateText(lines: readonly GateLine[], colour: boolean): string {
  const failed = lines.filter((line) => !line.passed).length;
  const head =
    failed === 0 ? `Gate passed: ${lines.length} of ${lines.length}.` : `Gate failed: ${failed} of ${lines.length}.`;
  const shown = lines.map(
    (line) =>
      `  ${line.passed ? paint('pass', 'good', colour) : paint('FAIL', 'bad', colour)}  ${line.key}: ${line.words}`,
  );
  return `${[head, ...shown].join('\n')}\n`;
}
