/** Run as a process of its own: `shunt report`, with the arguments after the file's name. */
import { reportCommand } from '../../src/cli/report.ts';

try {
  await reportCommand().exitOverride().parseAsync(process.argv.slice(2), { from: 'user' });
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 2;
}
