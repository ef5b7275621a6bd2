/** `shunt index status | rebuild`: what the route index was built with and from, and building it afresh. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { stateFolder } from '../config/state-folder.ts';
import { prepareWithProgress } from './index-progress.ts';
import { readConfig, withConfigOption } from './read-config.ts';

interface IndexOptions {
  readonly routes?: string;
  readonly json?: boolean;
}

export function indexCommand(): Command {
  const command = new Command('index').description('The route index: vectors, prototypes and their manifest.');
  for (const [name, description] of [
    ['status', 'Show the manifest of the route index; builds it when there is none that fits.'],
    ['rebuild', 'Throw stored indexes away and build afresh. A running proxy takes it at its next reload (SIGHUP).'],
  ] as const) {
    const sub = command
      .command(name)
      .description(description)
      .option('-r, --routes <DIR>', 'folder of route cards, instead of routing.routes')
      .option('--json', 'print JSON')
      .addHelpText('after', `\nExample:\n  $ shunt index ${name}`);
    withConfigOption(sub).action((options: IndexOptions) => show(sub, options, name === 'rebuild'));
  }
  return command;
}

async function show(command: Command, options: IndexOptions, rebuild: boolean): Promise<void> {
  const config = await readConfig(command);
  if (rebuild) await rm(join(stateFolder(config), 'index'), { recursive: true, force: true });
  let how = '';
  const snapshot = await prepareWithProgress({
    config,
    routesFolder: options.routes,
    checkTargets: false,
    onNotice: (message, fields) => {
      if ('ms' in fields) how = `${message} in ${String(fields.ms)} ms`;
    },
  });
  const { manifest, staleCalibration } = snapshot.index;
  const { identity } = snapshot.embedder;
  await snapshot.embedder.close();
  if (options.json) {
    process.stdout.write(
      `${JSON.stringify({ snapshot: snapshot.id, embedding: identity, manifest, stale_calibration: staleCalibration }, null, 2)}\n`,
    );
    return;
  }
  const percent = (share: number | null) => (share === null ? 'not measured' : `${(share * 100).toFixed(1)}%`);
  const lines: [string, string][] = [
    ['snapshot', `${snapshot.id} (${how})`],
    ['embedding', `${identity.alias} = ${identity.name}@${identity.version}, ${identity.dimensions} dimensions`],
    ['fingerprint', manifest.fingerprint],
    ['routes, items', `${manifest.routes}, ${manifest.items}`],
    ['created', new Date(manifest.created).toISOString()],
    ['lexical weight', String(manifest.settings.lexicalWeight)],
    [
      'own examples, left out',
      `centroid ${percent(manifest.quality.leaveOneOutAccuracy)}, refined ${percent(manifest.quality.crossFitAccuracy)}`,
    ],
    ['default threshold', manifest.defaultThreshold.toFixed(3)],
    ['calibration', staleCalibration === null ? 'none, or applied' : `not applied: ${staleCalibration}`],
  ];
  process.stdout.write(`${lines.map(([key, value]) => `${key.padEnd(24)}${value}`).join('\n')}\n`);
}
