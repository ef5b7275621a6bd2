import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { topLevelMembers } from '../../src/base/json-members.ts';
import { normalise, type UnitVector } from '../../src/base/vector.ts';
import { partitionOf } from '../../src/cache/partition.ts';
import { createSemanticCache, openSemanticCache } from '../../src/cache/semantic-cache.ts';
import type { SemanticCacheOptions } from '../../src/cache/semantic-contract.ts';
import { seeded } from '../../src/routing/seeded.ts';

const dimensions = 64;
const options: SemanticCacheOptions = {
  fingerprint: 'sha256:one',
  dimensions,
  maxBytes: 1 << 20,
  verifyShare: 0,
  now: () => 1_000,
  random: () => 0.5,
};

/** A bag of words: equal words, equal vectors. */
function vectorOf(text: string): UnitVector {
  const values = new Float32Array(dimensions);
  for (const word of text.toLowerCase().match(/\w+/g) ?? []) {
    const random = seeded(createHash('sha256').update(word).digest().readInt32LE());
    for (let i = 0; i < dimensions; i++) values[i] += random() - 0.5;
  }
  return normalise(values);
}

function entryOf(
  text: string,
  over: { entryId?: string; partition?: string; tenant?: string; expiresAt?: number } = {},
) {
  const own = { entryId: text, partition: 'p', route: 'faq', tenant: 't', tags: [], storedAt: 500, expiresAt: 9_000 };
  return { ...own, text, vector: vectorOf(text), ...over };
}

const query = (text: string, partition = 'p', maxError = 0.05) => {
  return { partition, route: 'faq', maxError, text, vector: vectorOf(text) };
};

const stored = 'How do I reset my password?';
const paraphrase = 'How can I reset my password?';

function proven(own: Partial<SemanticCacheOptions> = {}) {
  const cache = createSemanticCache({ ...options, ...own });
  for (let i = 0; i < 400; i++) cache.judge('faq', { score: 0.97, served: false }, true);
  cache.put(entryOf(stored));
  return cache;
}

describe('the semantic cache', () => {
  it('serves nothing before there is evidence, and asks that every find be verified', () => {
    const cache = createSemanticCache(options);
    cache.put(entryOf(stored));
    expect(cache.look(query(paraphrase))).toMatchObject({
      kind: 'would-hit',
      why: 'no-evidence',
      verify: true,
      served: false,
    });
  });

  it('serves a paraphrase once verdicts prove the bound, for the route that they are about', () => {
    const cache = proven();
    expect(cache.look(query(paraphrase))).toMatchObject({ kind: 'hit', entryId: stored, served: true, verify: false });
    expect(cache.look({ ...query(paraphrase), route: 'other' })).toMatchObject({ kind: 'would-hit' });
    expect(cache.look(query(paraphrase, 'p', 0.001))).toMatchObject({ kind: 'would-hit', why: 'no-evidence' });
  });

  it('takes labelled pairs without a route as evidence for every route', () => {
    const cache = createSemanticCache(options);
    cache.put(entryOf(stored));
    const pair = { a: stored, b: paraphrase, same: true, route: null };
    for (let i = 0; i < 400; i++) cache.learn(pair, [vectorOf(pair.a), vectorOf(pair.b)]);
    expect(cache.look(query(paraphrase))).toMatchObject({ kind: 'hit' });
  });

  it('says what did not agree, of the nearest entry', () => {
    const cache = proven();
    expect(cache.look(query('How do I not reset my password?'))).toMatchObject({
      kind: 'miss',
      why: 'disagreement',
      nearest: { entryId: stored },
      disagreement: { rule: 'negation' },
    });
    expect(cache.look(query('Why do bees hum'))).toMatchObject({ kind: 'miss' });
    expect(cache.look(query(paraphrase, 'elsewhere'))).toMatchObject({ kind: 'miss', why: 'empty' });
  });

  it('takes the next entry when the nearest does not agree', () => {
    const cache = proven();
    cache.put(entryOf('How do I reset my password 2?'));
    expect(cache.look(query(stored))).toMatchObject({ kind: 'hit', entryId: stored });
  });

  it('asks for verification at the rate it was given', () => {
    const draws = [0.09, 0.11];
    const cache = proven({ verifyShare: 0.1, random: () => draws.shift() ?? 1 });
    expect(cache.look(query(paraphrase))).toMatchObject({ kind: 'hit', verify: true });
    expect(cache.look(query(paraphrase))).toMatchObject({ kind: 'hit', verify: false });
  });

  it('stops serving when verdicts on hits go wrong', () => {
    const cache = proven();
    for (let i = 0; i < 40; i++) {
      const look = cache.look(query(paraphrase));
      if (look.kind !== 'miss') cache.judge('faq', look, false);
    }
    expect(cache.look(query(paraphrase))).toMatchObject({ kind: 'would-hit' });
    const { served } = cache.stats().evidence[0];
    expect(served.wrong).toBe(served.verified);
    expect(served.wrong).toBeGreaterThan(0);
  });

  it('forgets what has expired, what is purged, and the least recently used first when full', () => {
    let now = 1_000;
    const cache = proven({ now: () => now, maxBytes: 20_000 });
    cache.put(entryOf('What is your phone number?', { tenant: 'other', expiresAt: 2_000 }));
    now = 3_000;
    expect(cache.look(query('What is your phone number?'))).toMatchObject({ kind: 'miss' });
    for (let i = 0; i < 200; i++) cache.put(entryOf(`Where is parcel ${i}?`, { tenant: 'other' }));
    const { entries, bytes } = cache.stats();
    expect(entries).toBeLessThan(60);
    expect(bytes).toBeLessThanOrEqual(20_000);
    expect(cache.look(query('Where is parcel 199?'))).toMatchObject({ kind: 'hit' });
    expect(cache.look(query(stored)).kind).toBe('miss');
    expect(cache.purge(({ tenant }) => tenant === 'other')).toBe(entries);
    expect(cache.stats()).toMatchObject({ entries: 0, partitions: 0, bytes: 0 });
  });

  it('keeps nothing for texts that no hit may be built on', () => {
    const cache = createSemanticCache(options);
    expect(cache.put(entryOf('???'))).toBe(false);
    expect(cache.put({ ...entryOf(stored), vector: normalise(new Float32Array(dimensions)) })).toBe(false);
    expect(cache.put(entryOf('x'.repeat(5_000)))).toBe(false);
    expect(createSemanticCache({ ...options, maxBytes: 0 }).put(entryOf(stored))).toBe(false);
  });
});

