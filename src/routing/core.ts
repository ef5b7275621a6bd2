/**
 * Rows of examples → the packed numbers that a match reads (`Core`). Run once for the index and once for each fold of
 * the cross-fit, on the same settings.
 */
import { type Centroids, centroidsOf } from './centroids.ts';
import { packExamples } from './examples.ts';
import { type PackedVectors, prototypesOf } from './prototypes.ts';
import type { Core } from './rank.ts';
import { type RefineSettings, refine } from './refine.ts';
import type { TrainingRows } from './training-rows.ts';

export interface CoreInput {
  readonly rows: TrainingRows;
  /** Of `rows`; the none class's texts are among them and not kept. */
  readonly texts: readonly string[];
  readonly routes: number;
  /** Counter-examples: rows of their own, labelled with the route whose card names them. */
  readonly counters: { readonly dense: Float32Array; readonly texts: readonly string[]; readonly labels: Int32Array };
}

/** Yields the share done; the last value is the core. */
export function* buildCore(input: CoreInput, settings: RefineSettings): Generator<number, Core> {
  const { rows, routes, texts, counters } = input;
  const centroids = centroidsOf(rows);
  const head = yield* refine(rows, centroids, settings);
  const own = rowsByLabel(rows.labels, routes);
  return {
    routes,
    classes: rows.classes,
    dimensions: rows.dimensions,
    head,
    scale: settings.scale,
    temperature: 1,
    lexicalCentroids: unitLexical(centroids),
    prototypes: packPrototypes(rows, own),
    examples: packExamples(rows.dense, rows.dimensions, texts, own),
    counters: packExamples(counters.dense, rows.dimensions, counters.texts, rowsByLabel(counters.labels, routes)),
  };
}

function unitLexical(centroids: Centroids): Float32Array {
  const { lexical, lexicalSquares, postings } = centroids;
  return lexical.map((sum, p) => sum / Math.sqrt(Math.max(1e-12, lexicalSquares[postings.class[p]])));
}

function rowsByLabel(labels: Int32Array, routes: number): number[][] {
  const lists = Array.from({ length: routes }, (): number[] => []);
  labels.forEach((label, row) => {
    if (label < routes) lists[label].push(row);
  });
  return lists;
}

function packPrototypes(rows: TrainingRows, own: readonly (readonly number[])[]): PackedVectors {
  const { dimensions, dense } = rows;
  const packed = own.map((list) => {
    const vectors = new Float32Array(list.length * dimensions);
    list.forEach((row, at) => {
      vectors.set(dense.subarray(row * dimensions, (row + 1) * dimensions), at * dimensions);
    });
    return prototypesOf(vectors, dimensions);
  });
  const start = new Int32Array(own.length + 1);
  packed.forEach((vectors, route) => {
    start[route + 1] = start[route] + vectors.length / dimensions;
  });
  const vectors = new Float32Array(start[own.length] * dimensions);
  packed.forEach((part, route) => {
    vectors.set(part, start[route] * dimensions);
  });
  return { start, vectors };
}
