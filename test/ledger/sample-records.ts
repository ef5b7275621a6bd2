/** Decision records for tests: a plausible one, with what a test cares about laid over it. */
import type { NanoUsd } from '../../src/base/money.ts';
import type { DecisionRecord } from '../../src/ledger/record.ts';

export function sampleRecord(changes: Partial<DecisionRecord> & { readonly id: string }): DecisionRecord {
  return {
    time: 1_780_000_000_000,
    tenant: 'key:app-a',
    key: 'app-a',
    tags: ['team-x', 'batch'],
    endpoint: 'chat',
    requestedModel: 'auto',
    route: 'translation',
    wouldRoute: null,
    reason: 'matched',
    score: 0.875,
    threshold: 0.62,
    margin: 0.25,
    candidates: '[{"route":"translation","score":0.875,"threshold":0.62}]',
    snapshot: 'abcdef012345',
    model: 'small',
    backend: 'demo',
    fallbackModel: 'large',
    attempts: 1,
    cache: 'miss',
    pin: 'new',
    stream: true,
    status: 200,
    errorCode: null,
    finishReason: 'stop',
    responseId: null,
    verdict: null,
    truncated: false,
    usage: { input: 100, cachedInput: 20, output: 50, reasoning: 5, source: 'reported' },
    cost: usd(30_000n),
    fallbackCost: usd(1_000_000n),
    latency: { addedMs: 0.25, embedMs: 0.125, matchMs: 0.0625, firstByteMs: 20.5, totalMs: 100 },
    person: null,
    prompt: 'hmac:abc',
    ...changes,
  };
}

/** Every column that may be empty is. */
export function emptiestRecord(id: string): DecisionRecord {
  return sampleRecord({
    id,
    key: null,
    tags: [],
    route: null,
    wouldRoute: null,
    score: null,
    threshold: null,
    margin: null,
    candidates: null,
    model: null,
    backend: null,
    errorCode: null,
    finishReason: null,
    cost: null,
    fallbackCost: null,
    latency: { addedMs: 0, embedMs: 0, matchMs: 0, firstByteMs: null, totalMs: 0 },
    prompt: null,
  });
}

export function usd(nano: bigint): NanoUsd {
  return nano as NanoUsd;
}
