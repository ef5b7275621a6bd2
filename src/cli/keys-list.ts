/** `shunt keys list`: who has a key, within what limits, and what each has spent, if there is a ledger to ask. */
import { existsSync } from 'node:fs';
import { formatUsd, type NanoUsd, usdNumber, zeroUsd } from '../base/money.ts';
import type { Config, KeyConfig } from '../config/schema.ts';
import { boundsOf } from '../gateway/account.ts';
import { ledgerFile, openLedgerStore } from '../ledger/store.ts';
import { renderTable, wantsColour } from '../render/table.ts';

interface Spend {
  readonly day: ReadonlyMap<string, NanoUsd>;
  readonly month: ReadonlyMap<string, NanoUsd>;
}

/** Never the key, nor its hash. */
export async function listKeys(config: Config, asJson: boolean): Promise<string> {
  const { keys } = config.auth;
  const spend = keys.length === 0 ? null : await spendOf(config);
  if (asJson) return `${JSON.stringify({ keys: keys.map((key) => entryOf(key, spend)) }, null, 2)}\n`;
  if (keys.length === 0) return 'There are no keys. Make one: shunt keys add NAME\n';
  const columns = ['name', 'created', 'expires', 'spent today', 'spent this month', 'limits', 'allowed', 'tags'];
  const rows = keys.map((key) => [
    key.name,
    key.created?.slice(0, 10) ?? '',
    key.expires === undefined ? '' : new Date(key.expires).toISOString().slice(0, 10),
    ofBudget(spend?.day.get(key.name), spend !== null, key.budget_usd_per_day),
    ofBudget(spend?.month.get(key.name), spend !== null, key.budget_usd_per_month),
    limitsOf(key),
    allowedOf(key),
    key.tags.join(', '),
  ]);
  const options = { colour: wantsColour(process.stdout, process.env) };
  return `${renderTable(
    columns.map((title) => ({ title })),
    rows,
    options,
  )}\n`;
}

/** null: there is no ledger yet, and a list must not make one. */
async function spendOf(config: Config): Promise<Spend | null> {
  const place = { folder: config.folder };
  const file = ledgerFile(config.ledger.url, place);
  if (config.ledger.url === 'none' || (file !== null && !existsSync(file))) return null;
  const store = await openLedgerStore(config.ledger.url, place);
  try {
    const now = Date.now();
    const day = await store.spentSince(boundsOf('day', now).start, 'key');
    return { day, month: await store.spentSince(boundsOf('month', now).start, 'key') };
  } finally {
    await store.close();
  }
}

function entryOf(key: KeyConfig, spend: Spend | null) {
  const { hash: _, expires, created, ...rest } = key;
  return {
    ...rest,
    created: created ?? null,
    expires: expires === undefined ? null : new Date(expires).toISOString(),
    spent_usd_today: spend === null ? null : usdNumber(spend.day.get(key.name) ?? zeroUsd),
    spent_usd_this_month: spend === null ? null : usdNumber(spend.month.get(key.name) ?? zeroUsd),
  };
}

function ofBudget(spent: NanoUsd | undefined, known: boolean, budget: number | undefined): string {
  const shown = known ? formatUsd(spent ?? zeroUsd, 4) : '?';
  return budget === undefined ? shown : `${shown} of $${budget}`;
}

function limitsOf(key: KeyConfig): string {
  const limits = [
    [key.requests_per_minute, 'requests/min'],
    [key.tokens_per_minute, 'tokens/min'],
    [key.max_in_flight, 'at once'],
  ] as const;
  return limits.flatMap(([limit, noun]) => (limit === undefined ? [] : [`${limit} ${noun}`])).join(', ');
}

function allowedOf(key: KeyConfig): string {
  const parts = [
    key.allowed_models === undefined ? '' : `models ${key.allowed_models.join(', ')}`,
    key.allowed_routes === undefined ? '' : `routes ${key.allowed_routes.join(', ')}`,
    key.admin ? 'admin' : key.may_force ? 'may force' : '',
  ];
  return parts.filter((part) => part !== '').join('; ');
}
