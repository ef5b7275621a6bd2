import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createEmbedder } from '../../src/embedding/create-embedder.ts';
import { changeAlias } from '../../src/lifecycle/aliases.ts';
import { openRegistry } from '../../src/lifecycle/registry.ts';
import {
  bagGraph,
  ownFiles,
  type Shape,
  staticFiles,
  temporaryFolder,
  transformerFiles,
  writeFolder,
} from '../embedding/tiny-models.ts';

const shape: Shape = { inputs: ['attention_mask'], output: 'tokens', weights: 'fp32' };
const clock = { now: () => Date.UTC(2026, 0, 2), monotonic: () => 0 };

/** A models folder with tiny@1, tiny@2, tiny@10 and the alias default → tiny@1. */
function modelsFolder(): string {
  const root = temporaryFolder();
  for (const version of [1, 2, 10])
    writeFolder(ownFiles({ version, max_tokens: 30 + version }), join(root, 'tiny', String(version)));
  writeFileSync(join(root, 'aliases.yaml'), 'default: { active: tiny@1 }\n');
  return root;
}

describe('resolving a model', () => {
  it('takes an alias, a name with its version, or a name for its highest version', async () => {
    const registry = await openRegistry(modelsFolder());
    const versionOf = async (reference: string) => (await registry.resolve(reference)).version;
    expect(await versionOf('default')).toBe('1');
    expect(await versionOf('tiny@2')).toBe('2');
    expect(await versionOf('tiny')).toBe('10');
  });

  it('names what there is when it finds nothing', async () => {
    const root = modelsFolder();
    const registry = await openRegistry(root);
    await expect(registry.resolve('tinny')).rejects.toThrow(
      /no embedding model tinny .* it has default, tiny@1, tiny@2, tiny@10/,
    );
    await expect(registry.resolve('../tiny@1')).rejects.toMatchObject({ code: 'bad_model' });
    writeFileSync(join(root, 'aliases.yaml'), 'default: { active: gone@1 }\n');
    await expect(registry.resolve('default')).rejects.toThrow(
      /no embedding model gone@1 \(which the alias default names\)/,
    );
  });

  it('gives a model that embeds', async () => {
    const registry = await openRegistry(modelsFolder());
    const embedder = await createEmbedder(await registry.resolve('default'), { alias: 'default' });
    expect(embedder.identity).toMatchObject({
      alias: 'default',
      name: 'tiny',
      version: '1',
      fingerprint: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    });
    expect(embedder.embedInline?.('hello world').tokens).toBe(2);
  });

  it('refuses a folder that is not there, and an aliases file that is none', async () => {
    await expect(openRegistry('/nowhere/models')).rejects.toThrow(/routing\.models_dir/);
    const root = modelsFolder();
    writeFileSync(join(root, 'aliases.yaml'), 'default: tiny\n');
    await expect((await openRegistry(root)).resolve('default')).rejects.toThrow(
      /aliases\.yaml cannot be used: default/,
    );
  });
});

describe('the fingerprint', () => {
  const printOf = async (root: string, reference = 'tiny@1') =>
    (await (await openRegistry(root)).resolve(reference)).fingerprint;

  it('is the same for a copy of the model under another name and alias', async () => {
    const root = modelsFolder();
    writeFolder(ownFiles({ name: 'copy', max_tokens: 31 }), join(root, 'copy', '1'));
    expect(await printOf(root, 'copy@1')).toBe(await printOf(root));
    expect(await printOf(root, 'default')).toBe(await printOf(root));
  });

  it.each([
    {
      what: 'the weights',
      change: (folder: string) => appendFileSync(join(folder, 'model.onnx'), Buffer.from([0x12, 0])),
    },
    { what: 'the tokenizer', change: (folder: string) => appendFileSync(join(folder, 'tokenizer.json'), ' ') },
    {
      what: 'a tokenizer config',
      change: (folder: string) => writeFileSync(join(folder, 'tokenizer_config.json'), '{}'),
    },
    { what: 'a prefix', change: (folder: string) => writeCard(folder, { prefixes: { query: 'q: ' } }) },
    { what: 'the length', change: (folder: string) => writeCard(folder, { max_tokens: 99 }) },
    { what: 'the truncation', change: (folder: string) => writeCard(folder, { truncation: 'middle' }) },
  ])('changes with $what', async ({ change }) => {
    const root = modelsFolder();
    const before = await printOf(root);
    change(join(root, 'tiny', '1'));
    expect(await printOf(root)).not.toBe(before);
  });

  it('does not change with what changes no vector', async () => {
    const root = modelsFolder();
    const before = await printOf(root);
    writeCard(join(root, 'tiny', '1'), { max_tokens: 31, licence: 'MIT', figures: { any: 1 } });
    utimesSync(join(root, 'tiny', '1', 'model.onnx'), 1, 1);
    expect(await printOf(root)).toBe(before);
  });
});

