/**
 * Which background prompts may stand for "none of the routes": those that are no nearer to a route's examples than the
 * route's own examples usually are to each other. The rest may well belong there, so they teach nothing.
 */
import { product } from './inner-product.ts';
import type { TrainingRows } from './training-rows.ts';

/** A route with a single example says nothing of how near its prompts lie; half-way is the guess. */
const usualNearness = 0.5;
/** Rows of one route that are compared; more would not change a median. */
const mostCompared = 32;

/** Row numbers, of the rows from `first` on, that are far enough from all `routes`. */
export function farRows(rows: Omit<TrainingRows, 'lexical'>, routes: number, first: number): number[] {
  const own = rowsByRoute(rows, routes, first);
  const nearness = own.map((list) => medianNearness(rows, list));
  const far: number[] = [];
  for (let row = first; row < rows.size; row++) {
    const near = own.some((list, route) => list.some((other) => cosine(rows, row, other) >= nearness[route]));
    if (!near) far.push(row);
  }
  return far;
}

function cosine({ dense, dimensions }: Omit<TrainingRows, 'lexical'>, one: number, other: number): number {
  return product(dense, one * dimensions, dense, other * dimensions, dimensions);
}

function rowsByRoute(rows: Omit<TrainingRows, 'lexical'>, routes: number, first: number): number[][] {
  const lists = Array.from({ length: routes }, (): number[] => []);
  for (let row = 0; row < first; row++) if (rows.labels[row] < routes) lists[rows.labels[row]].push(row);
  return lists.map((list) => everyFew(list, mostCompared));
}

function everyFew(list: readonly number[], most: number): number[] {
  if (list.length <= most) return [...list];
  return Array.from({ length: most }, (_, i) => list[Math.floor((i * list.length) / most)]);
}

/** Median over the rows of the cosine with the nearest other row. */
function medianNearness(rows: Omit<TrainingRows, 'lexical'>, list: readonly number[]): number {
  if (list.length < 2) return usualNearness;
  const nearest = list.map((row) => {
    let most = -1;
    for (const other of list) if (other !== row) most = Math.max(most, cosine(rows, row, other));
    return most;
  });
  return nearest.sort((a, b) => a - b)[nearest.length >> 1];
}
