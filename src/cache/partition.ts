/**
 * The partition of the semantic cache that a request belongs to: a digest over everything an answer depends on but the
 * last user text, which alone may vary between two prompts that share an answer.
 *
 *   sha256( fingerprint · tenant · endpoint · served model · member · member · … · conversation without its last text )
 *
 * Members (tools, tool_choice, response_format, sampling parameters, modalities, and any other, known or not) are taken
 * with the bytes of their values as the client wrote them: a stranger's spelling costs a hit and never an answer. `stream`
 * changes the form of an answer only and stays out. The conversation is read from the body itself, not from what the
 * gateway made of it, so that a field that nobody knows still tells two requests apart.
 */
import { createHash, type Hash } from 'node:crypto';
import type { Member } from '../base/json-members.ts';

export interface PartitionParts {
  /** Of the embedding model: vectors of another are of another space. */
  readonly fingerprint: string;
  readonly tenant: string;
  readonly endpoint: string;
  /** The model that would answer, not the name that was asked for. */
  readonly servedModel: string;
  readonly bytes: Buffer;
  readonly members: readonly Member[];
}

export interface Partition {
  readonly key: string;
  /** The last user text: what is embedded and compared. */
  readonly text: string;
}

const formOnly = new Set(['stream', 'stream_options', 'model']);
/** Chat and Messages, Responses, Completions. */
const conversations = new Set(['messages', 'input', 'prompt']);

/** null: the request does not end with one user text, so there is nothing that may vary. */
export function partitionOf(parts: PartitionParts): Partition | null {
  const { bytes } = parts;
  const kept = parts.members.filter((member) => !formOnly.has(member.key));
  const spoken = kept.filter((member) => conversations.has(member.key));
  if (spoken.length !== 1) return null;
  const [conversation] = spoken;
  const split = splitConversation(JSON.parse(bytes.toString('utf8', conversation.valueStart, conversation.valueEnd)));
  if (split === null) return null;
  const hash = createHash('sha256');
  for (const part of [parts.fingerprint, parts.tenant, parts.endpoint, parts.servedModel]) add(hash, part);
  // A stable sort: duplicates of a member stay in their order, which decides which of them counts.
  kept.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  for (const member of kept) {
    add(hash, member.key);
    add(
      hash,
      member === conversation ? JSON.stringify(split.rest) : bytes.subarray(member.valueStart, member.valueEnd),
    );
  }
  return { key: hash.digest('base64url'), text: split.text };
}

interface Split {
  readonly text: string;
  /** All but the text, which stands in it as null. */
  readonly rest: unknown;
}

function splitConversation(value: unknown): Split | null {
  if (typeof value === 'string') return { text: value, rest: null };
  if (!Array.isArray(value)) return null;
  const last: unknown = value.at(-1);
  if (!isObject(last) || last.role !== 'user') return null;
  const split = splitContent(last.content);
  return split && { text: split.text, rest: [...value.slice(0, -1), { ...last, content: split.rest }] };
}

/** Of several parts exactly one must be text; pictures and files around it belong to the partition. */
function splitContent(content: unknown): Split | null {
  if (typeof content === 'string') return { text: content, rest: null };
  if (!Array.isArray(content)) return null;
  const parts: readonly unknown[] = content;
  const texts = parts.flatMap((part) => (isText(part) ? [part] : []));
  if (texts.length !== 1) return null;
  const [{ text }] = texts;
  return { text, rest: parts.map((part) => (isText(part) ? { ...part, text: null } : part)) };
}

function isText(part: unknown): part is { readonly text: string } {
  return isObject(part) && typeof part.text === 'string';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function add(hash: Hash, part: string | Buffer): void {
  const bytes = typeof part === 'string' ? Buffer.from(part) : part;
  hash.update(`${bytes.length}:`);
  hash.update(bytes);
}