describe('adding a model as downloaded', () => {
  it('copies it with a card, digests and golden probes, and it resolves, runs and checks', async () => {
    const root = modelsFolder();
    const registry = await openRegistry(root);
    const source = writeFolder(transformerFiles(shape, { 'sentence_bert_config.json': { max_seq_length: 40 } }));
    const added = await registry.add(source, { name: 'mini-lm', queryPrefix: 'hello ', licence: 'Apache-2.0' });
    expect(added).toMatchObject({ reference: 'mini-lm@1', inline: false, dimensions: 8 });
    rmSync(source, { recursive: true });
    expect(readdirSync(added.folder).sort()).toEqual([
      'model.onnx',
      'model.yaml',
      'probes.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    const model = await registry.resolve('mini-lm');
    expect(model.spec).toMatchObject({ maxTokens: 40, pooling: 'mean', prefixes: { query: 'hello ', document: '' } });
    expect(model.spec.probes.length).toBeGreaterThanOrEqual(16);
    expect(await registry.check('mini-lm')).toEqual([
      expect.objectContaining({ reference: 'mini-lm@1', problems: [] }),
    ]);
  });

  it('numbers the next version, and never replaces one', async () => {
    const registry = await openRegistry(modelsFolder());
    const source = writeFolder(staticFiles(bagGraph()));
    const added = await registry.add(source, { name: 'tiny' });
    expect(added).toMatchObject({ reference: 'tiny@11', inline: true });
    await expect(registry.add(source, { name: 'tiny', version: '2' })).rejects.toThrow(/exists already/);
  });

  it('leaves nothing behind when the model cannot be used', async () => {
    const root = modelsFolder();
    const registry = await openRegistry(root);
    await expect(
      registry.add(writeFolder({ ...transformerFiles(shape), 'onnx/model.onnx': 'x' }), { name: 'broken' }),
    ).rejects.toMatchObject({ code: 'bad_model' });
    await expect(registry.add(writeFolder(staticFiles(bagGraph())), { name: 'not a name' })).rejects.toThrow(
      /name: must be letters/,
    );
    expect((await registry.list()).map(({ name }) => name)).toEqual(['tiny', 'tiny', 'tiny']);
    expect(readdirSync(root).filter((name) => existsSync(join(root, name, '1')))).toEqual(['tiny']);
  });
});

describe('checking models', () => {
  it('finds a changed file, a missing one, and vectors that differ', async () => {
    const root = modelsFolder();
    const registry = await openRegistry(root);
    const { folder } = await registry.add(writeFolder(staticFiles(bagGraph())), { name: 'bag' });
    const tokenizer = join(folder, 'tokenizer.json');
    writeFileSync(
      tokenizer,
      readFileSync(tokenizer, 'utf8').replace('"hello":14', '"hello":15').replace('"world":15', '"world":14'),
    );
    const [changed] = await registry.check('bag');
    expect(changed.problems.join('\n')).toMatch(/tokenizer\.json has digest sha256:/);
    rmSync(join(folder, 'probes.json'));
    const [missing] = await registry.check('bag');
    expect(missing.problems.join('\n')).toMatch(/probes\.json, which is missing/);
  });

  it('looks at every model when none is named, and says when one has no probes', async () => {
    const registry = await openRegistry(modelsFolder());
    const checks = await registry.check();
    expect(checks.map(({ reference, problems }) => [reference, problems])).toEqual(
      ['tiny@1', 'tiny@2', 'tiny@10'].map((reference) => [reference, ['its card has no golden probes']]),
    );
  });
});

describe('listing models', () => {
  it('tells aliases and sizes, and a broken card beside the good ones', async () => {
    const root = modelsFolder();
    writeFileSync(join(root, 'tiny', '2', 'model.yaml'), 'name: [');
    const list = await (await openRegistry(root)).list();
    expect(list.map(({ version, aliases, problem }) => [version, aliases, problem === null])).toEqual([
      ['1', ['default'], true],
      ['2', [], false],
      ['10', [], true],
    ]);
    expect(list[0].model).toMatchObject({ kind: 'static', dimensions: 8 });
    expect(list[0].model?.bytes).toBeGreaterThan(100);
  });
});

describe('pointing an alias', () => {
  it('counts the generations and remembers the one before', async () => {
    const root = modelsFolder();
    const registry = await openRegistry(root, clock);
    await registry.point('default', 'tiny@2', 'trial');
    const after = await registry.point('default', 'tiny', 'all of it');
    expect(after).toEqual({
      active: 'tiny@10',
      previous: 'tiny@2',
      generation: 3,
      history: [
        { generation: 2, model: 'tiny@2', at: '2026-01-02T00:00:00.000Z', note: 'trial' },
        { generation: 3, model: 'tiny@10', at: '2026-01-02T00:00:00.000Z', note: 'all of it' },
      ],
    });
    expect((await registry.resolve('default')).version).toBe('10');
    expect(await registry.aliases()).toEqual({ default: after });
    expect(readdirSync(root).filter((name) => name.includes('.tmp'))).toEqual([]);
  });

  it('makes a new alias, and refuses a model that is not there', async () => {
    const registry = await openRegistry(modelsFolder(), clock);
    expect(await registry.point('trial', 'tiny@2', '')).toMatchObject({
      active: 'tiny@2',
      previous: null,
      generation: 1,
    });
    await expect(registry.point('trial', 'tiny@3', '')).rejects.toThrow(/no embedding model tiny@3/);
  });

  it('refuses a change that was decided on an older generation', async () => {
    const root = modelsFolder();
    const change = { alias: 'default', model: 'tiny@2', seenGeneration: 1, at: '2026-01-02T00:00:00.000Z', note: '' };
    await changeAlias(root, change);
    await expect(changeAlias(root, change)).rejects.toThrow(/has changed meanwhile \(now generation 2, tiny@2\)/);
  });
});

/** Rewrites the card of tiny@1 with other values. */
function writeCard(folder: string, values: object): void {
  writeFileSync(join(folder, 'model.yaml'), String(ownFiles({ version: 1, max_tokens: 31, ...values })['model.yaml']));
}
