/** What `shunt label` shows: one prompt, the candidates with their keys, and what the keys do. Strings only. */
import type { ToLabel } from '../evaluation/label-queue.ts';
import { displayWidth, printable, shorten } from './display-width.ts';
import { bar, paint } from './table.ts';

export interface LabelLook {
  readonly colour: boolean;
  readonly columns: number;
}

const shownLines = 14;

export function labelScreen(
  prompt: ToLabel,
  place: { readonly at: number; readonly of: number },
  look: LabelLook,
): string {
  const { colour } = look;
  const head = `${place.at} of ${place.of} · ${prompt.why} · decided ${prompt.decided ?? 'fallback'}, today ${prompt.today ?? 'fallback'}`;
  const width = Math.max(8, ...prompt.candidates.map(({ route }) => displayWidth(route)));
  const candidates = prompt.candidates.map(({ route, score, passes }, i) =>
    `  ${paint(String(i + 1), 'accent', colour)}  ${route.padEnd(width)}  ${score.toFixed(3)} ${bar(score, 1, 20)} ${passes ? '✓' : ''}`.trimEnd(),
  );
  return [
    paint(head, 'dim', colour),
    '',
    ...textLines(prompt.text, look),
    '',
    ...candidates,
    labelKeys(colour),
    '',
  ].join('\n');
}

/** The data must not drive the terminal, and a long prompt must not push the keys off the screen. */
function textLines(text: string, { columns, colour }: LabelLook): string[] {
  const lines = text
    .split(/\r?\n/)
    .map((line) => `  ${paint(shorten(printable(line), Math.max(20, 3 * columns)), 'strong', colour)}`);
  if (lines.length <= shownLines) return lines;
  const hidden = lines.length - shownLines + 1;
  return [...lines.slice(0, shownLines - 1), paint(`  … ${hidden} more lines`, 'dim', colour)];
}

function labelKeys(colour: boolean): string {
  const keys = [
    ['n', 'none of them, out of scope'],
    ['f', 'another route'],
    ['s', 'skip'],
    ['u', 'undo'],
    ['q', 'quit'],
  ];
  return `  ${keys.map(([key, words]) => `${paint(key, 'accent', colour)} ${words}`).join(' · ')}`;
}
