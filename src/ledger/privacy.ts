/**
 * What the ledger may keep of a prompt, as `ledger.prompts` says:
 *
 *   none       nothing
 *   hash       `hmac:…`, HMAC-SHA256 with a secret of this installation: equal prompts can be counted, and not looked up
 *              in a dictionary of likely ones by anybody without the secret
 *   redacted   the text with what the recognisers below find replaced by `[name]`; by shape, so best effort: names,
 *              addresses and whatever has no shape stay
 *   full       the text
 */
import { createHmac, randomBytes } from 'node:crypto';
import { chmod, link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { redact } from '../base/credentials.ts';
import { messageOf, ShuntError } from '../base/errors.ts';
import { redactionRecognisers } from './recognisers.ts';

export type PromptMode = 'none' | 'hash' | 'redacted' | 'full';
export type PromptKeeper = (text: string) => string | null;

/** Of a longer prompt, this much is kept: a ledger is no archive of documents. */
const maxKept = 65_536;

export interface HashSecret {
  /** `ledger.hash_secret`: what replicas share, so that they hash alike. */
  readonly secret?: string;
  /** Without one: made with mode 0600 when it is missing; read in mode `hash` only. */
  readonly secretFile: string;
}

export async function createPromptKeeper(options: HashSecret & { readonly mode: PromptMode }): Promise<PromptKeeper> {
  switch (options.mode) {
    case 'none':
      return () => null;
    case 'hash': {
      const secret = options.secret ?? (await installSecret(options.secretFile));
      return (text) => hmac(secret, text);
    }
    case 'redacted':
      return (text) => redactPrompt(text);
    case 'full':
      return (text) => text.slice(0, maxKept);
  }
}

/** The name that the ledger has for a person: always hashed, with the same secret as prompts. The secret is made when it is first needed. */
export async function createPersonHash(options: HashSecret): Promise<(person: string) => string> {
  const secret = options.secret ?? (await installSecret(options.secretFile));
  return (person) => hmac(secret, person);
}

export function redactPrompt(text: string): string {
  return redact(text.length > maxKept ? wholeWords(text.slice(0, maxKept)) : text, redactionRecognisers);
}

function hmac(secret: string, text: string): string {
  return `hmac:${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

/** A cut could leave half a secret that no recogniser knows: the word at the cut goes too. */
function wholeWords(text: string): string {
  let end = text.length;
  while (end > text.length - 1_000 && !/\s/.test(text[end - 1])) end--;
  return text.slice(0, end);
}

async function installSecret(file: string): Promise<string> {
  try {
    return (await readSecret(file)) ?? (await makeSecret(file));
  } catch (error) {
    if (error instanceof ShuntError) throw error;
    const message = `The install secret ${file} cannot be read or made (${messageOf(error)}). Make its folder writable for the user that runs shunt, or set ledger.hash_secret.`;
    throw new ShuntError('ledger_failed', message, { param: 'ledger.prompts', cause: error });
  }
}

async function readSecret(file: string): Promise<string | null> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return null;
  const secret = text.trim();
  if (secret.length < 32) {
    const message = `The install secret ${file} holds ${secret.length} characters; at least 32 are needed. Delete it to have a new one made (prompts then hash differently from before).`;
    throw new ShuntError('ledger_failed', message, { param: 'ledger.prompts' });
  }
  await chmod(file, 0o600);
  return secret;
}

/** Written elsewhere and linked into place, so that of two processes starting together both read the same whole secret. */
async function makeSecret(file: string): Promise<string> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const secret = randomBytes(32).toString('hex');
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  await writeFile(draft, `${secret}\n`, { mode: 0o600, flag: 'wx' });
  try {
    await link(draft, file);
    return secret;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return (await readSecret(file)) ?? secret;
  } finally {
    await rm(draft, { force: true });
  }
}
