/** Run as a process of its own: `shunt eval …`, `tune …` or `label …`, arguments after the file's name; exit codes as `main.ts` gives them. */
import { evalCommand } from '../../src/cli/eval.ts';
import { labelCommand } from '../../src/cli/label.ts';
import { tuneCommand } from '../../src/cli/tune.ts';

const [name, ...rest] = process.argv.slice(2);
try {
  const command = name === 'tune' ? tuneCommand() : name === 'label' ? labelCommand() : evalCommand();
  await command.exitOverride().parseAsync(rest, { from: 'user' });
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 2;
}
