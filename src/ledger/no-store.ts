/** `ledger.url: none`: keeps nothing. Budgets then count from the start of the process only. */
import { type NanoUsd, zeroUsd } from '../base/money.ts';
import type { LedgerStore, SummaryGroup } from './contract.ts';

export function createNoStore(): LedgerStore {
  return {
    shared: false,
    append: () => Promise.resolve(),
    find: () => Promise.resolve(null),
    spentSince: () => Promise.resolve(new Map<string, NanoUsd>()),
    summarise: () => Promise.resolve({ groups: [], total: nothing }),
    page: () => Promise.resolve([]),
    tell: (told) => Promise.resolve(told.map(() => ({ state: 'unknown', requestId: null }) as const)),
    outcomes: () => Promise.resolve([]),
    countOutcomes: () => Promise.resolve({ told: 0, rejected: 0 }),
    outcomeSums: () => Promise.resolve([]),
    reasks: () => Promise.resolve([]),
    prune: () => Promise.resolve(0),
    countSelected: () => Promise.resolve(0),
    erase: () => Promise.resolve(0),
    close: () => Promise.resolve(),
  };
}

const nothing: SummaryGroup = {
  name: '',
  requests: 0,
  asked: 0,
  fellBack: 0,
  diverted: 0,
  errors: 0,
  cacheHits: 0,
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  estimated: 0,
  cost: zeroUsd,
  unpriced: 0,
  fallbackCost: zeroUsd,
  fallbackUnpriced: 0,
  comparableCost: zeroUsd,
  comparableFallbackCost: zeroUsd,
  addedP50Ms: null,
  addedP99Ms: null,
  firstByteP50Ms: null,
  addedUs: 0,
  embedUs: 0,
  matchUs: 0,
  firstByteUs: 0,
  firstBytes: 0,
  totalUs: 0,
};
