/** The flags by which commands read labelled rows, the same for all of them. */
import { type Command, InvalidArgumentError } from 'commander';
import type { DatasetOptions } from '../evaluation/dataset.ts';

export interface DataFlags {
  readonly routes?: string;
  readonly data?: readonly string[];
  readonly textField: string;
  readonly routeField: string;
  readonly oosLabel?: readonly string[];
  readonly where?: readonly string[];
  readonly limit?: number;
}

export function withDataOptions(command: Command): Command {
  return command
    .option('-r, --routes <DIR>', 'folder of route cards, instead of routing.routes')
    .option('-d, --data <FILE...>', 'labelled rows: JSON Lines or CSV, .gz too')
    .option('--text-field <NAME>', 'field with the prompt', 'text')
    .option('--route-field <NAME>', 'field with the right route; null or empty: out of scope', 'route')
    .option('--oos-label <NAME...>', 'route name in the data that means out of scope')
    .option('--where <FIELD=VALUE...>', 'only rows whose field has this value')
    .option('--limit <N>', 'read at most N rows', wholeNumber);
}

export function datasetOf(flags: DataFlags): Omit<DatasetOptions, 'knownRoutes' | 'textPolicy'> {
  const { data = [], textField, routeField, oosLabel, limit } = flags;
  return { files: data, textField, routeField, oosLabels: oosLabel, limit, where: conditions(flags.where ?? []) };
}

function conditions(written: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    written.map((condition) => {
      const at = condition.indexOf('=');
      if (at < 1) throw new InvalidArgumentError(`--where takes FIELD=VALUE, not '${condition}'.`);
      return [condition.slice(0, at), condition.slice(at + 1)];
    }),
  );
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('It must be a whole number from 1 up.');
}
