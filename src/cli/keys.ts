/**
 * `shunt keys`: makes, lists and revokes the keys of the proxy. A key is shown once, when it is made, and stored nowhere;
 * what is kept is its hash, in the file of `auth.keys_file`, which a running proxy watches.
 */
import { createHash, randomBytes } from 'node:crypto';
import { Command, InvalidArgumentError } from 'commander';
import { ShuntError } from '../base/errors.ts';
import { keySchema } from '../config/key-schema.ts';
import { changeKeysFile, type WrittenKey } from '../config/keys-file.ts';
import type { Config } from '../config/schema.ts';
import { listKeys } from './keys-list.ts';
import { readConfig, withConfigOption } from './read-config.ts';
import { readStandardInput } from './standard-input.ts';

interface AddOptions {
  readonly budgetDay?: number;
  readonly budgetMonth?: number;
  readonly onExceeded?: WrittenKey['on_exceeded'];
  readonly requests?: number;
  readonly tokens?: number;
  readonly inFlight?: number;
  readonly routes?: string[];
  readonly models?: string[];
  readonly tags?: string[];
  readonly expires?: string;
  readonly admin?: boolean;
  readonly mayForce?: boolean;
}

export function keysCommand(): Command {
  const command = new Command('keys').description('Make, list and revoke API keys.');
  command.addCommand(addCommand());
  command.addCommand(listCommand());
  command.addCommand(revokeCommand());
  command
    .command('new')
    .description('Make a key; prints it once, with the lines for auth.keys in shunt.yaml.')
    .argument('<name>', 'who uses the key')
    .addHelpText('after', '\nExample:\n  $ shunt keys new app-a')
    .action((name: string) => {
      const key = newKey();
      process.stdout.write(`${key}\n\nauth:\n  keys:\n    - { name: ${name}, hash: "${hashOf(key)}" }\n`);
    });
  command
    .command('hash')
    .description('Print the hash of a key that is read from standard input.')
    .addHelpText('after', '\nExample:\n  $ printf %s "$KEY" | shunt keys hash')
    .action(async () => {
      const key = (await readStandardInput()).trim();
      if (key === '')
        throw new ShuntError(
          'bad_data',
          'No key came on standard input. Pipe it in: printf %s "$KEY" | shunt keys hash',
        );
      process.stdout.write(`${hashOf(key)}\n`);
    });
  return command;
}

function addCommand(): Command {
  const command = new Command('add')
    .description('Make a key with its limits; prints the key once. A running proxy takes it at once.')
    .argument('<name>', 'who uses the key: in reports, budgets and records')
    .option('--budget-day <USD>', 'dollars a day (UTC)', parseNumber)
    .option('--budget-month <USD>', 'dollars a month (UTC)', parseNumber)
    .option('--on-exceeded <WHAT>', 'what a budget does when it is used up: refuse, cheap or warn')
    .option('--requests <N>', 'requests a minute', parseNumber)
    .option('--tokens <N>', 'tokens a minute, prompt and answer', parseNumber)
    .option('--in-flight <N>', 'requests at once', parseNumber)
    .option('--routes <NAMES>', 'routes that it may take, with commas', parseList)
    .option('--models <NAMES>', 'what may stand in model, with commas: auto, small', parseList)
    .option('--tags <NAMES>', 'tags of all its requests, with commas', parseList)
    .option('--expires <DAY>', 'first day (UTC) on which it is refused')
    .option('--may-force', 'may choose a route by x-shunt-route')
    .option('--admin', 'may read metrics and other keys’ decisions')
    .addHelpText('after', '\nExample:\n  $ shunt keys add app-a --budget-day 20 --budget-month 300 --tags team-a');
  return withConfigOption(command).action(async (name: string, options: AddOptions) => {
    const config = await readConfig(command);
    const key = newKey();
    const written = writtenKey(name, hashOf(key), options);
    check(written);
    await changeKeysFile(config.keys_file, (keys) => {
      if ([...config.auth.keys, ...keys].some((known) => known.name === name))
        throw new ShuntError('bad_data', `There is a key '${name}' already. Choose another name, or revoke it first.`);
      return [...keys, written];
    });
    process.stdout.write(`${key}\n`);
    process.stderr.write(`The key of '${name}' is shown only now. Its hash and limits are in ${config.keys_file}.\n`);
    if (!config.keys_required)
      process.stderr.write('From now on every request to a proxy with this config needs a key.\n');
  });
}

function listCommand(): Command {
  const command = new Command('list')
    .description('Every key with its limits, and what it has spent today and this month.')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ shunt keys list');
  return withConfigOption(command).action(async (options: { readonly json?: boolean }) => {
    process.stdout.write(await listKeys(await readConfig(command), options.json === true));
  });
}

function revokeCommand(): Command {
  const command = new Command('revoke')
    .description('Take a key away; a running proxy refuses it at once. What it did stays in the ledger.')
    .argument('<name>', 'the name it was made with')
    .addHelpText('after', '\nExample:\n  $ shunt keys revoke app-a');
  return withConfigOption(command).action(async (name: string) => {
    const config = await readConfig(command);
    await changeKeysFile(config.keys_file, (keys) => {
      const left = keys.filter((key) => key.name !== name);
      if (left.length < keys.length) return left;
      throw new ShuntError('bad_data', whyUnknown(config, name, keys));
    });
    process.stdout.write(`The key of '${name}' is revoked.\n`);
  });
}

function whyUnknown(config: Config, name: string, keys: readonly WrittenKey[]): string {
  if (config.auth.keys.some((key) => key.name === name))
    return `The key '${name}' stands in ${config.file}, under auth.keys: remove it there.`;
  const known = keys.map((key) => key.name).join(', ');
  return `There is no key '${name}' in ${config.keys_file}. ${known === '' ? 'It holds none.' : `It holds: ${known}.`}`;
}

function writtenKey(name: string, hash: string, options: AddOptions): WrittenKey {
  const limits: Partial<WrittenKey> = {
    budget_usd_per_day: options.budgetDay,
    budget_usd_per_month: options.budgetMonth,
    on_exceeded: options.onExceeded,
    requests_per_minute: options.requests,
    tokens_per_minute: options.tokens,
    max_in_flight: options.inFlight,
    allowed_routes: options.routes,
    allowed_models: options.models,
    tags: options.tags,
    expires: options.expires,
    admin: options.admin,
    may_force: options.mayForce,
  };
  const given = Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
  return { name, hash, created: new Date().toISOString().slice(0, 19).concat('Z'), ...given };
}

function check(key: WrittenKey): void {
  const parsed = keySchema.safeParse(key);
  if (parsed.success) return;
  const wrong = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new ShuntError('bad_data', `This is no key to store. ${wrong.join('; ')}. See shunt keys add --help.`);
}

function newKey(): string {
  return `shunt-${randomBytes(24).toString('base64url')}`;
}

function hashOf(key: string): string {
  return `sha256:${createHash('sha256').update(key).digest('hex')}`;
}

function parseNumber(value: string): number {
  const number = Number(value);
  if (value.trim() !== '' && Number.isFinite(number)) return number;
  throw new InvalidArgumentError('must be a number.');
}

function parseList(value: string): string[] {
  return value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
