/** `shunt route "PROMPT"`: one decision, explained, without calling a backend. */
import { Command } from 'commander';
import { systemClock } from '../base/clock.ts';
import { snakeCase } from '../base/snake-case.ts';
import { type Explanation, explain } from '../gateway/explain.ts';
import { bar, renderTable } from '../render/table.ts';
import type { ThresholdPromise } from '../routing/decision.ts';
import { prepareWithProgress } from './index-progress.ts';
import { readConfig, withConfigOption } from './read-config.ts';
import { readStandardInput } from './standard-input.ts';

interface RouteOptions {
  readonly routes?: string;
  readonly json?: boolean;
}

export function routeCommand(): Command {
  const command = new Command('route')
    .description('Show where a prompt would go, and why. No backend is called.')
    .argument('<prompt>', 'the prompt; - reads it from standard input')
    .option('-r, --routes <DIR>', 'folder of route cards, instead of routing.routes')
    .option('--json', 'print the decision as one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  $ shunt route "Translate to French: good morning"
  $ shunt route --json "Prove that the square root of 2 is irrational" | jq .reason
  $ shunt route - < long-prompt.txt`,
    );
  return withConfigOption(command).action((prompt: string, options: RouteOptions) => route(command, prompt, options));
}

async function route(command: Command, prompt: string, options: RouteOptions): Promise<void> {
  const config = await readConfig(command);
  const text = prompt === '-' ? await readStandardInput() : prompt;
  const snapshot = await prepareWithProgress({
    config,
    routesFolder: options.routes,
    checkTargets: options.routes === undefined,
  });
  try {
    // The first decision of a process runs cold code; the figures shown are those of the second.
    const step = { config, snapshot, clock: systemClock };
    await explain(step, { text: `${text} `, chat: null });
    const explanation = await explain(step, { text, chat: null });
    process.stdout.write(options.json ? `${JSON.stringify(snakeCase(explanation), null, 2)}\n` : describe(explanation));
  } finally {
    await snapshot.embedder.close();
  }
}

function describe(decision: Explanation): string {
  const { embedding, timings_ms: timings } = decision;
  const lines = [
    headline(decision),
    '',
    renderTable(
      [
        { title: 'route' },
        { title: 'score', align: 'right' },
        { title: '' },
        { title: 'needs', align: 'right' },
        { title: 'dense', align: 'right' },
        { title: 'lexical', align: 'right' },
        { title: 'refined', align: 'right' },
        { title: 'nearest', align: 'right' },
        { title: 'counter', align: 'right' },
      ],
      decision.candidates
        .slice(0, 5)
        .map(({ route, score, threshold, thresholdOn, parts, passes }) => [
          passes ? `${route} ✓` : route,
          score.toFixed(3),
          bar(score, 1, 20),
          `${thresholdOn === 'cosine' ? 'cos ' : ''}${threshold.toFixed(3)}`,
          parts?.dense.toFixed(3) ?? '',
          parts?.lexical.toFixed(3) ?? '',
          parts?.refined.toFixed(3) ?? '',
          parts?.nearest.toFixed(3) ?? '',
          parts?.counter.toFixed(3) ?? '',
        ]),
    ),
    '',
    'Nearest examples',
    ...decision.nearest
      .slice(0, 5)
      .map((near) => `  ${near.similarity.toFixed(3)}  ${near.route}  ${oneLine(near.text)}`),
    '',
    `margin ${decision.margin.toFixed(3)} · in scope ${decision.in_scope.toFixed(3)} · ${promiseWords(decision.promise)}`,
    `embed ${timings.embed.toFixed(3)} ms · match ${timings.match.toFixed(3)} ms · ${decision.tokens} tokens${decision.truncated ? ' (truncated)' : ''}`,
    `embedding ${embedding.alias} = ${embedding.name}@${embedding.version} · snapshot ${decision.snapshot}`,
    '',
  ];
  return lines.join('\n');
}

function headline(decision: Explanation): string {
  if (decision.route !== null)
    return `${decision.route} → model '${decision.target}' (${decision.reason}, score ${decision.score.toFixed(3)})`;
  return `fallback → model '${decision.target}' (${decision.reason})`;
}

function promiseWords(promise: ThresholdPromise): string {
  if (promise.precision === null) return 'no precision was promised';
  const missing = promise.missingRows === null ? '' : `: ${promise.missingRows} more labelled rows are needed`;
  if (promise.scope !== 'none') {
    const kept = `threshold keeps precision ${promise.precision} (${promise.scope}, 95% bound)`;
    return promise.asked === undefined ? kept : `${kept}; the card's ${promise.asked} is not proven${missing}`;
  }
  return `precision ${promise.precision} is not proven${missing} (shunt tune)`;
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length > 90 ? `${line.slice(0, 89)}…` : line;
}
