/** Run as a process of its own: `shunt ledger`, with the arguments after the file's name. */
import { ledgerCommand } from '../../src/cli/ledger.ts';

try {
  await ledgerCommand().exitOverride().parseAsync(process.argv.slice(2), { from: 'user' });
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 2;
}
