/** `shunt keys`: makes a key and the hash that the config holds of it. The key itself is shown once and stored nowhere. */
import { createHash, randomBytes } from 'node:crypto';
import { Command } from 'commander';
import { ShuntError } from '../base/errors.ts';
import { readStandardInput } from './standard-input.ts';

export function keysCommand(): Command {
  const command = new Command('keys').description('Make API keys for auth.keys.');
  command
    .command('new')
    .description('Make a key; prints it once, with the lines for shunt.yaml.')
    .argument('<name>', 'who uses the key')
    .addHelpText('after', '\nExample:\n  $ shunt keys new app-a')
    .action((name: string) => {
      const key = `shunt-${randomBytes(24).toString('base64url')}`;
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

function hashOf(key: string): string {
  return `sha256:${createHash('sha256').update(key).digest('hex')}`;
}
