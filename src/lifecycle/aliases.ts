/**
 * `models/aliases.yaml`: alias → the embedding model that it stands for now and stood for before. The file is replaced
 * whole (temporary file, fsync, rename), so a reader sees the old one or the new one, never half of it. Each change counts
 * the generation up and appends to the history; a change says which generation it saw, and is refused when another came
 * between. Two processes writing within the same millisecond are not told apart: one operator changes an alias.
 */
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parse as parseYaml, stringify as toYaml } from 'yaml';
import { z } from 'zod';
import { messageOf, ShuntError } from '../base/errors.ts';

const reference = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*@[A-Za-z0-9][A-Za-z0-9._-]*$/, 'must be name@version');

const change = z.strictObject({
  generation: z.number().int(),
  model: reference,
  at: z.string(),
  note: z.string().default(''),
});

const aliasSchema = z.strictObject({
  active: reference,
  previous: reference.nullable().default(null),
  generation: z.number().int().positive().default(1),
  /** Oldest first. */
  history: z.array(change).default([]),
});

const fileSchema = z.record(
  z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'must be letters, digits and . _ -'),
  aliasSchema,
);

export type Alias = Readonly<z.output<typeof aliasSchema>>;
export type Aliases = Readonly<Record<string, Alias>>;

export interface AliasChange {
  readonly alias: string;
  /** `name@version`. */
  readonly model: string;
  /** The generation that the change was decided on; 0 for a new alias. */
  readonly seenGeneration: number;
  /** ISO 8601. */
  readonly at: string;
  readonly note: string;
}

const header =
  '# alias: the embedding model that it stands for. `shunt models` writes this file; every change is a generation.\n';

/** No file: no aliases. Throws `bad_model` on a faulty one. */
export async function readAliases(modelsFolder: string): Promise<Aliases> {
  const file = aliasFile(modelsFolder);
  try {
    return fileSchema.parse(parseYaml(await readFile(file, 'utf8')) ?? {});
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    const words =
      error instanceof z.ZodError
        ? error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')
        : messageOf(error);
    throw new ShuntError(
      'bad_model',
      `${file} cannot be used: ${words}. Mend it; its form is \`default: { active: name@version }\`.`,
      { cause: error },
    );
  }
}

/** Throws `bad_model` when the alias has changed since `seenGeneration`. */
export async function changeAlias(modelsFolder: string, wanted: AliasChange): Promise<Alias> {
  const aliases = await readAliases(modelsFolder);
  const before = aliases[wanted.alias];
  const generation = before?.generation ?? 0;
  if (generation !== wanted.seenGeneration) {
    const now = before ? `generation ${generation}, ${before.active}` : 'gone';
    throw new ShuntError(
      'bad_model',
      `The alias ${wanted.alias} has changed meanwhile (now ${now}). Look at it again with \`shunt models list\`.`,
    );
  }
  const entry = { generation: generation + 1, model: wanted.model, at: wanted.at, note: wanted.note };
  const after: Alias = {
    active: wanted.model,
    previous: before?.active ?? null,
    generation: entry.generation,
    history: [...(before?.history ?? []), entry],
  };
  await replaceFile(aliasFile(modelsFolder), header + toYaml({ ...aliases, [wanted.alias]: after }));
  return after;
}

function aliasFile(modelsFolder: string): string {
  return join(modelsFolder, 'aliases.yaml');
}

async function replaceFile(file: string, content: string): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    const handle = await open(temporary, 'w');
    await handle.writeFile(content);
    // Without it a power cut may leave the new name with no content.
    await handle.sync();
    await handle.close();
    await rename(temporary, file);
    const folder = await open(dirname(file), 'r');
    await folder.sync();
    await folder.close();
  } catch (error) {
    await rm(temporary, { force: true });
    throw new ShuntError(
      'bad_model',
      `${file} cannot be written: ${messageOf(error)}. Check the permissions of the folder.`,
      { cause: error },
    );
  }
}
