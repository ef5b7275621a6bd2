/** The semantic cache as one snapshot uses it: taken from the shelf, taught, and given a place in the requests' story. */
import { resolve } from 'node:path';
import type { Endpoints } from './backend/endpoints.ts';
import type { Clock } from './base/clock.ts';
import { messageOf, ShuntError } from './base/errors.ts';
import type { AnswerLevels } from './cache/exact-levels.ts';
import type { LabelledPair, SemanticCache } from './cache/semantic-contract.ts';
import type { Config } from './config/schema.ts';
import type { GatewayEvents } from './gateway/events.ts';
import { createJudge } from './gateway/judge.ts';
import { createSemanticStep, type SemanticStep } from './gateway/semantic-step.ts';
import { createVerifier } from './gateway/verify-answers.ts';
import { readLabelledPairs } from './lifecycle/labelled-pairs.ts';
import type { SemanticShelf } from './lifecycle/semantic-shelf.ts';
import type { Snapshot } from './lifecycle/snapshot.ts';

const learnedAtOnce = 256;

/** The semantic cache for the vectors of this snapshot. One that begins anew learns from the labelled pairs. */
export async function takeSemantic(
  shelf: SemanticShelf | null,
  { config, snapshot }: { readonly config: Config; readonly snapshot: Snapshot },
): Promise<SemanticCache | null> {
  if (shelf === null) return null;
  const { pairs } = config.cache.semantic;
  const file = pairs === undefined ? null : resolve(config.folder, pairs);
  return shelf.take(snapshot.embedder.identity, async (cache) => {
    if (file !== null) await teach(cache, await readLabelledPairs(file), snapshot);
  });
}

async function teach(cache: SemanticCache, pairs: readonly LabelledPair[], { prompts }: Snapshot): Promise<void> {
  for (let from = 0; from < pairs.length; from += learnedAtOnce) {
    const some = pairs.slice(from, from + learnedAtOnce);
    const texts = some.flatMap(({ a, b }) => [a, b]);
    const embedded = await prompts.embed(texts, { role: 'query', lane: 'bulk' });
    for (const [at, pair] of some.entries()) cache.learn(pair, [embedded[2 * at].vector, embedded[2 * at + 1].vector]);
  }
}

export function semanticStep(
  semantic: SemanticCache,
  options: {
    readonly config: Config;
    readonly backends: ReadonlyMap<string, Endpoints>;
    readonly cache: AnswerLevels;
    readonly clock: Clock;
    readonly events: GatewayEvents;
    readonly onError: (error: ShuntError, requestId: string) => void;
  },
): SemanticStep {
  const { config, cache } = options;
  const { compare, judge: name } = config.cache.semantic;
  const judge =
    compare === 'judge' && name !== undefined ? createJudge({ ...options, random: Math.random }, name) : null;
  const onError = (error: unknown) => {
    const message = `A stored answer could not be compared with a fresh one (${messageOf(error)}). It counts for nothing.`;
    options.onError(new ShuntError('embedder_failed', message, { cause: error }), '');
  };
  const verify = createVerifier({ config, cache, semantic, judge, onError });
  return createSemanticStep({ config, cache: semantic, verify });
}
