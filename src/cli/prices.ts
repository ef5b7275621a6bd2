/** `shunt prices`: what each model of the config costs and where that figure is from, or the whole shipped table. */
import { Command, InvalidArgumentError } from 'commander';
import { type Clock, systemClock } from '../base/clock.ts';
import { modelTable, type WrittenPrice } from '../config/model-table.ts';
import type { Config, ModelConfig } from '../config/schema.ts';
import { ratesFor } from '../ledger/price.ts';
import { renderTable } from '../render/table.ts';
import { readConfig, withConfigOption } from './read-config.ts';

interface PricesFlags {
  readonly shipped?: boolean;
  readonly check?: boolean;
  readonly maxAge: number;
  readonly json?: boolean;
}

interface PriceRow {
  readonly model: string;
  readonly at: string;
  /** Dollars per million tokens, as exact decimals; null: as input (or output), or unpriced. */
  readonly input: string | null;
  readonly cached_input: string | null;
  readonly cache_write: string | null;
  readonly output: string | null;
  readonly tiers: number;
  readonly changes: number;
  readonly from: string;
  readonly source: string | null;
  readonly date: string | null;
  /** Days since `date`. */
  readonly age_days: number | null;
}

const dayMs = 86_400_000;

export function pricesCommand(): Command {
  const command = new Command('prices')
    .description("What each model costs, and where that figure is from: the config, prices.file or Shunt's own table.")
    .option('--shipped', 'the whole shipped table instead of the models of the config')
    .option('--check', 'exit 1 when a model has no price, or a price is older than --max-age')
    .option('--max-age <days>', 'for --check', days, 180)
    .option('--json', 'print JSON');
  command.addHelpText(
    'after',
    '\nDollars per million tokens. Override with models.NAME.usd_per_million, or prices.file for many.\n\nExample:\n  $ shunt prices --check --max-age 90',
  );
  return withConfigOption(command).action(async (flags: PricesFlags) => {
    const rows = flags.shipped ? shippedRows(systemClock) : configRows(await readConfig(command), systemClock);
    process.stdout.write(flags.json ? `${JSON.stringify(rows, null, 2)}\n` : `${tableOf(rows)}\n`);
    if (flags.check) check(rows, flags.maxAge);
  });
}

function configRows(config: Config, clock: Clock): PriceRow[] {
  return Object.entries(config.models).map(([name, model]) => {
    const { from, source, date } = config.price_sources[name];
    const base = { model: name, at: `${model.backend}: ${model.model}`, from, source, date };
    return { ...base, ...ratesRow(model.usd_per_million, clock), age_days: ageOf(date, clock) };
  });
}

function ratesRow(price: ModelConfig['usd_per_million'], clock: Clock) {
  if (price === undefined)
    return { input: null, cached_input: null, cache_write: null, output: null, tiers: 0, changes: 0 };
  const rates = ratesFor(price, 0, clock.now());
  return {
    input: decimal(rates.input),
    cached_input: rates.cached_input === undefined ? null : decimal(rates.cached_input),
    cache_write: rates.cache_write === undefined ? null : decimal(rates.cache_write),
    output: decimal(rates.output),
    tiers: price.above?.length ?? 0,
    changes: price.later?.length ?? 0,
  };
}

function shippedRows(clock: Clock): PriceRow[] {
  return modelTable.map(({ provider, name, usd_per_million: price, source, date }) => ({
    model: name,
    at: provider,
    ...writtenRow(price),
    from: 'shipped',
    source,
    date,
    age_days: ageOf(date, clock),
  }));
}

function writtenRow(price: WrittenPrice) {
  return {
    input: price.input,
    cached_input: price.cached_input ?? null,
    cache_write: price.cache_write ?? null,
    output: price.output,
    tiers: price.above?.length ?? 0,
    changes: price.later?.length ?? 0,
  };
}

function tableOf(rows: readonly PriceRow[]): string {
  const number = (title: string) => ({ title, align: 'right' as const });
  const columns = [
    { title: 'model' },
    { title: 'at' },
    ...['input', 'cached', 'cache write', 'output'].map(number),
    { title: 'also' },
    { title: 'from' },
    { title: 'date' },
  ];
  return renderTable(
    columns,
    rows.map((row) => [
      row.model,
      row.at,
      row.input ?? 'unpriced',
      row.cached_input ?? '',
      row.cache_write ?? '',
      row.output ?? '',
      [row.tiers > 0 ? 'long prompts' : '', row.changes > 0 ? 'changes' : ''].filter((word) => word !== '').join(', '),
      row.source ?? row.from,
      row.date ?? '',
    ]),
  );
}

function check(rows: readonly PriceRow[], maxAge: number): void {
  const unpriced = rows.filter((row) => row.input === null).map((row) => row.model);
  const old = rows.filter((row) => (row.age_days ?? 0) > maxAge).map((row) => `${row.model} (${row.date})`);
  const faults: string[] = [];
  if (unpriced.length > 0) {
    faults.push(`Without a price: ${unpriced.join(', ')}. Set models.NAME.usd_per_million, or prices.file.`);
  }
  if (old.length > 0) {
    faults.push(
      `Older than ${maxAge} days: ${old.join(', ')}. Look at the provider's page and set the price yourself.`,
    );
  }
  if (faults.length === 0) return;
  process.stderr.write(`${faults.join('\n')}\n`);
  process.exitCode = 1;
}

/** Nano-dollars per token are thousandths of a dollar per million tokens. */
function decimal(nano: bigint): string {
  const thousandths = nano.toString().padStart(4, '0');
  return `${thousandths.slice(0, -3)}.${thousandths.slice(-3)}`.replace(/0$/, '');
}

function ageOf(date: string | null, clock: Clock): number | null {
  return date === null ? null : Math.floor((clock.now() - Date.parse(date)) / dayMs);
}

function days(text: string): number {
  const value = Number(text);
  if (/^\d{1,5}$/.test(text) && value > 0) return value;
  throw new InvalidArgumentError('It must be a number of days from 1 up.');
}
