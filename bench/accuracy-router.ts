/**
 * A router built from labelled rows, exactly as one is served, and the two trivial ones that stand beside it in every
 * table: always the commonest label, and the nearest centroid of words and n-grams alone.
 */
import type { Embedder } from '../src/embedding/contract.ts';
import { buildRouteIndex } from '../src/routing/build-index.ts';
import { centroidsOf, productsWithSums } from '../src/routing/centroids.ts';
import type { MatchResult } from '../src/routing/decision.ts';
import { embeddingText } from '../src/routing/excerpt.ts';
import { buildLexicalSpace, lexicalRows, lexicalScanner } from '../src/routing/lexical.ts';
import { match } from '../src/routing/match.ts';
import type { Route } from '../src/routing/route.ts';
import type { RouteIndex } from '../src/routing/route-index.ts';
import { cardsOf, groupByRoute, type Row, rate } from './accuracy-data.ts';

export interface Judged {
  readonly row: Row;
  readonly result: MatchResult;
  /** The best route, thresholds ignored. */
  readonly best: string | null;
}

export interface Router {
  readonly index: RouteIndex;
  readonly buildMs: number;
  judge(rows: readonly Row[]): Promise<Judged[]>;
}

export async function routerOf(
  routes: readonly Route[],
  embedder: Embedder,
  background?: readonly string[],
): Promise<Router> {
  const began = performance.now();
  const index = await buildRouteIndex({ routes, embedder, background, defaults: {}, calibration: null });
  const buildMs = performance.now() - began;
  const judge = async (rows: readonly Row[]): Promise<Judged[]> => {
    const embeddings = await embedder.embed(rows.map((row) => embeddingText(row.text)));
    return rows.map((row, at) => {
      const result = match(index, { text: row.text, vector: embeddings[at].vector });
      return { row, result, best: result.candidates[0]?.route ?? null };
    });
  };
  return { index, buildMs, judge };
}

export async function trainedOn(rows: readonly Row[], embedder: Embedder): Promise<Router> {
  return routerOf(cardsOf(rows), embedder);
}

export function bestRouteAccuracy(judged: readonly Judged[]): number {
  return rate(
    judged.filter(({ row }) => row.route !== null),
    ({ row, best }) => best === row.route,
  );
}

export function majorityAccuracy(train: readonly Row[], test: readonly Row[]): number {
  const [commonest] = [...groupByRoute(train)].sort((a, b) => b[1].length - a[1].length);
  return rate(test, (row) => row.route === commonest?.[0]);
}

/** Nearest centroid in the lexical space alone: what a router without an embedding model reaches. */
export function lexicalAccuracy(train: readonly Row[], test: readonly Row[]): number {
  const groups = [...groupByRoute(train)];
  const texts = groups.flatMap(([, own]) => own.map((row) => row.text));
  const scanner = lexicalScanner(buildLexicalSpace(texts));
  const rows = (list: readonly string[], labels: Int32Array) => ({
    size: list.length,
    classes: groups.length,
    dimensions: 1,
    dense: new Float32Array(list.length),
    lexical: lexicalRows(scanner, list),
    features: scanner.features,
    labels,
  });
  const labels = Int32Array.from(groups.flatMap(([, own], label) => own.map(() => label)));
  const centroids = centroidsOf(rows(texts, labels));
  const asked = rows(
    test.map((row) => row.text),
    new Int32Array(test.length),
  );
  const products = { dense: new Float64Array(groups.length), lexical: new Float64Array(groups.length) };
  let hits = 0;
  for (let at = 0; at < test.length; at++) {
    productsWithSums(asked, centroids, at, products);
    const cosines = products.lexical.map((sum, label) => sum / Math.sqrt(centroids.lexicalSquares[label] || 1));
    if (groups[cosines.indexOf(Math.max(...cosines))]?.[0] === test[at].route) hits++;
  }
  return hits / test.length;
}
