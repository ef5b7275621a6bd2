/**
 * `shunt routes check` and `shunt routes card NAME`: are the config and the route cards sound, and what does one card
 * answer for. Reads files only: no model is loaded, no network used.
 */
import { dirname, join, relative, resolve } from 'node:path';
import { Command } from 'commander';
import { ShuntError } from '../base/errors.ts';
import { type Fault, FaultList, formatFault } from '../base/fault.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { suggest } from '../config/suggest.ts';
import { routesFolder } from '../lifecycle/prepare.ts';
import { renderTable } from '../render/table.ts';
import { type LoadedRoutes, loadRoutes } from '../routing/load.ts';
import { type Route, targetOf } from '../routing/route.ts';
import { approvalWarnings } from './approval.ts';
import { decisionRecord, thresholdText } from './decision-record.ts';
import { defaultConfigFile } from './read-config.ts';

interface Flags {
  readonly config: string;
  readonly routes?: string;
  readonly json?: boolean;
}

interface Reading {
  /** null: faulty. */
  readonly config: Config | null;
  readonly folder: string;
  readonly loaded: LoadedRoutes;
  readonly faults: readonly Fault[];
}

export function routesCommand(): Command {
  const routes = new Command('routes').description('Check route cards, and show what a card answers for.');
  withFiles(routes.command('check'))
    .description('Check the config and every route card; list all faults with file, line and fix.')
    .option('--json', 'print one JSON document: ok, routes, faults, warnings')
    .addHelpText('after', checkExamples)
    .action((flags: Flags, command: Command) => check(flags, command));
  withFiles(routes.command('card'))
    .description("Show a route's decision record: purpose, owner, target, promise, cache, evaluation, way back.")
    .argument('<name>', 'the name of the route')
    .addHelpText('after', cardExamples)
    .action((name: string, flags: Flags, command: Command) => card(name, flags, command));
  return routes;
}

const checkExamples = `
Exit code 0: sound (warnings may be shown). 2: faults.

Examples:
  shunt routes check
  shunt routes check --routes staging/routes --config staging/shunt.yaml
  shunt routes check --json | jq '.faults[]'`;

const cardExamples = `
Examples:
  shunt routes card translation
  shunt routes card translation --routes staging/routes`;

function withFiles(command: Command): Command {
  return command
    .option('-c, --config <FILE>', 'the configuration', defaultConfigFile)
    .option('-r, --routes <DIR>', 'folder of route cards, instead of routing.routes');
}

async function check(flags: Flags, command: Command): Promise<void> {
  const { config, folder, loaded, faults } = await read(flags, command);
  const { routes } = loaded;
  const warnings = [
    ...loaded.warnings,
    ...routes.flatMap((route) => [...approvalWarnings(route, Date.now()), ...cacheWarnings(route, config)]),
  ];
  if (faults.length > 0) process.exitCode = 2;
  if (flags.json) {
    const rows = routes.map((route) => summary(route, config));
    const report = { ok: faults.length === 0, folder, routes: rows, faults, warnings };
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    return;
  }
  for (const fault of faults) process.stderr.write(`${formatFault(fault)}\n`);
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
  if (faults.length > 0) {
    process.stderr.write(`${count(faults.length, 'fault')}.\n`);
    return;
  }
  process.stdout.write(`${table(routes, config)}\n`);
  const examples = routes.reduce((sum, route) => sum + route.examples.length, 0);
  process.stdout.write(`${count(routes.length, 'route')} in ${folder}, ${count(examples, 'example')}: no faults.\n`);
}

async function card(name: string, flags: Flags, command: Command): Promise<void> {
  const { config, loaded, faults } = await read(flags, command);
  if (faults.length > 0) throw new FaultList(faults);
  const names = loaded.routes.map((route) => route.name);
  const route = loaded.routes.find((one) => one.name === name);
  if (!route) {
    const meant = suggest(name, names);
    const fix = meant ? `Did you mean ${meant}?` : `Use one of ${names.join(', ')}.`;
    throw new ShuntError('bad_config', `There is no route '${name}'. ${fix}`);
  }
  process.stdout.write(`${decisionRecord(route, config)}\n`);
}

/** The config and the cards, with the faults of both: a fault in one does not hide those of the other. */
async function read(flags: Flags, command: Command): Promise<Reading> {
  const explicit = command.getOptionValueSource('config') === 'cli';
  const faults: Fault[] = [];
  const gather = (error: unknown): null => {
    if (!(error instanceof FaultList)) throw error;
    faults.push(...error.faults);
    return null;
  };
  const config = await loadConfig(flags.config, { env: process.env, explicit }).catch(gather);
  const standard = config ? routesFolder(config) : join(dirname(resolve(flags.config)), 'routes');
  const folder = shortest(flags.routes ?? standard);
  const modelNames = config ? Object.keys(config.models) : null;
  const loaded = await loadRoutes(folder, { modelNames, evaluationSets: 'must-exist' }).catch(gather);
  return { config, folder, loaded: loaded ?? { routes: [], warnings: [] }, faults };
}

function cacheWarnings({ name, file, cache }: Route, config: Config | null): string[] {
  if (cache.mode !== 'semantic' || config?.cache.semantic.enabled !== false) return [];
  return [`${file}: '${name}' is cached exactly: its cache.mode is semantic, but cache.semantic.enabled is false.`];
}

function shortest(path: string): string {
  const fromHere = relative(process.cwd(), path) || '.';
  return fromHere.startsWith('..') ? resolve(path) : fromHere;
}

function summary(route: Route, config: Config | null) {
  return {
    name: route.name,
    owner: route.owner,
    file: route.file,
    target: targetOf(route, config?.routing.default_target ?? '') || null,
    examples: route.examples.length,
    counter_examples: route.counterExamples.length,
    threshold: route.threshold,
    cache: route.cache.mode,
    eval: route.evaluation,
  };
}

function table(routes: readonly Route[], config: Config | null): string {
  const right = 'right' as const;
  const columns = [
    { title: 'route' },
    { title: 'target' },
    { title: 'examples', align: right },
    { title: 'counter-examples', align: right },
    { title: 'threshold' },
    { title: 'cache' },
  ];
  const rows = routes.map((route) => [
    route.name,
    targetOf(route, config?.routing.default_target ?? ''),
    String(route.examples.length),
    String(route.counterExamples.length),
    thresholdText(route.threshold ?? config?.routing.threshold ?? null),
    route.cache.mode,
  ]);
  return renderTable(columns, rows);
}

function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? '' : 's'}`;
}
