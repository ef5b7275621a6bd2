/**
 * What several workers must hold in common, though each has it in its own memory: pins, owners of stored objects, budgets
 * and token quotas. What changes here is told to the others, and what they tell is done here as well.
 *
 *   a request enters ─► the primary admits it (requests a minute and at once are counted there) and answers, after all
 *                       news that the others had sent before ─► the memory here knows what they know
 *
 * So the next turn of a conversation finds its pin whichever worker gets it. Two requests at the very same moment on two
 * workers do not see each other's reservations; the next one sees both.
 */
import { ShuntError } from '../base/errors.ts';
import type { Budgets } from '../gateway/budgets.ts';
import type { Owners } from '../gateway/owners.ts';
import type { PinStore } from '../gateway/pin.ts';
import type { Quota } from '../gateway/quota.ts';
import type { News } from './messages.ts';

export interface CommonState {
  readonly pins: PinStore;
  readonly owners: Owners;
  readonly budgets: Budgets;
  readonly quota: Quota;
}

export interface Others {
  tell(news: News, urgent?: boolean): void;
  /** Rejects with `rate_limit_exceeded`; with `overloaded` when there was no answer in time. */
  enter(key: string | null): Promise<unknown>;
}

export function shareState(local: CommonState, others: Others): CommonState {
  return {
    pins: sharePins(local.pins, others),
    owners: shareOwners(local.owners, others),
    budgets: shareBudgets(local.budgets, others),
    quota: shareQuota(local.quota, others),
  };
}

export function hearNews(local: CommonState, news: News): void {
  switch (news.kind) {
    case 'pin':
      local.pins.keep({ readKeys: [], writeKey: news.key, inToolLoop: false }, news.pin);
      return;
    case 'owner':
      if (news.owner === null) local.owners.forget(news.id);
      else local.owners.keep(news.id, news.owner);
      return;
    case 'spend':
      local.budgets.spend(news);
      return;
    case 'hold':
      local.budgets.heldElsewhere(news);
      return;
    case 'tokens':
      local.quota.giveBack(news.key, -news.amount);
      return;
    case 'left':
  }
}

function sharePins(pins: PinStore, { tell }: Others): PinStore {
  return {
    find: pins.find,
    keep(conversation, pin) {
      const key = conversation.writeKey;
      const before = pins.find({ ...conversation, readKeys: [key] });
      pins.keep(conversation, pin);
      // One that has moved may have moved with the last byte of an answer, and the next turn may follow at once.
      tell({ kind: 'pin', key, pin }, before !== null && before.model !== pin.model);
    },
    get size() {
      return pins.size;
    },
  };
}

function shareOwners(owners: Owners, { tell }: Others): Owners {
  return {
    find: owners.find,
    keep(id, owner) {
      owners.keep(id, owner);
      tell({ kind: 'owner', id, owner }, true);
    },
    forget(id) {
      owners.forget(id);
      tell({ kind: 'owner', id, owner: null }, true);
    },
  };
}

function shareBudgets(budgets: Budgets, { tell }: Others): Budgets {
  return {
    ...budgets,
    reserve(asked) {
      const reserved = budgets.reserve(asked);
      if (reserved === 'cheap') return reserved;
      const { key, route, amount } = asked;
      tell({ kind: 'hold', key, route, amount });
      return {
        notice: reserved.notice,
        release() {
          reserved.release();
          tell({ kind: 'hold', key, route, amount: -amount });
        },
      };
    },
    spend(request) {
      budgets.spend(request);
      const { key, route, cost } = request;
      if (cost !== null && cost !== 0n && budgets.concern(key, route)) tell({ kind: 'spend', key, route, cost });
    },
  };
}

function shareQuota(quota: Quota, { tell, enter }: Others): Quota {
  return {
    ...quota,
    async admit(key) {
      await quota.admit(key);
      try {
        await enter(key);
      } catch (error) {
        quota.leave(key);
        // Not refused: the primary was late, and will have admitted it.
        if (key !== null && toldLate(error)) tell({ kind: 'left', key });
        throw error;
      }
    },
    leave(key) {
      quota.leave(key);
      if (key !== null) tell({ kind: 'left', key });
    },
    takeTokens(key, tokens) {
      quota.takeTokens(key, tokens);
      if (key !== null && quota.limitsTokens(key)) tell({ kind: 'tokens', key, amount: tokens });
    },
    giveBack(key, tokens) {
      quota.giveBack(key, tokens);
      if (key !== null && quota.limitsTokens(key)) tell({ kind: 'tokens', key, amount: -tokens });
    },
  };
}

function toldLate(error: unknown): boolean {
  return error instanceof ShuntError && error.code === 'overloaded';
}
