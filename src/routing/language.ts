/**
 * Is a prompt's instruction written in a language that the route examples do not cover? A small embedding model knows
 * next to nothing of such a language, so its scores there mean nothing: Shunt falls back and says why.
 *
 * What counts is the instruction, not the material: `Translate to English: Guten Morgen` is English. So the words before
 * a colon decide alone when they can, quoted spans are skipped, and otherwise the whole text and its two ends must both
 * speak for an uncovered language. Evidence: function words (`language-words.ts`), scripts, and the words of the examples.
 * Doubt means covered; thresholds then decide as always.
 */
import { type FeatureTable, featureTable, lookUp, put } from './feature-table.ts';
import { languageWords } from './language-words.ts';
import type { LexicalSpace } from './lexical.ts';
import { isDense, visitWords, wordHash } from './text-features.ts';

export interface LanguageCover {
  /** Bit per language of `languageWords`, and per script of `scriptOf`, in which the examples' instructions are written. */
  readonly languages: number;
  readonly scripts: number;
}

export interface LanguageReader {
  covers(cover: LanguageCover, text: string): boolean;
  /** The cover of a set of routes, each a list of examples. */
  coverOf(routes: readonly (readonly string[])[]): LanguageCover;
}

/** How much of a text's head and tail is looked at, and how many words at each end speak for the instruction. */
const headCharacters = 600;
const tailCharacters = 200;
const edgeWords = 4;

/** Share of all examples, or of one route's examples, in a language that makes it covered. */
const shareOfAll = 0.02;
const shareOfRoute = 0.2;

const languageCount = Object.keys(languageWords).length;
const english = 1;

/** Words of a text side by side: languages each may belong to, its script, and more. Overwritten by the next reading. */
interface Words {
  count: number;
  readonly start: Int32Array;
  readonly languages: Int32Array;
  readonly script: Uint8Array;
  /** What a word of an uncovered script weighs: scripts without spaces put many words into one. */
  readonly weight: Uint8Array;
  readonly accented: Uint8Array;
  readonly known: Uint8Array;
}

interface Evidence {
  readonly covered: number;
  readonly foreign: number;
}

export function languageReader(space: LexicalSpace): LanguageReader {
  const table = languageTable();
  const words = newWords((headCharacters + tailCharacters + 2) >> 1);
  const hits = new Int32Array(languageCount);

  const covers = (cover: LanguageCover, text: string): boolean => {
    const kept = instructionText(text);
    readWords(kept, table, space, words);
    if (!isSuspect(words, cover)) return true;
    const colon = wordsBefore(words, headEnd(kept));
    if (colon > 0) {
      const head = evidence(words, cover, hits, { edge: colon, only: true });
      if (head.foreign >= 2 && head.foreign > head.covered) return false;
      if (head.covered >= 1 && head.covered >= head.foreign) return true;
    }
    const whole = evidence(words, cover, hits, { edge: words.count, only: true });
    if (whole.foreign < 2 || whole.foreign <= whole.covered) return true;
    const edges = evidence(words, cover, hits, { edge: edgeWords, only: false });
    return edges.foreign < edges.covered;
  };

  const coverOf = (routes: readonly (readonly string[])[]): LanguageCover => {
    const found = routes.map((examples) => examples.map((text) => writtenIn(text, { table, space, words, hits })));
    const all = coveredBy(found.flat(), shareOfAll);
    return found
      .map((route) => coveredBy(route, shareOfRoute))
      .reduce((sum, own) => ({ languages: sum.languages | own.languages, scripts: sum.scripts | own.scripts }), all);
  };
  return { covers, coverOf };
}

function languageTable(): FeatureTable {
  const lists = Object.values(languageWords).map((list) => list.split(' '));
  const table = featureTable(lists.reduce((sum, list) => sum + list.length, 0));
  lists.forEach((list, language) => {
    for (const word of list) {
      const hash = wordHash(word);
      put(table, hash, Math.max(0, lookUp(table, hash)) | (1 << language));
    }
  });
  return table;
}

