/** Everything that a ledger is asked beside appending: one table of stories, which either engine runs. */
import type { NanoUsd } from '../base/money.ts';
import type {
  EraseSelection,
  LedgerEntry,
  LedgerStore,
  LedgerSummary,
  PageQuery,
  SpendDimension,
  SummaryQuery,
} from './contract.ts';
import { countSelected, erase, find, page, prune, spentSince } from './decision-steps.ts';
import type { Outcome, OutcomeCounts, OutcomeQuery, OutcomeSums, Reask, ToldOutcome, ToldResult } from './outcome.ts';
import { outcomesOf, tellOutcomes } from './outcome-steps.ts';
import { countOutcomes, outcomeSums } from './outcome-sums.ts';
import type { LedgerQueries } from './queries.ts';
import { reasks } from './reask-steps.ts';
import type { DecisionRecord } from './record.ts';
import type { Steps } from './steps.ts';
import { summarise } from './summary-steps.ts';

/** Per operation: what goes in, what comes out. Only data that survives a structured clone. */
export interface Operations {
  find: { input: string; output: DecisionRecord | null };
  spentSince: { input: { readonly timeMs: number; readonly by: SpendDimension }; output: Map<string, NanoUsd> };
  page: { input: PageQuery; output: LedgerEntry[] };
  summarise: { input: SummaryQuery; output: LedgerSummary };
  outcomes: { input: string; output: Outcome[] };
  countOutcomes: { input: Omit<SummaryQuery, 'by'>; output: OutcomeCounts };
  outcomeSums: { input: OutcomeQuery; output: OutcomeSums[] };
  reasks: { input: OutcomeQuery; output: Reask[] };
  tell: { input: readonly ToldOutcome[]; output: ToldResult[] };
  prune: { input: { readonly beforeMs: number; readonly limit: number }; output: number };
  countSelected: { input: EraseSelection; output: number };
  erase: { input: { readonly selection: EraseSelection; readonly limit: number }; output: number };
}
export type OperationName = keyof Operations;

/** `look`: at a few rows. `scan`: through very many, which takes seconds. */
export type Access = 'look' | 'scan' | 'write';

interface Operation<O extends OperationName> {
  readonly access: Access;
  readonly steps: (queries: LedgerQueries, input: Operations[O]['input']) => Steps<Operations[O]['output']>;
}

const operations: { readonly [O in OperationName]: Operation<O> } = {
  find: { access: 'look', steps: find },
  spentSince: { access: 'look', steps: spentSince },
  page: { access: 'scan', steps: page },
  summarise: { access: 'scan', steps: summarise },
  outcomes: { access: 'look', steps: outcomesOf },
  countOutcomes: { access: 'scan', steps: countOutcomes },
  outcomeSums: { access: 'scan', steps: outcomeSums },
  reasks: { access: 'scan', steps: reasks },
  tell: { access: 'write', steps: tellOutcomes },
  prune: { access: 'write', steps: prune },
  countSelected: { access: 'scan', steps: countSelected },
  erase: { access: 'write', steps: erase },
};

export function operation<O extends OperationName>(name: O): Operation<O> {
  return operations[name];
}

export interface LedgerEngine {
  readonly shared: boolean;
  /** One transaction. */
  append(records: readonly DecisionRecord[]): Promise<void>;
  /** One transaction. */
  perform<O extends OperationName>(name: O, input: Operations[O]['input']): Promise<Operations[O]['output']>;
  close(): Promise<void>;
}

/** Decisions that are deleted in one transaction. */
const deletedAtOnce = 2_000;

export function storeOn(engine: LedgerEngine): LedgerStore {
  return {
    shared: engine.shared,
    append: async (records) => {
      if (records.length > 0) await engine.append(records);
    },
    find: (id) => engine.perform('find', id),
    spentSince: (timeMs, by = 'key') => engine.perform('spentSince', { timeMs, by }),
    page: (query) => engine.perform('page', query),
    summarise: (query) => engine.perform('summarise', query),
    tell: async (outcomes) => (outcomes.length === 0 ? [] : engine.perform('tell', outcomes)),
    outcomes: (requestId) => engine.perform('outcomes', requestId),
    countOutcomes: (period) => engine.perform('countOutcomes', period),
    outcomeSums: (query) => engine.perform('outcomeSums', query),
    reasks: (query) => engine.perform('reasks', query),
    prune: (beforeMs) => inChunks((limit) => engine.perform('prune', { beforeMs, limit })),
    countSelected: (selection) => engine.perform('countSelected', selection),
    erase: (selection) => inChunks((limit) => engine.perform('erase', { selection, limit })),
    close: () => engine.close(),
  };
}

async function inChunks(remove: (limit: number) => Promise<number>): Promise<number> {
  for (let removed = 0; ; ) {
    const now = await remove(deletedAtOnce);
    removed += now;
    if (now < deletedAtOnce) return removed;
  }
}
