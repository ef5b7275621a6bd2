/** What a config says of budgets that holds less than it seems to: for the log, at start and after a reload. */
import type { Config } from '../config/schema.ts';

const longestMonth = 31;

export function budgetWarnings(config: Config, routeNames: ReadonlySet<string>): string[] {
  const { auth, budgets, ledger, models } = config;
  const limits = [
    ...auth.keys.map((key) => ({ day: key.budget_usd_per_day, month: key.budget_usd_per_month })),
    ...Object.values(budgets.routes).map((route) => ({ day: route.usd_per_day, month: route.usd_per_month })),
  ];
  const warnings: string[] = [];
  if (limits.some(({ day, month }) => day !== undefined || month !== undefined)) {
    const unpriced = Object.keys(models).filter((name) => models[name].usd_per_million === undefined);
    if (unpriced.length > 0)
      warnings.push(
        `budgets do not count models without a price: ${unpriced.join(', ')}. Set models.*.usd_per_million.`,
      );
    if (ledger.url === 'none') warnings.push('budgets begin at zero at each start, since ledger.url is none.');
  }
  if (ledger.keep_days < longestMonth && limits.some(({ month }) => month !== undefined))
    warnings.push(
      `monthly budgets forget what is older than ledger.keep_days (${ledger.keep_days}) at a start. Keep 31.`,
    );
  const unknown = Object.keys(budgets.routes).filter((name) => !routeNames.has(name));
  if (unknown.length > 0) warnings.push(`budgets.routes names routes that do not exist: ${unknown.join(', ')}.`);
  return warnings;
}