/** Head and tail of the text without quoted spans, unless hardly anything is left without them. */
function instructionText(text: string): string {
  const kept =
    text.length > headCharacters + tailCharacters
      ? `${text.slice(0, headCharacters)}\n${text.slice(-tailCharacters)}`
      : text;
  if (!/["“«„`]/.test(kept)) return kept.toLowerCase();
  const bare = kept.replace(/"[^"]*"|“[^”]*”|„[^“”]*[“”]|«[^»]*»|`+[^`]*`+/g, ' ');
  return (bare.trim().length >= 8 ? bare : kept).toLowerCase();
}

/** Where the material begins: after a first colon that has something behind it; 0 without one. */
function headEnd(text: string): number {
  const found = /^[^:：]{3,160}?(?::(?=\s|$|[\u0080-\uffff])|：)/.exec(text);
  return found ? found[0].length : 0;
}

function newWords(most: number): Words {
  return {
    count: 0,
    start: new Int32Array(most),
    languages: new Int32Array(most),
    script: new Uint8Array(most),
    weight: new Uint8Array(most),
    accented: new Uint8Array(most),
    known: new Uint8Array(most),
  };
}

/** Numbers, single letters and emoji say nothing about a language and are left out. */
function readWords(lower: string, table: FeatureTable, space: LexicalSpace, words: Words): void {
  words.count = 0;
  visitWords(lower, (hash, start, end) => {
    const first = lower.charCodeAt(start);
    const dense = isDense(first);
    if ((end - start === 1 && !dense) || (first >= 48 && first <= 57) || (first & 0xf800) === 0xd800) return;
    const at = words.count++;
    const script = first < 0x250 ? 0 : scriptOf(first);
    words.start[at] = start;
    words.languages[at] = Math.max(0, lookUp(table, hash));
    words.script[at] = script;
    words.weight[at] = dense && end - start > 2 ? 2 : 1;
    words.accented[at] = script === 0 && hasAccent(lower, start, end) ? 1 : 0;
    words.known[at] = end - start > 2 && lookUp(space.table, hash) >= 0 ? 1 : 0;
  });
}

function hasAccent(text: string, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (text.charCodeAt(i) >= 0xc0) return true;
  return false;
}

/** Number of a writing system; 0 is Latin, 9 all that are not told apart. */
function scriptOf(code: number): number {
  if (code < 0x370 || (code >= 0x1e00 && code < 0x1f00)) return 0;
  if (code < 0x400) return 1;
  if (code < 0x530) return 2;
  if (code >= 0x590 && code < 0x600) return 3;
  if (code >= 0x600 && code < 0x780) return 4;
  if (code >= 0x900 && code < 0xe00) return 5;
  if (code >= 0xe00 && code < 0xf00) return 6;
  if (code >= 0xac00 && code < 0xd7b0) return 7;
  if (code >= 0x3040 && code < 0xa000) return 8;
  return 9;
}

function wordsBefore(words: Words, end: number): number {
  let count = 0;
  while (count < words.count && words.start[count] < end) count++;
  return count;
}

/** A first look, enough for nearly every prompt: do two words or more point away from the covered languages? */
function isSuspect(words: Words, cover: LanguageCover): boolean {
  let foreign = 0;
  for (let i = 0; i < words.count; i++) {
    const elsewhere = words.languages[i] !== 0 && (words.languages[i] & cover.languages) === 0;
    if ((cover.scripts & (1 << words.script[i])) === 0) foreign += words.weight[i];
    else if (elsewhere || words.accented[i]) foreign++;
  }
  return foreign >= 2;
}

/** Of the first `edge` words, and, unless `only`, of the last `edge` words too. */
function evidence(
  words: Words,
  cover: LanguageCover,
  hits: Int32Array,
  { edge, only }: { edge: number; only: boolean },
): Evidence {
  const rival = strongestUncovered(words, cover.languages, hits);
  // Examples too short to have a language (`refund`) rule out no language.
  const judgesLanguage = cover.languages !== 0;
  // English alone is written without accents; any other covered language may explain them.
  const accentsAreForeign = cover.languages === english;
  let covered = 0;
  let foreign = 0;
  for (let i = 0; i < words.count; i++) {
    if (i >= edge && (only || i < words.count - edge)) continue;
    const mine = (words.languages[i] & cover.languages) !== 0;
    const theirs = (words.languages[i] & rival) !== 0;
    if ((cover.scripts & (1 << words.script[i])) === 0) foreign += words.weight[i];
    else if (!judgesLanguage) covered++;
    else if (mine && !theirs) covered++;
    else if (theirs && !mine) foreign++;
    else if (words.languages[i] !== 0) continue;
    else if (words.known[i]) covered += 0.5;
    else if (words.accented[i] && accentsAreForeign) foreign++;
  }
  return { covered, foreign };
}

/** The bit of the uncovered language that most words belong to, the first on a tie; 0 without one. */
function strongestUncovered(words: Words, covered: number, hits: Int32Array): number {
  hits.fill(0);
  for (let i = 0; i < words.count; i++) {
    if (words.languages[i] & covered) continue;
    for (let bits = words.languages[i]; bits !== 0; bits &= bits - 1) hits[31 - Math.clz32(bits & -bits)]++;
  }
  let best = -1;
  for (let language = 0; language < languageCount; language++) {
    if (hits[language] > (best < 0 ? 0 : hits[best])) best = language;
  }
  return best < 0 ? 0 : 1 << best;
}

/** The language (0: none can be told) and the scripts of a text's instruction. */
function writtenIn(
  text: string,
  memory: { table: FeatureTable; space: LexicalSpace; words: Words; hits: Int32Array },
): LanguageCover {
  const { table, space, words, hits } = memory;
  const kept = instructionText(text);
  const colon = headEnd(kept);
  readWords(colon > 0 ? kept.slice(0, colon) : kept, table, space, words);
  let scripts = 0;
  for (let i = 0; i < words.count; i++) scripts |= 1 << words.script[i];
  return { languages: strongestUncovered(words, 0, hits), scripts };
}

/** The languages and scripts of at least `share` of the texts. */
function coveredBy(texts: readonly LanguageCover[], share: number): LanguageCover {
  const often = (member: (text: LanguageCover) => number): number => {
    let bits = 0;
    for (let bit = 0; bit < 31; bit++) {
      const count = texts.filter((text) => member(text) & (1 << bit)).length;
      if (count >= Math.max(1, share * texts.length)) bits |= 1 << bit;
    }
    return bits;
  };
  return { languages: often((text) => text.languages), scripts: often((text) => text.scripts) };
}
