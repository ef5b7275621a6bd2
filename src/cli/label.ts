/** `shunt label`: label recorded prompts at the keyboard, the most informative first; resumable; every answer is synced. */
import { Command, InvalidArgumentError } from 'commander';
import { ShuntError } from '../base/errors.ts';
import { chooseForLabels, type ToLabel } from '../evaluation/label-queue.ts';
import { type LabelFile, openLabelFile } from '../evaluation/labels.ts';
import { labelScreen } from '../render/label-screen.ts';
import { wantsColour } from '../render/table.ts';
import { seeded } from '../routing/seeded.ts';
import { type AnswerKeys, openAnswerKeys } from './answer-keys.ts';
import { prepareWithProgress } from './index-progress.ts';
import { readConfig, withConfigOption } from './read-config.ts';
import { noTextWords, openExistingLedger } from './recorded-decisions.ts';
import { readPeriod } from './report-period.ts';

interface LabelFlags {
  readonly since: string;
  readonly until?: string;
  readonly out: string;
  readonly routes?: string;
  readonly limit: number;
}

const help = `
Keys: 1-9 one of the candidates, f another route by name, n none (out of scope), s skip, u undo, q quit. In a pipe, one
answer a line (f NAME). Prompts that the file has already are not asked again. It needs ledger.prompts: full or redacted.

Examples:
  $ shunt label --since 7d --out labelled.jsonl
  $ shunt eval --from-ledger --since 7d --labels labelled.jsonl
  $ shunt tune --data labelled.jsonl`;

export function labelCommand(): Command {
  const command = new Command('label')
    .description('Label recorded prompts at the keyboard, the most informative first. No backend is called.')
    .option('--since <WHEN>', 'from: 24h, 7d, 4w ago, or a date (UTC)', '7d')
    .option('--until <WHEN>', 'up to: the same, now when absent')
    .option('-o, --out <FILE>', 'file that the labels are appended to', 'labelled.jsonl')
    .option('-r, --routes <DIR>', 'folder of route cards, instead of routing.routes')
    .option('--limit <N>', 'prompts to ask at most', wholeNumber, 200)
    .addHelpText('after', help);
  return withConfigOption(command).action((flags: LabelFlags) => label(command, flags));
}

async function label(command: Command, flags: LabelFlags): Promise<void> {
  const config = await readConfig(command);
  const period = readPeriod(flags, Date.now());
  const store = await openExistingLedger(config);
  try {
    const snapshot = await prepareWithProgress({
      config,
      routesFolder: flags.routes,
      checkTargets: false,
    });
    try {
      const file = await openLabelFile(flags.out);
      try {
        const { has } = file;
        const terms = { store, period, snapshot, has, limit: flags.limit, random: seeded(period.untilMs) };
        const queue = await chooseForLabels(terms);
        if (queue.decisions === 0) return say('No decision of this period was matched. Try a longer one: --since 30d.');
        if (queue.withText === 0) throw new ShuntError('bad_data', noTextWords(config));
        if (queue.prompts.length === 0)
          return say(`All ${queue.withText} prompts of this period are in ${flags.out} already.`);
        const given = await ask({ prompts: queue.prompts, file, routes: snapshot.index.names });
        say(
          `${given} ${given === 1 ? 'label' : 'labels'} appended to ${flags.out}, which has ${file.found + given} now.`,
        );
      } finally {
        await file.close();
      }
    } finally {
      await snapshot.embedder.close();
    }
  } finally {
    await store.close();
  }
}

interface Session {
  readonly prompts: readonly ToLabel[];
  readonly file: LabelFile;
  readonly routes: readonly string[];
}

/** The number of labels given. */
async function ask({ prompts, file, routes }: Session): Promise<number> {
  const keys = openAnswerKeys(process.stdin, process.stdout);
  const answered: number[] = [];
  try {
    for (let at = 0; at < prompts.length; ) {
      show(prompts[at], { at: at + 1, of: prompts.length });
      const answer = await answerFor(prompts[at], keys, routes);
      if (answer === 'quit') break;
      if (answer === 'skip') at++;
      else if (answer === 'undo') {
        const back = answered.pop();
        if (back === undefined) say('Nothing to undo.');
        else at = back;
        if (back !== undefined) await file.undo();
      } else {
        const { text, id } = prompts[at];
        await file.append({ text, route: answer.route, id, labelled_at: new Date().toISOString() });
        say(`→ ${answer.route ?? 'none (out of scope)'}`);
        answered.push(at++);
      }
    }
  } finally {
    keys.close();
  }
  return answered.length;
}

type Answer = 'quit' | 'skip' | 'undo' | { readonly route: string | null };

/** Asks again until the answer means something. */
async function answerFor({ candidates }: ToLabel, keys: AnswerKeys, routes: readonly string[]): Promise<Answer> {
  for (;;) {
    const key = await keys.next();
    if (key === null || key === 'q') return 'quit';
    if (key === 's') return 'skip';
    if (key === 'u') return 'undo';
    if (key === 'n') return { route: null };
    const candidate = /^[1-9]$/.test(key) ? candidates[Number(key) - 1] : undefined;
    if (candidate) return { route: candidate.route };
    if (key !== 'f') {
      say(`'${key}' means nothing here: 1-${candidates.length}, n, f, s, u or q.`);
      continue;
    }
    const typed = await keys.name('route: ');
    const found = routeNamed(typed, routes);
    if (found !== null) return { route: found };
    say(typed === '' ? '' : `\n'${typed}' is not one route. The routes: ${routes.join(', ')}.`);
  }
}

/** The whole name, or a beginning that only one route has. */
function routeNamed(typed: string, routes: readonly string[]): string | null {
  if (routes.includes(typed)) return typed;
  const beginning = typed === '' ? [] : routes.filter((name) => name.startsWith(typed));
  return beginning.length === 1 ? beginning[0] : null;
}

/** A terminal is cleared for each prompt; a pipe reads on. */
function show(prompt: ToLabel, place: { readonly at: number; readonly of: number }): void {
  const { stdout } = process;
  const look = { colour: wantsColour(stdout, process.env), columns: stdout.columns ?? 100 };
  stdout.write(`${stdout.isTTY ? '\u001b[2J\u001b[H' : ''}${labelScreen(prompt, place, look)}\n`);
}

function say(words: string): void {
  process.stdout.write(`${words}\n`);
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0 && value <= 10_000) return value;
  throw new InvalidArgumentError('It must be a whole number from 1 to 10000.');
}
