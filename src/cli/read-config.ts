/** `--config FILE`, as every command takes it: a file that was named must exist, the default one need not. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';

export const defaultConfigFile = 'shunt.yaml';

export function withConfigOption(command: Command): Command {
  return command.option('-c, --config <FILE>', 'the configuration', defaultConfigFile);
}

export function readConfig(command: Command): Promise<Config> {
  const file = String(command.getOptionValue('config') ?? defaultConfigFile);
  const explicit = command.getOptionValueSource('config') === 'cli';
  return loadConfig(resolve(file), { env: process.env, explicit });
}
