import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { messageOf } from '../../src/base/errors.ts';
import { type LoadRoutesOptions, loadRoutes } from '../../src/routing/load.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shunt-routes-'));
});
afterEach(() => rm(folder, { recursive: true }));

const sound = 'name: hello\nexamples: [hi, hello there]\n';

async function write(files: Record<string, string | Buffer>) {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
}

function load(options: LoadRoutesOptions = {}) {
  return loadRoutes(folder, options);
}

/** Every fault on a line of its own, with paths from the folder. */
async function faultsOf(files: Record<string, string | Buffer>, options: LoadRoutesOptions = {}): Promise<string[]> {
  await write(files);
  const message = await load(options).then(() => 'loads', messageOf);
  return message.replaceAll(`${folder}/`, '').split('\n');
}

describe('a sound folder of cards', () => {
  it('becomes routes in order of name, whatever the files are called', async () => {
    await write({ '1.yaml': 'name: zebra\nexamples: [z]', '2.yml': 'name: ant\nexamples: [a]', '3.YAML': sound });
    const { routes, warnings } = await load();
    expect(routes.map((route) => route.name)).toEqual(['ant', 'hello', 'zebra']);
    expect(warnings).toEqual([]);
  });

  it('fills what a card leaves open, and keeps zero apart from unset', async () => {
    await write({ 'a.yaml': sound, 'b.yaml': 'name: b\nexamples: [b]\nthreshold: 0\nmargin: 0\nreject_below: 0' });
    const { routes } = await load();
    expect(routes[1]).toEqual({
      name: 'hello',
      description: '',
      owner: '',
      file: join(folder, 'a.yaml'),
      target: null,
      examples: ['hi', 'hello there'],
      counterExamples: [],
      threshold: null,
      margin: null,
      rejectBelow: null,
      answer: null,
      cache: { mode: 'none', forced: false, tool_loop: false },
      addedLatencyP99Ms: null,
      evaluation: null,
      embedding: 'default',
      rollback: 'previous',
    });
    expect(routes[0]).toMatchObject({ threshold: 0, margin: 0, rejectBelow: 0 });
  });

  it('cannot be changed', async () => {
    await write({ 'a.yaml': sound });
    const { routes } = await load();
    expect([routes, routes[0], routes[0]?.examples, routes[0]?.cache].every(Object.isFrozen)).toBe(true);
  });

  it('is read without its subfolders, hidden files and other files, and through links', async () => {
    await mkdir(join(folder, 'archive.yaml'));
    await mkdir(join(folder, 'real'));
    await write({ '.a.yaml': 'x: [', 'a.yaml~': 'x: [', 'notes.md': 'x: [', 'real/hello.yaml': sound });
    await symlink(join('real', 'hello.yaml'), join(folder, 'hello.yaml'));
    expect((await load()).routes.map((route) => route.name)).toEqual(['hello']);
  });

  it('keeps examples as text, variables in them too', async () => {
    await write({ 'a.yaml': `name: a\nexamples: ["echo \${HOME}", "  spaced  ", "off"]` });
    expect((await load()).routes[0]?.examples).toEqual([`echo \${HOME}`, 'spaced', 'off']);
  });

  it('may name targets that do not resolve when nobody asks for them', async () => {
    await write({ 'a.yaml': `${sound}target: somewhere` });
    expect((await load({ modelNames: null })).routes[0]?.target).toBe('somewhere');
    await expect(load({ modelNames: ['small'] })).rejects.toThrow('a.yaml:3 target = somewhere: is not a model');
  });
});

describe('a file of examples', () => {
  it('is read beside the card, with a byte order mark, Windows line ends and other fields', async () => {
    await mkdir(join(folder, 'data'));
    await write({
      'a.yaml': 'name: a\nexamples: [inline]\nexamples_file: data/a.jsonl',
      'data/a.jsonl': '\ufeff{"text": "one", "route": "a"}\r\n\r\n{"text": " two "}\r\n',
    });
    expect((await load()).routes[0]?.examples).toEqual(['inline', 'one', 'two']);
  });

  it('is at fault line by line', async () => {
    const rows = '{"text": "fine"}\n{"text": \n["text"]\n{"text": 5}\n{"text": " "}\n';
    expect(await faultsOf({ 'a.yaml': 'name: a\nexamples_file: a.jsonl', 'a.jsonl': rows })).toEqual([
      'a.jsonl:2: is not a JSON object on one line. Write {"text": "…"}.',
      'a.jsonl:3: has no text. Write {"text": "…"} with some words.',
      'a.jsonl:4: has no text. Write {"text": "…"} with some words.',
      'a.jsonl:5: has no text. Write {"text": "…"} with some words.',
    ]);
  });

  it('must be there and hold something', async () => {
    const files = {
      'a.yaml': 'name: a\nexamples_file: none.jsonl',
      'b.yaml': 'name: b\nexamples_file: b.jsonl',
      'b.jsonl': '\n',
    };
    expect(await faultsOf(files)).toEqual([
      'a.yaml:2 examples_file = none.jsonl: does not exist. Write the path from the card.',
      'b.jsonl: has no examples. Add one {"text": "…"} a line.',
    ]);
  });
});

