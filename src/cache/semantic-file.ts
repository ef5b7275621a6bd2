/**
 * The bytes of a stored semantic cache, one file read in one go:
 *
 *   "SHUNTSC1" | sha256 of all that follows (32) | header length u32, 0 u32 | header JSON | pad to 8 | vectors, i16 each
 *
 * The header holds the manifest (embedding fingerprint, dimensions, version of rules and score), the entries without their
 * vectors, and the evidence. Damage shows in the digest, and what a sound digest might still hide (another layout, counts
 * that do not fit, vectors without length) is checked: the file is refused, and the caller begins anew.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { messageOf, ShuntError } from '../base/errors.ts';
import { type EvidenceState, thresholds } from './error-bound.ts';
import type { SemanticCacheOptions, SemanticEntry } from './semantic-contract.ts';

/** Raised with every change of rules or score: verdicts on finds of other rules say nothing of these. */
const rulesVersion = 1;
const magic = Buffer.from('SHUNTSC1');
const digestEnd = magic.length + 32;
const headerStart = digestEnd + 8;

export interface StoredCache {
  readonly entries: readonly Omit<SemanticEntry, 'vector'>[];
  readonly vectors: Int16Array;
  readonly labelled: EvidenceState | null;
  readonly routes: readonly (readonly [route: string, state: EvidenceState])[];
}

const counts = z.array(z.number().int().nonnegative()).length(thresholds.length);
const verdicts = z.strictObject({ wrong: counts, right: counts });
const evidence = z.strictObject({
  current: verdicts,
  previous: verdicts,
  servedWrong: z.number().int().nonnegative(),
  servedRight: z.number().int().nonnegative(),
  suspicion: z.number().positive(),
  restarts: z.number().int().nonnegative(),
});
const entry = z.strictObject({
  entryId: z.string(),
  partition: z.string(),
  route: z.string(),
  tenant: z.string(),
  tags: z.array(z.string()),
  text: z.string(),
  storedAt: z.number(),
  expiresAt: z.number(),
});
const headerSchema = z.strictObject({
  fingerprint: z.string(),
  dimensions: z.number().int().positive(),
  rules: z.number(),
  entries: z.array(entry),
  labelled: evidence,
  routes: z.array(z.tuple([z.string(), evidence])),
});

type Identity = Pick<SemanticCacheOptions, 'fingerprint' | 'dimensions'>;

export function encodeEntries(stored: StoredCache & { readonly labelled: EvidenceState }, identity: Identity): Buffer {
  const header = {
    fingerprint: identity.fingerprint,
    dimensions: identity.dimensions,
    rules: rulesVersion,
    entries: stored.entries.map(({ entryId, partition, route, tenant, tags, text, storedAt, expiresAt }) => {
      return { entryId, partition, route, tenant, tags, text, storedAt, expiresAt };
    }),
    labelled: stored.labelled,
    routes: stored.routes,
  };
  const json = Buffer.from(JSON.stringify(header));
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32LE(json.length);
  const padding = Buffer.alloc(aligned(headerStart + json.length) - headerStart - json.length);
  const { buffer, byteOffset, byteLength } = stored.vectors;
  const parts = [lengths, json, padding, Buffer.from(buffer, byteOffset, byteLength)];
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return Buffer.concat([magic, hash.digest(), ...parts]);
}

/** Throws `bad_data` with the reason. */
export function decodeEntries(bytes: Buffer, identity: Identity): StoredCache {
  if (bytes.length < headerStart || !bytes.subarray(0, magic.length).equals(magic))
    throw refused('it is not a semantic cache');
  const digest = createHash('sha256').update(bytes.subarray(digestEnd)).digest();
  if (!digest.equals(bytes.subarray(magic.length, digestEnd))) throw refused('it is damaged or half written');
  const jsonEnd = headerStart + bytes.readUInt32LE(digestEnd);
  const header = headerSchema.safeParse(parsed(bytes.toString('utf8', headerStart, jsonEnd)));
  if (!header.success) throw refused('its header has another layout');
  const { fingerprint, dimensions, rules, entries, labelled, routes } = header.data;
  if (fingerprint !== identity.fingerprint || dimensions !== identity.dimensions) {
    throw refused(`its vectors are of another embedding model (${fingerprint})`);
  }
  if (rules !== rulesVersion) throw refused(`it was written under rules ${rules}, these are ${rulesVersion}`);
  // A copy at offset 0 of its own memory: typed arrays need aligned starts.
  const body = new Uint8Array(bytes.subarray(aligned(jsonEnd))).buffer;
  if (body.byteLength !== entries.length * dimensions * 2) throw refused('its vectors do not fit its entries');
  const vectors = new Int16Array(body);
  if (!entries.every((_, at) => isUnit(vectors.subarray(at * dimensions, (at + 1) * dimensions)))) {
    throw refused('some of its vectors are none');
  }
  return { entries, vectors, labelled, routes };
}

/** 16,384 is 1 in the index. */
function isUnit(vector: Int16Array): boolean {
  let sum = 0;
  for (const value of vector) sum += (value / 16_384) ** 2;
  return Math.abs(sum - 1) < 0.02;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw refused(`its header cannot be read (${messageOf(error)})`);
  }
}

function refused(reason: string): ShuntError {
  return new ShuntError('bad_data', `The stored semantic cache was not used: ${reason}.`);
}

function aligned(offset: number): number {
  return Math.ceil(offset / 8) * 8;
}
