/**
 * `shunt cache`: what a running proxy has stored, what it would do with a prompt, and letting answers go or come in. The
 * proxy is asked, since memory is its own; the database and the files follow it.
 */
import { readFile } from 'node:fs/promises';
import { Command, InvalidArgumentError } from 'commander';
import { ShuntError } from '../base/errors.ts';
import { duration } from '../config/duration.ts';
import { explanationText, statsText } from '../render/cache-text.ts';
import { askProxy, mustBeOk, type ProxyFlags, proxyAddress, withProxyOptions } from './ask-proxy.ts';
import { warmCache } from './warm-cache.ts';

interface Flags extends ProxyFlags {
  readonly json?: boolean;
}

interface ExplainFlags extends Flags {
  readonly tenant?: string;
}

interface PurgeFlags extends Flags {
  readonly route?: string;
  readonly tag?: string;
  readonly tenant?: string;
  readonly person?: string;
  readonly olderThan?: string;
  readonly all?: boolean;
}

interface WarmFlags extends Flags {
  readonly model: string;
  readonly concurrency: number;
}

export function cacheCommand(): Command {
  const command = new Command('cache').description('What a running proxy has cached, and why; purge it, warm it.');
  command.addCommand(statsCommand());
  command.addCommand(explainCommand());
  command.addCommand(purgeCommand());
  command.addCommand(warmCommand());
  return command;
}

const adminKey = 'an admin key, where the proxy asks for keys';

function statsCommand(): Command {
  const command = new Command('stats')
    .description('Entries and bytes in memory, in the database and in the semantic cache, with its evidence.')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  $ shunt cache stats
  $ shunt cache stats --json | jq '.semantic.evidence[]'`,
    );
  return withProxyOptions(command, adminKey).action(async (flags: Flags) => {
    const address = await proxyAddress(command, flags, 'admin');
    show(flags, mustBeOk(address, await askProxy(address, '/admin/cache')), statsText);
  });
}

function explainCommand(): Command {
  const command = new Command('explain')
    .description(
      'What the caches would do with a prompt: its route, its policy, what is stored, what is near and why not.',
    )
    .argument('<prompt>', 'a prompt, asked alone at temperature 0; or @FILE with a whole chat request')
    .option('--tenant <ID>', 'in whose name: key:NAME; the caller when absent')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Nothing is called, stored or counted.

Examples:
  $ shunt cache explain "What is the capital of Peru?"
  $ shunt cache explain @request.json --tenant key:app-a --json`,
    );
  return withProxyOptions(command, adminKey).action(async (prompt: string, flags: ExplainFlags) => {
    const address = await proxyAddress(command, flags, 'admin');
    const asked = prompt.startsWith('@') ? await readObject(prompt.slice(1)) : { text: prompt };
    const body = { ...asked, ...(flags.tenant === undefined ? {} : { tenant: flags.tenant }) };
    show(flags, mustBeOk(address, await askProxy(address, '/admin/cache/explain', body)), explanationText);
  });
}

function purgeCommand(): Command {
  const command = new Command('purge')
    .description('Let stored answers go, from memory, the database and the semantic cache; all conditions must hold.')
    .option('--route <NAME>', "a route's answers; `fallback` for those that no route made")
    .option('--tag <TAG>', 'answers to requests with this tag')
    .option('--tenant <ID>', "one tenant's: key:NAME")
    .option('--person <ID>', 'answers made for this person, as the client named them (user, safety_identifier)')
    .option('--older-than <TIME>', 'stored longer ago than this: 30m, 12h, 7d', checkedDuration)
    .option('--all', 'everything')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Evidence of the semantic cache stays: it holds no text. Other replicas keep what their memory holds until it is over.

Examples:
  $ shunt cache purge --route faq
  $ shunt cache purge --tenant key:app-a --older-than 7d
  $ shunt cache purge --all`,
    );
  return withProxyOptions(command, adminKey).action(async (flags: PurgeFlags) => {
    const { route, tag, tenant, person, olderThan: older_than, all } = flags;
    if ([route, tag, tenant, person, older_than, all].every((one) => one === undefined)) {
      throw new ShuntError(
        'invalid_request',
        'Say what is to go: --route, --tag, --tenant, --person, --older-than, or --all.',
      );
    }
    const address = await proxyAddress(command, flags, 'admin');
    const which = { route, tag, tenant, person, older_than, all };
    show(flags, mustBeOk(address, await askProxy(address, '/admin/cache/purge', which)), (body) => {
      const { purged } = body as { purged: { answers: number; semantic: number } };
      return `${purged.answers} answers and ${purged.semantic} entries of the semantic cache are gone.`;
    });
  });
}

function warmCommand(): Command {
  const command = new Command('warm')
    .description(
      'Ask the proxy every prompt of a file, so that its answers are stored: in the name of the key that asks.',
    )
    .argument('<file>', 'JSON Lines of {"text": …}, or of whole chat requests {"messages": […], …}')
    .option('--model <NAME>', 'the routed name to ask for, in lines that name none', 'auto')
    .option('--concurrency <N>', 'requests at once', positive, 4)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
These are requests like any other, and cost what their answers cost. A text is asked alone, at temperature 0; the exact
cache answers only requests that are the same in every member. Streams are not asked for: a stored answer serves both.

Examples:
  $ shunt cache warm faq.jsonl --key "$APP_KEY"
  $ shunt cache warm requests.jsonl --concurrency 8 --json`,
    );
  return withProxyOptions(command, 'the key whose cache it is').action(async (file: string, flags: WarmFlags) => {
    const address = await proxyAddress(command, flags, 'client');
    const counts = await warmCache(file, { address, model: flags.model, concurrency: flags.concurrency });
    if (counts.failed > 0) process.exitCode = 1;
    show(flags, counts, () => {
      const { asked, stored, hits, bypassed, failed, first_error } = counts;
      const error = first_error === null ? '' : ` (the first: ${first_error})`;
      return `${asked} asked: ${stored} stored, ${hits} already there, ${bypassed} not cacheable, ${failed} failed${error}.`;
    });
  });
}

function show(flags: Flags, body: unknown, words: (body: unknown) => string): void {
  process.stdout.write(`${flags.json ? JSON.stringify(body, null, 2) : words(body)}\n`);
}

async function readObject(file: string): Promise<Record<string, unknown>> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ShuntError('bad_data', `${file} cannot be read as a chat request (${why}).`, { cause: error });
  }
}

function checkedDuration(text: string): string {
  if (duration.safeParse(text).success) return text;
  throw new InvalidArgumentError('It must be a duration such as 30m, 12h or 7d.');
}

function positive(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0 && value <= 256) return value;
  throw new InvalidArgumentError('It must be a whole number from 1 to 256.');
}