describe('faulty cards', () => {
  it('are reported together, over all files', async () => {
    const faults = await faultsOf(
      {
        'a.yaml': 'name: off\nexampels: [x]\n',
        'b.yaml': 'name: b\nexamples: [x]\ntarget: smal\nthreshold: { precison: 0.9 }\n',
        'c.yaml': 'name: "c d"\nexamples: [1, ""]\ncache: { mode: fuzzy }\n',
        'd.yaml': 'name: auto\nexamples: [x]\ntarget: smal\n',
        'e.yaml': 'name: e\nexamples: [x\n',
      },
      { modelNames: ['small', 'large'] },
    );
    expect(faults).toEqual([
      'a.yaml:2 exampels: is not a known key. Did you mean examples?',
      'b.yaml:4 threshold.precison: is not a known key. Did you mean precision?',
      'c.yaml:1 name = "c d": must be letters, digits and . _ - (at most 100). Correct it.',
      'c.yaml:2 examples[0] = 1: must be text, not a number. Put it in quotes.',
      'c.yaml:2 examples[1] = "": is empty. Write some text.',
      'c.yaml:3 cache.mode = fuzzy: must be one of none, exact, semantic. Write one of them; the default is none.',
      'd.yaml:1 name = auto: is a reserved name (fallback, off, auto, none). Choose another name.',
      'd.yaml:3 target = smal: is not a model of the config. Did you mean small?',
      expect.stringMatching(/^e\.yaml:3: is not YAML: /),
    ]);
  });

  it.each([
    ['no examples', 'name: a\ntarget: small\n', 'a.yaml:1 examples: has no examples. Add at least one prompt'],
    ['an empty list', 'name: a\nexamples: []\n', 'a.yaml:2 examples: has no examples. Add at least one prompt'],
    ['a list not yet written', 'name: a\nexamples:\n', 'a.yaml:2 examples: has no examples. Add at least one prompt'],
    ['no name', 'examples: [x]\n', 'a.yaml:1 name: is missing. Add name.'],
    ['nothing in it', '', 'a.yaml: is empty. Give it a name and examples, or remove the file.'],
    ['half a save', 'name: a\nexam', 'a.yaml:2: is not YAML'],
    ['bytes that are not text', Buffer.from([0xc3, 0x28]), 'a.yaml: is not UTF-8 text. Save it as UTF-8.'],
    ['a list at the top', '- a\n', 'a.yaml:1: must be a mapping, not a list. Write a mapping.'],
  ])('with %s say so', async (_, text, expected) => {
    expect((await faultsOf({ 'a.yaml': text })).join('\n')).toContain(expected);
  });

  it('with the same name both are named', async () => {
    expect(await faultsOf({ 'a.yaml': sound, 'b.yaml': `# copy\n${sound}` })).toEqual([
      'b.yaml:2 name = hello: is also the name of a.yaml:1. Rename one of the two.',
    ]);
  });

  it('that name an evaluation set which is not there fail only where that is asked', async () => {
    const card = { 'a.yaml': `${sound}eval: eval/a.jsonl` };
    expect(await faultsOf(card)).toEqual(['loads']);
    expect(await faultsOf(card, { evaluationSets: 'must-exist' })).toEqual([
      'a.yaml:3 eval = eval/a.jsonl: does not exist. Write the path from the card, or remove the key.',
    ]);
  });
});

describe('a folder', () => {
  it('without cards, or that is not there, is a fault with a fix', async () => {
    await expect(load()).rejects.toThrow('holds no route cards (*.yaml). Put one card a route in it');
    await expect(loadRoutes(join(folder, 'none'))).rejects.toThrow('none: does not exist. Put one card');
    await write({ file: '' });
    await expect(loadRoutes(join(folder, 'file'))).rejects.toThrow('file: is not a folder.');
  });
});

describe('repeated examples', () => {
  it('are warned of within a card, over cards, and against counter-examples; a repeat counts once', async () => {
    await write({
      'a.yaml': 'name: a\nexamples:\n  - hi\n  - hi\n  - bye\ncounter_examples: [Bye]\n',
      'b.yaml': 'name: b\nexamples: [ "Hi" ]\n',
    });
    const { routes, warnings } = await load();
    expect(routes[0]?.examples).toEqual(['hi', 'bye']);
    expect(warnings.map((warning) => warning.replaceAll(`${folder}/`, ''))).toEqual([
      'a.yaml:4 a example = "hi": is already at a.yaml:3. Remove the repeat.',
      'a.yaml:5 a example = "bye": is a counter-example of the same card. Remove one of the two.',
      'b.yaml:2 b example = "Hi": is also an example of a (a.yaml:3). Keep it in one of the two.',
    ]);
  });
});

describe('the shipped cards', () => {
  it('are sound, without warnings', async () => {
    const shipped = join(import.meta.dirname, '..', '..', 'routes');
    const { routes, warnings } = await loadRoutes(shipped, { modelNames: ['small', 'large'] });
    expect(routes.length).toBeGreaterThanOrEqual(12);
    expect(warnings).toEqual([]);
  });
});
