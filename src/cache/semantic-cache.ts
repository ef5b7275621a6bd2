/**
 * The semantic cache of `semantic-contract.ts`: entries by partition, the index that finds the nearest of them, the rules
 * that may refuse one, the score, and the evidence that says from which score on to serve.
 *
 *   look   nearest 4 of the partition → rules → score → is the score covered by the route's evidence?
 *
 * Bounded by bytes, least recently used entries first out. It does not keep answers, and asks nobody anything.
 */
import type { UnitVector } from '../base/vector.ts';
import { disagreement } from './agreement.ts';
import { readable, readPrompt } from './agreement-reading.ts';
import { ErrorEvidence, thresholds } from './error-bound.ts';
import type {
  Disagreement,
  LabelledPair,
  RouteEvidence,
  SemanticCache,
  SemanticCacheOptions,
  SemanticEntry,
  SemanticEntryFacts,
  SemanticFind,
  SemanticLook,
  SemanticMiss,
  SemanticQuery,
  SemanticStats,
} from './semantic-contract.ts';
import { decodeEntries, encodeEntries, type StoredCache } from './semantic-file.ts';
import { type Neighbour, SemanticIndex } from './semantic-index.ts';
import { features, score, shippedWeights } from './semantic-score.ts';

const considered = 4;
/** Prompts farther apart than this are not read. */
const leastSimilarity = 0.4;
const entryOverhead = 400;
/** Routes with evidence of their own; more are strangers, and share nothing. */
const mostRoutes = 2_000;

interface Kept extends SemanticEntryFacts {
  readonly partition: string;
  readonly text: string;
  readonly expiresAt: number;
  readonly slot: number;
  readonly bytes: number;
}

interface RouteGroup {
  readonly evidence: ErrorEvidence;
  /** Under which the latest hit was served: verdicts on hits count against it. */
  promise: number;
}

/** The cache that `encode` wrote. Throws `bad_data` when the bytes are damaged, half written, foreign or of other rules. */
export function openSemanticCache(options: SemanticCacheOptions, bytes: Buffer): SemanticCache {
  return createFrom(options, decodeEntries(bytes, options));
}

export function createSemanticCache(options: SemanticCacheOptions): SemanticCache {
  return createFrom(options, { entries: [], vectors: new Int16Array(0), labelled: null, routes: [] });
}

