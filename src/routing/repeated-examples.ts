/**
 * Finds the same prompt written twice: within a card it is wasted, in two cards it pulls the routes together, and as
 * example and counter-example of one card it contradicts itself. All of it works, so these are warnings.
 */
import type { Fault } from '../base/fault.ts';
import type { Example } from './examples-file.ts';
import type { Route } from './route.ts';

/** A card as read, with the place of each example. */
interface CardExamples {
  readonly route: Route;
  readonly examples: readonly Example[];
}

export function repeatedExamples(cards: readonly CardExamples[]): Fault[] {
  const first = new Map<string, { readonly route: string; readonly place: string }>();
  const warnings: Fault[] = [];
  for (const { route, examples } of cards) {
    const counter = new Set(route.counterExamples.map(plain));
    for (const { text, file, line } of examples) {
      const found = { file, line, key: `${route.name} example`, value: shorten(text) };
      if (counter.has(plain(text))) {
        warnings.push({ ...found, problem: 'is a counter-example of the same card', fix: 'Remove one of the two.' });
      }
      const earlier = first.get(plain(text));
      if (!earlier) first.set(plain(text), { route: route.name, place: `${file}:${line}` });
      else warnings.push({ ...found, ...wording(earlier, route.name) });
    }
  }
  return warnings;
}

function wording(earlier: { readonly route: string; readonly place: string }, route: string) {
  if (earlier.route === route) return { problem: `is already at ${earlier.place}`, fix: 'Remove the repeat.' };
  return { problem: `is also an example of ${earlier.route} (${earlier.place})`, fix: 'Keep it in one of the two.' };
}

function plain(text: string): string {
  return text.toLowerCase().replace(/\s+/g, ' ');
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return JSON.stringify(line.length > 60 ? `${line.slice(0, 57)}…` : line);
}
