/**
 * Whole decisions, frozen: `test/fixtures/routing/decisions.golden` holds prompts and what is decided on them by three small
 * routes, to two digits. A change here is a change of the matcher: raise `matcherVersion` with it.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildRouteIndex } from '../../src/routing/build-index.ts';
import type { MatchResult } from '../../src/routing/decision.ts';
import { match } from '../../src/routing/match.ts';
import { smallTalk, summarization, translation } from './cards.ts';
import { hashedEmbedder, hashedVector } from './hashed-embedder.ts';

const file = new URL('../fixtures/routing/decisions.golden', import.meta.url);
const cases = readFileSync(file, 'utf8')
  .split('\n==========\n')
  .map((block) => block.trim().split('\n----------\n'));

const routes = [
  { ...translation, threshold: 0.4, counterExamples: ['Explain the history of translation theory'] },
  { ...summarization, threshold: { cosine: 0.35 } },
  { ...smallTalk, margin: 0.3 },
];

function shown(result: MatchResult): string {
  const candidates = result.candidates.map(
    ({ route, score, threshold, thresholdOn, parts, passes }) =>
      `${passes ? '+' : '-'} ${route} ${tidy(score)} against ${thresholdOn} ${tidy(threshold)}; dense ${tidy(parts?.dense ?? 0)} lexical ${tidy(parts?.lexical ?? 0)}`,
  );
  const head = `${result.route ?? 'fallback'}: ${result.reason}, in scope ${tidy(result.inScope)}, margin ${tidy(result.margin)}`;
  return [head, ...candidates].join('\n');
}

const tidy = (value: number): string => value.toFixed(2);

describe('decisions on file', () => {
  it.each(cases)('%s', async (prompt, expected) => {
    const index = await buildRouteIndex({
      routes,
      embedder: hashedEmbedder(),
      defaults: { threshold: 0.3 },
      calibration: null,
    });
    expect(shown(match(index, { text: prompt, vector: hashedVector(prompt) }, { explain: true }))).toBe(expected);
  });
});
