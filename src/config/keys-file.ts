/**
 * The file of virtual keys that `shunt keys` writes and the proxy watches: who may come in changes without a change of
 * `shunt.yaml`, and without a restart. It holds hashes and limits, never a key.
 *
 * A change is made under a lock and put in place whole by a rename, readable for its owner only: two commands at once
 * lose nothing, and a proxy never reads half a file.
 */
import { chmod, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stringify } from 'yaml';
import type { z } from 'zod';
import { ShuntError } from '../base/errors.ts';
import { type Fault, FaultList } from '../base/fault.ts';
import { checkSchema } from './check-schema.ts';
import { faultAt } from './faults.ts';
import { type keySchema, keysFileSchema } from './key-schema.ts';
import type { Config, KeyConfig } from './schema.ts';
import { parseYaml, readText, type YamlFile } from './yaml-file.ts';

export const defaultKeysFile = '.shunt/keys.yaml';

/** A key as it stands in the file. */
export type WrittenKey = z.input<typeof keySchema>;

export interface KeysFile {
  readonly present: boolean;
  readonly keys: readonly KeyConfig[];
  readonly faults: readonly Fault[];
}

const lockTries = 40;
const lockWaitMs = 50;

/** `others`: keys from elsewhere, whose names and hashes may not be given again. */
export async function readKeysFile(path: string, others: readonly KeyConfig[] = []): Promise<KeysFile> {
  const source = await readSource(path);
  if (source === null) return { present: false, keys: [], faults: [] };
  if ('problem' in source) return { present: true, keys: [], faults: [source] };
  if (!source.usable) return { present: true, keys: [], faults: source.faults };
  const checked = checkSchema(keysFileSchema, { source, data: source.data ?? {} });
  const keys = checked.value?.keys ?? [];
  return { present: true, keys, faults: [...source.faults, ...checked.faults, ...repeated(source, keys, others)] };
}

/** The config with the keys that the file has now; null when the file cannot be used as it is. */
export async function withKeysFile(config: Config): Promise<Config | null> {
  const { auth, stored_keys: before } = config;
  const own = auth.keys.filter((key) => !before.includes(key));
  const { present, keys, faults } = await readKeysFile(config.keys_file, own);
  if (faults.length > 0) return null;
  const keysRequired = config.keys_required || present;
  return { ...config, auth: { ...auth, keys: [...own, ...keys] }, stored_keys: keys, keys_required: keysRequired };
}

/**
 * Reads the keys as written, lets `change` make the new list, and puts that in the file's place. Throws a `FaultList`
 * for a file that cannot be read as it is, and whatever `change` throws; then nothing is written.
 */
export async function changeKeysFile(
  path: string,
  change: (keys: readonly WrittenKey[]) => readonly WrittenKey[],
): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const unlock = await lock(`${path}.lock`);
  try {
    const { faults } = await readKeysFile(path);
    if (faults.length > 0) throw new FaultList(faults);
    const source = await readSource(path);
    const written = source !== null && 'data' in source ? (source.data as { keys?: WrittenKey[] } | null)?.keys : [];
    await replace(path, textOf(change(written ?? [])));
  } finally {
    await unlock();
  }
}

async function readSource(path: string): Promise<YamlFile | Fault | null> {
  const shown = relative(process.cwd(), path) || path;
  const text = await readText(path, shown.startsWith('..') ? path : shown);
  if (text === 'absent') return null;
  return typeof text === 'object' ? text : parseYaml(text, path);
}

function repeated(source: YamlFile, keys: readonly KeyConfig[], others: readonly KeyConfig[]): Fault[] {
  const seen = { name: new Set(others.map((key) => key.name)), hash: new Set(others.map((key) => key.hash)) };
  return keys.flatMap((key, at) =>
    (['name', 'hash'] as const).flatMap((field) => {
      if (!seen[field].has(key[field])) {
        seen[field].add(key[field]);
        return [];
      }
      const wording = { problem: 'is that of another key too, here or in auth.keys', fix: 'Remove one of the two.' };
      return [faultAt(source, ['keys', at, field], wording)];
    }),
  );
}

function textOf(keys: readonly WrittenKey[]): string {
  const heading =
    '# Keys of the proxy, written by `shunt keys`. Limits may be edited by hand; a running proxy takes them over.\n' +
    '# A key itself stands nowhere: only its hash does.\n';
  return heading + stringify({ keys });
}

async function replace(path: string, text: string): Promise<void> {
  const fresh = `${path}.new`;
  const file = await open(fresh, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  // What an earlier, broken off command has left keeps its own mode.
  await chmod(fresh, 0o600);
  await rename(fresh, path);
}

async function lock(path: string): Promise<() => Promise<void>> {
  for (let tries = 0; tries < lockTries; tries++) {
    try {
      const file = await open(path, 'wx', 0o600);
      await file.close();
      return () => rm(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw cannotWrite(path, error);
      await delay(lockWaitMs);
    }
  }
  const message = `Another command changes the keys: ${path} is there. Try again; remove that file if no command runs.`;
  throw new ShuntError('bad_data', message);
}

function cannotWrite(path: string, error: unknown): ShuntError {
  const { code } = error as NodeJS.ErrnoException;
  const message = `The keys cannot be written: ${path} (${code}). Check auth.keys_file and who may write there.`;
  return new ShuntError('bad_config', message, { cause: error });
}