function createFrom(options: SemanticCacheOptions, stored: StoredCache): SemanticCache {
  const { maxBytes, dimensions, now, random } = options;
  const perSlot = SemanticIndex.bytesPerSlot(dimensions);
  const index = new SemanticIndex(dimensions, Math.max(1, Math.floor(maxBytes / (perSlot + entryOverhead))));
  const entries = new Map<string, Kept>();
  const bySlot: (Kept | undefined)[] = [];
  const partitions = new Map<string, SlotList>();
  /** Verdicts that count for every route: labelled pairs without one. */
  const labelled = stored.labelled === null ? new ErrorEvidence() : ErrorEvidence.from(stored.labelled);
  const groups = new Map<string, RouteGroup>();
  let bytes = 0;

  for (const [route, state] of stored.routes) groups.set(route, { evidence: ErrorEvidence.from(state), promise: 0 });
  stored.entries.forEach((entry, at) => {
    if (entry.expiresAt <= now()) return;
    keep(entry, () => index.addKept(stored.vectors.subarray(at * dimensions, (at + 1) * dimensions)));
  });

  function groupOf(route: string): RouteGroup {
    const known = groups.get(route);
    if (known) return known;
    const made = { evidence: ErrorEvidence.from(labelled.state()), promise: 0 };
    if (groups.size < mostRoutes) groups.set(route, made);
    return made;
  }

  function keep(entry: Omit<SemanticEntry, 'vector'>, place: () => number): boolean {
    const { entryId, partition, text, route, tenant, tags } = entry;
    const words = entryId.length + partition.length + text.length + route.length + tenant.length + tags.join('').length;
    const own = perSlot + entryOverhead + 2 * words;
    if (own > maxBytes) return false;
    drop(entries.get(entryId));
    while (bytes + own > maxBytes) drop(entries.values().next().value);
    const slot = place();
    const { storedAt, expiresAt } = entry;
    const kept: Kept = { entryId, partition, text, route, tenant, tags, storedAt, expiresAt, slot, bytes: own };
    entries.set(entryId, kept);
    bySlot[slot] = kept;
    bytes += own;
    const list = partitions.get(partition);
    if (list) list.add(slot);
    else partitions.set(partition, new SlotList(slot));
    return true;
  }

  function drop(entry: Kept | undefined): void {
    if (entry === undefined) return;
    entries.delete(entry.entryId);
    bySlot[entry.slot] = undefined;
    index.free(entry.slot);
    bytes -= entry.bytes;
    const list = partitions.get(entry.partition);
    list?.remove(entry.slot);
    if (list?.size === 0) partitions.delete(entry.partition);
  }

  /** Nearest entries that have not expired. */
  function neighbours({ partition, vector }: SemanticQuery): { readonly kept: Kept; readonly similarity: number }[] {
    for (;;) {
      const list = partitions.get(partition);
      const found: Neighbour[] = list ? index.nearest(vector, list.slots(), considered) : [];
      const kept = found.flatMap(({ slot, similarity }) => {
        const entry = bySlot[slot];
        return entry ? [{ kept: entry, similarity }] : [];
      });
      const old = kept.filter((near) => near.kept.expiresAt <= now());
      if (old.length === 0) return kept;
      for (const near of old) drop(near.kept);
    }
  }

  function find(query: SemanticQuery, entry: Kept, sure: { similarity: number; score: number }): SemanticLook {
    const group = groupOf(query.route);
    const threshold = group.evidence.threshold(query.maxError);
    const served = threshold !== null && sure.score >= threshold;
    if (served) group.promise = query.maxError;
    const verify = threshold === null || random() < options.verifyShare;
    const found: SemanticFind = { entryId: entry.entryId, ...sure, threshold, verify, served };
    entries.delete(entry.entryId);
    entries.set(entry.entryId, entry);
    if (served) return { kind: 'hit', ...found };
    return { kind: 'would-hit', why: threshold === null ? 'no-evidence' : 'below-threshold', ...found };
  }

  function look(query: SemanticQuery): SemanticLook {
    if (!readable(query.text) || !hasDirection(query.vector)) return miss('unreadable', null, null);
    const near = neighbours(query);
    if (near.length === 0) return miss('empty', null, null);
    const nearest = { entryId: near[0].kept.entryId, similarity: near[0].similarity };
    const asked = readPrompt(query.text);
    let first: Disagreement | null = null;
    let best: { readonly kept: Kept; readonly similarity: number; readonly score: number } | null = null;
    for (const { kept, similarity } of near) {
      if (similarity < leastSimilarity) break;
      const read = readPrompt(kept.text);
      const no = disagreement(asked, read);
      first ??= no;
      if (no !== null) continue;
      const sure = score(shippedWeights, features(asked, read, similarity));
      if (best === null || sure > best.score) best = { kept, similarity, score: sure };
    }
    if (best === null) return miss(first === null ? 'far' : 'disagreement', nearest, first);
    const { kept, similarity } = best;
    const least = thresholds[thresholds.length - 1];
    return best.score < least ? miss('far', nearest, null) : find(query, kept, { similarity, score: best.score });
  }

  return {
    look,
    put(entry) {
      if (!readable(entry.text) || !hasDirection(entry.vector) || entry.expiresAt <= now()) return false;
      return keep(entry, () => index.add(entry.vector));
    },
    judge(route, found, right) {
      const group = groupOf(route);
      group.evidence.add(found.score, right, found.served && group.promise > 0 ? group.promise : null);
    },
    learn(pair, vectors) {
      const certainty = certaintyOf(pair, vectors);
      if (certainty === null) return;
      if (pair.route !== null) groupOf(pair.route).evidence.add(certainty, pair.same, null);
      else
        for (const evidence of [labelled, ...[...groups.values()].map((group) => group.evidence)])
          evidence.add(certainty, pair.same, null);
    },
    purge(chosen) {
      const gone = [...entries.values()].filter(chosen);
      for (const entry of gone) drop(entry);
      return gone.length;
    },
    stats(): SemanticStats {
      const evidence = [...groups].map(([route, group]): RouteEvidence => ({ route, ...group.evidence.figures() }));
      return { entries: entries.size, partitions: partitions.size, bytes, maxBytes, evidence };
    },
    encode() {
      const kept = [...entries.values()];
      const vectors = new Int16Array(kept.length * dimensions);
      kept.forEach(({ slot }, at) => {
        vectors.set(index.kept(slot), at * dimensions);
      });
      const routes = [...groups].map(([route, { evidence }]) => [route, evidence.state()] as const);
      return encodeEntries({ entries: kept, vectors, labelled: labelled.state(), routes }, options);
    },
  };
}

/** The score of a pair, as a look for the one would find the other; null when the rules set them apart. */
function certaintyOf({ a, b }: LabelledPair, vectors: readonly [UnitVector, UnitVector]): number | null {
  if (!readable(a) || !readable(b)) return null;
  const [stored, asked] = [readPrompt(a), readPrompt(b)];
  let similarity = 0;
  for (let i = 0; i < vectors[0].length; i++) similarity += vectors[0][i] * vectors[1][i];
  if (similarity < leastSimilarity || disagreement(asked, stored) !== null) return null;
  return score(shippedWeights, features(asked, stored, similarity));
}

function miss(
  why: SemanticMiss,
  nearest: { readonly entryId: string; readonly similarity: number } | null,
  found: Disagreement | null,
): SemanticLook {
  return { kind: 'miss', why, nearest, disagreement: found };
}

function hasDirection(vector: UnitVector): boolean {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += vector[i] * vector[i];
  return Math.abs(sum - 1) < 0.01;
}

/** The slots of one partition, as the index wants them. */
class SlotList {
  #slots = new Int32Array(4);
  #size = 0;
  /** Only partitions with many entries need to find a slot quickly. */
  readonly #places = new Map<number, number>();

  constructor(first: number) {
    this.add(first);
  }

  get size(): number {
    return this.#size;
  }

  slots(): Int32Array {
    return this.#slots.subarray(0, this.#size);
  }

  add(slot: number): void {
    if (this.#size === this.#slots.length) {
      const grown = new Int32Array(this.#size * 2);
      grown.set(this.#slots);
      this.#slots = grown;
    }
    this.#places.set(slot, this.#size);
    this.#slots[this.#size++] = slot;
  }

  remove(slot: number): void {
    const place = this.#places.get(slot);
    if (place === undefined) return;
    const last = this.#slots[--this.#size];
    this.#slots[place] = last;
    this.#places.set(last, place);
    this.#places.delete(slot);
  }
}