describe('a stored semantic cache', () => {
  it('is the same when it is opened again: entries, evidence and vectors', () => {
    const cache = proven();
    const again = openSemanticCache(options, cache.encode());
    expect(again.look(query(paraphrase))).toEqual(cache.look(query(paraphrase)));
    expect(again.stats()).toEqual(cache.stats());
  });

  it('leaves out what expired meanwhile', () => {
    expect(openSemanticCache({ ...options, now: () => 10_000 }, proven().encode()).stats().entries).toBe(0);
  });

  it.each<[string, (bytes: Buffer) => Buffer, RegExp]>([
    ['empty', () => Buffer.alloc(0), /not a semantic cache/],
    ['half written', (bytes) => bytes.subarray(0, bytes.length / 2), /damaged or half written/],
    ['changed in one bit', (bytes) => flip(bytes, bytes.length - 3), /damaged or half written/],
    ['of another kind', () => Buffer.from('SHUNTIX1'.padEnd(400, 'x')), /not a semantic cache/],
    [
      'poisoned under a sound digest: a vector without length',
      (bytes) => resealed(bytes, (own) => own.fill(0, own.length - 64)),
      /vectors are none/,
    ],
    [
      'poisoned under a sound digest: too few vectors',
      (bytes) => resealed(bytes.subarray(0, -128), () => undefined),
      /do not fit/,
    ],
    [
      'poisoned under a sound digest: another header',
      (bytes) => resealed(bytes, (own) => own.write('"no"', own.indexOf('"fin'))),
      /header/,
    ],
  ])('is refused when it is %s', (_, harm, reason) => {
    const bytes = harm(Buffer.from(proven().encode()));
    expect(() => openSemanticCache(options, bytes)).toThrowError(expect.objectContaining({ code: 'bad_data' }));
    expect(() => openSemanticCache(options, bytes)).toThrowError(reason);
  });

  it('is refused when another embedding model wrote it', () => {
    const other = { ...options, fingerprint: 'sha256:two' };
    expect(() => openSemanticCache(other, proven().encode())).toThrowError(/another embedding model/);
  });
});

function flip(bytes: Buffer, at: number): Buffer {
  bytes[at] ^= 1;
  return bytes;
}

/** Changes the content and makes its digest right again. */
function resealed(bytes: Buffer, change: (bytes: Buffer) => unknown): Buffer {
  change(bytes);
  createHash('sha256').update(bytes.subarray(40)).digest().copy(bytes, 8);
  return bytes;
}

const request = {
  model: 'auto',
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Hello' },
    { role: 'assistant', content: 'Hi' },
    { role: 'user', content: stored },
  ],
  tools: [{ type: 'function', function: { name: 'f' } }],
  tool_choice: 'auto',
  response_format: { type: 'text' },
  temperature: 0,
  top_p: 1,
  seed: 1,
  max_tokens: 100,
  modalities: ['text'],
};

