/** `shunt models list | add | check | alias`: the embedding models of the registry. */
import { Command } from 'commander';
import { modelsFolder } from '../lifecycle/prepare.ts';
import { openRegistry, type Registry } from '../lifecycle/registry.ts';
import { renderTable } from '../render/table.ts';
import { readConfig, withConfigOption } from './read-config.ts';

interface AddOptions {
  readonly name?: string;
  readonly modelVersion?: string;
  readonly weights?: string;
  readonly dtype?: 'fp32' | 'fp16' | 'int8';
  readonly queryPrefix?: string;
  readonly documentPrefix?: string;
  readonly licence?: string;
  readonly alias?: string;
}

export function modelsCommand(): Command {
  const command = new Command('models').description(
    'Embedding models: list, add as downloaded, check, point an alias.',
  );
  command.addCommand(listCommand());
  command.addCommand(addCommand());
  command.addCommand(checkCommand());
  command.addCommand(aliasCommand());
  return command;
}

function listCommand(): Command {
  const command = new Command('list')
    .description('The models of the registry and their aliases.')
    .option('--json', 'print JSON');
  command.addHelpText('after', '\nExample:\n  $ shunt models list');
  return withConfigOption(command).action(async (options: { json?: boolean }) => {
    const models = await (await registryOf(command)).list();
    if (options.json) {
      process.stdout.write(`${JSON.stringify(models, null, 2)}\n`);
      return;
    }
    const rows = models.map(({ name, version, aliases, model, problem }) => [
      `${name}@${version}`,
      aliases.join(', '),
      model?.kind ?? problem ?? '',
      model ? String(model.dimensions) : '',
      model ? String(model.maxTokens) : '',
      model ? `${(model.bytes / 1_048_576).toFixed(1)} MB` : '',
      model?.licence ?? '',
      model?.fingerprint.slice(0, 19) ?? '',
    ]);
    const columns = ['model', 'aliases', 'kind', 'dimensions', 'max tokens', 'weights', 'licence', 'fingerprint'];
    process.stdout.write(
      `${renderTable(
        columns.map((title) => ({ title })),
        rows,
      )}\n`,
    );
  });
}

function addCommand(): Command {
  const command = new Command('add')
    .description(
      'Add a Hugging Face style folder (model.onnx or onnx/model.onnx, tokenizer.json, configs) to the registry.',
    )
    .argument('<dir>', 'the folder as downloaded')
    .option('--name <NAME>', "default: the folder's name")
    .option('--model-version <V>', 'default: the next number')
    .option('--weights <FILE>', 'which ONNX file, relative to the folder, when there are several')
    .option('--dtype <TYPE>', 'fp32, fp16 or int8, when there are several')
    .option('--query-prefix <TEXT>', 'put before a prompt ("query: " for e5)')
    .option('--document-prefix <TEXT>', 'put before a document ("passage: " for e5)')
    .option('--licence <NAME>', 'licence of the weights, for the card')
    .option('--alias <NAME>', 'point this alias at the model, once it is in')
    .addHelpText('after', '\nExample:\n  $ shunt models add ./all-MiniLM-L6-v2 --licence Apache-2.0 --alias default');
  return withConfigOption(command).action(async (folder: string, options: AddOptions) => {
    const registry = await registryOf(command);
    const { modelVersion, alias, ...rest } = options;
    const added = await registry.add(folder, { ...rest, version: modelVersion });
    process.stdout.write(
      `added ${added.reference}: ${added.dimensions} dimensions, ${added.inline ? 'runs inline' : 'runs in a worker'}\n`,
    );
    for (const note of added.notes) process.stdout.write(`note: ${note}\n`);
    if (alias !== undefined) await point(registry, alias, added.reference);
  });
}

function checkCommand(): Command {
  const command = new Command('check')
    .description('Compare digests, dimensions and golden probe vectors with the card; exit 1 when a model fails.')
    .argument('[model]', 'alias, name or name@version; all of them when absent')
    .addHelpText('after', '\nExample:\n  $ shunt models check default');
  return withConfigOption(command).action(async (reference: string | undefined) => {
    const checks = await (await registryOf(command)).check(reference);
    for (const check of checks) {
      const probes = check.probes
        ? `, ${check.probes.probes} probes, worst cosine ${check.probes.worst.toFixed(6)}`
        : '';
      const verdict = check.problems.length === 0 ? 'ok' : 'FAILED';
      process.stdout.write(`${verdict}  ${check.reference}  ${check.fingerprint ?? ''}${probes}\n`);
      for (const problem of check.problems) process.stdout.write(`        ${problem}\n`);
    }
    if (checks.some((check) => check.problems.length > 0)) process.exitCode = 1;
  });
}

function aliasCommand(): Command {
  const command = new Command('alias')
    .description('Point an alias at a model. The route index is rebuilt with it at the next start or reload.')
    .argument('<alias>')
    .argument('<model>', 'name or name@version')
    .option('--note <TEXT>', 'why, for the history', 'shunt models alias')
    .addHelpText('after', '\nExample:\n  $ shunt models alias default shunt-mini@1 --note "back to the shipped model"');
  return withConfigOption(command).action(async (alias: string, model: string, options: { note: string }) => {
    await point(await registryOf(command), alias, model, options.note);
  });
}

async function point(registry: Registry, alias: string, model: string, note = 'shunt models add'): Promise<void> {
  const { active, previous } = await registry.point(alias, model, note);
  process.stdout.write(`${alias} → ${active}${previous ? ` (was ${previous})` : ''}\n`);
}

async function registryOf(command: Command): Promise<Registry> {
  return openRegistry(modelsFolder(await readConfig(command)));
}
