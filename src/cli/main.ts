#!/usr/bin/env node
/** The command line: which command is answered by which file, and how errors leave the program. */
import { Command, CommanderError } from 'commander';
import { messageOf } from '../base/errors.ts';
import { cacheCommand } from './cache.ts';
import { evalCommand } from './eval.ts';
import { indexCommand } from './index-status.ts';
import { keysCommand } from './keys.ts';
import { labelCommand } from './label.ts';
import { ledgerCommand } from './ledger.ts';
import { modelsCommand } from './models.ts';
import { pricesCommand } from './prices.ts';
import { reportCommand } from './report.ts';
import { routeCommand } from './route.ts';
import { routesCommand } from './routes-check.ts';
import { serveCommand } from './serve.ts';
import { simulateCommand } from './simulate.ts';
import { tuneCommand } from './tune.ts';
import { packageVersion } from './version.ts';

const program = new Command('shunt')
  .description('OpenAI-compatible proxy that sends each prompt to the cheapest model that will do, and says why.')
  .version(packageVersion())
  .showHelpAfterError('(add --help for usage)')
  .addHelpText(
    'after',
    `
Examples:
  $ shunt serve                                   the proxy on 127.0.0.1:8080, no key and no network needed
  $ shunt route "Translate to French: good day"   one decision, explained
  $ shunt eval --data routes/eval/shipped.jsonl   how often routing is right
  $ shunt report --since 7d                       cost, saving and latency by route`,
  );
for (const command of [
  serveCommand(),
  routeCommand(),
  routesCommand(),
  evalCommand(),
  tuneCommand(),
  labelCommand(),
  reportCommand(),
  ledgerCommand(),
  cacheCommand(),
  pricesCommand(),
  modelsCommand(),
  indexCommand(),
  keysCommand(),
  simulateCommand(),
]) {
  program.addCommand(command);
}

/** 0 done, 1 a check failed, 2 bad usage or configuration. Never a stack trace. */
try {
  for (const command of [program, ...program.commands, ...program.commands.flatMap((parent) => parent.commands)]) {
    command.exitOverride();
  }
  await program.parseAsync(process.argv);
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

function exitCodeOf(error: unknown): number {
  // Commander has printed its own message (or the help that was asked for) already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  process.stderr.write(`shunt: ${messageOf(error)}\n`);
  return 2;
}