function partitionFor(
  body: object,
  over: { tenant?: string; servedModel?: string; fingerprint?: string; endpoint?: string } = {},
) {
  const bytes = Buffer.from(JSON.stringify(body));
  const own = { fingerprint: 'sha256:one', tenant: 'a', endpoint: 'chat', servedModel: 'small', ...over };
  return partitionOf({ ...own, bytes, members: topLevelMembers(bytes) });
}

describe('partitionOf', () => {
  const withMessages = (at: number, message: object) => ({
    ...request,
    messages: request.messages.with(at, message as never),
  });

  it('is equal for prompts that differ in the last user text, the requested name or streaming alone', () => {
    const own = partitionFor(request);
    expect(own?.text).toBe(stored);
    const asked = { ...withMessages(3, { role: 'user', content: paraphrase }), model: 'gpt', stream: true };
    expect(partitionFor(asked)).toEqual({ key: own?.key, text: paraphrase });
  });

  it.each<[string, Parameters<typeof partitionFor>]>([
    ['tenant', [request, { tenant: 'b' }]],
    ['served model', [request, { servedModel: 'large' }]],
    ['embedding fingerprint', [request, { fingerprint: 'sha256:two' }]],
    ['endpoint', [request, { endpoint: 'messages' }]],
    ['system prompt', [withMessages(0, { role: 'system', content: 'Be long.' })]],
    ['history', [withMessages(1, { role: 'user', content: 'Hallo' })]],
    ['length of the history', [{ ...request, messages: request.messages.slice(1) }]],
    ['an unknown field of a message', [withMessages(1, { role: 'user', content: 'Hello', name: 'eve' })]],
    ['tools', [{ ...request, tools: [] }]],
    ['tool_choice', [{ ...request, tool_choice: 'none' }]],
    ['response_format', [{ ...request, response_format: { type: 'json_object' } }]],
    ['temperature', [{ ...request, temperature: 0.1 }]],
    ['top_p', [{ ...request, top_p: 0.9 }]],
    ['seed', [{ ...request, seed: 2 }]],
    ['max_tokens', [{ ...request, max_tokens: 101 }]],
    ['modalities', [{ ...request, modalities: ['text', 'audio'] }]],
    ['a member that nobody knows', [{ ...request, verbosity: 'low' }]],
    [
      'a picture beside the text',
      [
        withMessages(3, {
          role: 'user',
          content: [
            { type: 'text', text: stored },
            { type: 'image_url', image_url: { url: 'x' } },
          ],
        }),
      ],
    ],
  ])('is another when the %s alone changes', (_, args) => {
    const changed = partitionFor(...args);
    expect(changed).not.toBeNull();
    expect(changed?.key).not.toBe(partitionFor(request)?.key);
  });

  it('does not exist where no single user text ends the request', () => {
    expect(partitionFor({ messages: [{ role: 'assistant', content: 'x' }] })).toBeNull();
    expect(
      partitionFor({
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'a' },
              { type: 'text', text: 'b' },
            ],
          },
        ],
      }),
    ).toBeNull();
    expect(partitionFor({ messages: [{ role: 'user', content: [{ type: 'image_url' }] }] })).toBeNull();
    expect(partitionFor({ input: 'x', messages: [{ role: 'user', content: 'x' }] })).toBeNull();
    expect(partitionFor({ other: 1 })).toBeNull();
  });

  it('keeps two tenants apart over 10,000 mixed requests', { timeout: 120_000 }, () => {
    const random = seeded(9);
    const cache = proven({ maxBytes: 32 << 20 });
    const owner = new Map<string, string>();
    const verbs = ['reset', 'change', 'delete', 'restore', 'find', 'print', 'share', 'move'];
    const nouns = ['password', 'invoice', 'account', 'calendar', 'photo', 'ticket', 'address', 'contract'];
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)];
    let hits = 0;
    for (let i = 0; i < 10_000; i++) {
      const tenant = pick(['a', 'b']);
      const text = `${pick(['How do I', 'How can I'])} ${pick(verbs)} my ${pick(nouns)}?`;
      const system = { role: 'system', content: pick(['Be brief.', 'Be kind.']) };
      const body = { ...request, temperature: pick([0, 0.5]), messages: [system, { role: 'user', content: text }] };
      const key = partitionFor(body, { tenant, servedModel: pick(['small', 'large']) })?.key ?? '';
      const look = cache.look(query(text, key));
      if (look.kind === 'hit') {
        hits++;
        expect(owner.get(look.entryId)).toBe(`${tenant} ${key}`);
      }
      cache.put(entryOf(text, { entryId: `entry ${i}`, partition: key, tenant }));
      owner.set(`entry ${i}`, `${tenant} ${key}`);
    }
    expect(hits).toBeGreaterThan(3_000);
  });
});
