/**
 * What the agreement rules need to know of one prompt, read once: its content words in order with the part that each
 * plays, and the marks that change an answer by themselves (numbers, days, units, negation, quantifiers, opposites, names).
 */
import { languageOf } from './agreement-language.ts';
import { stem, wordKey } from './agreement-stem.ts';
import type { Token } from './agreement-token.ts';
import { fold, tokensOf } from './agreement-tokens.ts';
import {
  emptyWords,
  hardRoles,
  lightWords,
  looseQuantifiers,
  negators,
  opposites,
  softRoles,
  strictQuantifiers,
} from './agreement-words.ts';

export interface ContentWord {
  /** Class of words that may stand for each other, or the word's stem. */
  readonly key: string;
  readonly form: string;
  /** 1 for a word that tells what is asked, less for one that tells how. */
  readonly weight: number;
  /** The preposition before it, when the preposition gives it a part to play. */
  readonly role: string;
  /** Words of one phrase have nothing but articles, `and` and `or` between them. */
  readonly phrase: number;
}

export interface Reading {
  readonly text: string;
  /** Of `languageWords`; `?` when it is neither English nor certain. */
  readonly language: string;
  /** All tokens in order: what must be equal where nothing finer is known. */
  readonly sequence: string;
  readonly content: readonly ContentWord[];
  readonly keys: ReadonlySet<string>;
  readonly numbers: readonly string[];
  /** A number and the unit that stands beside it. */
  readonly amounts: readonly string[];
  readonly dates: readonly string[];
  readonly units: readonly string[];
  readonly identifiers: readonly string[];
  readonly quotations: readonly string[];
  readonly names: readonly string[];
  /** The words that negators stand before. */
  readonly negated: readonly string[];
  readonly quantifiers: readonly string[];
  readonly looseQuantifiers: readonly string[];
  /** Per axis of opposites, bit 1 for its left side and bit 2 for its right. */
  readonly axes: ReadonlyMap<number, number>;
  readonly question: Question;
  /** Of the helping verbs; empty without one, or with both. */
  readonly tense: '' | 'past' | 'present';
  /** What stands behind a first colon, or in further paragraphs. */
  readonly material: string;
  readonly coordinated: ReadonlySet<number>;
  /** Who is acted on, as far as pronouns say it. */
  readonly pronouns: string;
}

export type Question =
  | 'how'
  | 'howto'
  | 'why'
  | 'when'
  | 'where'
  | 'who'
  | 'howlong'
  | 'howmuch'
  | 'howmany'
  | 'howoften'
  | 'what'
  | 'whether'
  | 'none';

/** A prompt longer than this is mostly material. */
const longest = 4_000;
export function readable(text: string): boolean {
  return text.length <= longest && /[\p{L}\p{N}]/u.test(text);
}

const emptyWeight = 0;
const lightWeight = 0.25;

export function readPrompt(text: string): Reading {
  const tokens = tokensOf(text);
  const content: ContentWord[] = [];
  const marks = {
    numbers: [] as string[],
    amounts: [] as string[],
    dates: [] as string[],
    units: [] as string[],
    identifiers: [] as string[],
    quotations: [] as string[],
    names: [] as string[],
    negated: [] as string[],
    quantifiers: [] as string[],
    looseQuantifiers: [] as string[],
  };
  const axes = new Map<number, number>();
  const coordinated = new Set<number>();
  let role = '';
  let phrase = 0;
  let negation = false;
  const capitals = tokens.filter(({ capital }) => capital).length;
  const titled = capitals > 3 && capitals > tokens.filter(({ kind }) => kind === 'word').length * 0.6;
  tokens.forEach((token, at) => {
    const { kind, form } = token;
    if (kind === 'break') {
      role = '';
      phrase++;
      return;
    }
    if (kind === 'word' && (form === 'and' || form === 'or' || form === 'vs' || form === 'versus')) {
      coordinated.add(phrase);
      return;
    }
    if (kind === 'word' && (form === 'the' || form === 'a' || form === 'an')) return;
    const key = keyOf(token);
    const weight = weightOf(token, key);
    if (kind === 'word') {
      for (const [axis, side] of axisOf.get(form) ?? axisOf.get(stem(form)) ?? [])
        axes.set(axis, (axes.get(axis) ?? 0) | side);
      const quantifier = quantifierOf.get(form);
      if (quantifier !== undefined) marks.quantifiers.push(quantifier);
      const loose = looseQuantifierOf.get(form);
      if (loose !== undefined) marks.looseQuantifiers.push(loose);
      if (negators.has(form)) {
        negation = true;
        phrase++;
        return;
      }
    }
    if (weight === emptyWeight) {
      phrase++;
      role = hardRoles.has(form) || softRoles.has(form) ? roleOf(form) : possessives.has(form) ? role : '';
      return;
    }
    content.push({ key, form, weight, role, phrase });
    if (negation) marks.negated.push(key);
    negation = false;
    if (kind === 'number') {
      marks.numbers.push(form);
      const beside = tokens[at + 1]?.kind === 'unit' ? tokens[at + 1] : null;
      if (beside) marks.amounts.push(`${form} ${beside.form}`);
    } else if (kind === 'date') marks.dates.push(dateForm(tokens, at));
    else if (kind === 'unit') {
      marks.units.push(form);
      if (/^(?:last|next|previous|this|coming)$/.test(tokens[at - 1]?.form ?? ''))
        marks.dates.push(`${tokens[at - 1].form} ${form}`);
    } else if (kind === 'identifier') marks.identifiers.push(form);
    else if (kind === 'quotation') marks.quotations.push(form);
    else if (token.capital && !titled && !lightWords.has(form)) marks.names.push(key);
  });
  if (negation) marks.negated.push('');
  return {
    text,
    language: languageOf(text, tokens),
    sequence: tokens
      .filter(({ kind }) => kind !== 'break')
      .map(({ form }) => form)
      .join(' '),
    content,
    keys: new Set(content.map(({ key }) => key)),
    ...marks,
    axes,
    coordinated,
    question: questionOf(tokens),
    tense: tenseOf(tokens),
    material: materialOf(text),
    pronouns: formsAmong(tokens, objects),
  };
}

const possessives = new Set('my your our his her their its this that these those some any all new own'.split(' '));

function roleOf(form: string): string {
  return form === 'into' || form === 'onto' ? 'to' : form === 'using' ? 'with' : form;
}

function dateForm(tokens: readonly Token[], at: number): string {
  const before = tokens[at - 1]?.form ?? '';
  return /^(?:last|next|previous|this|coming)$/.test(before) ? `${before} ${tokens[at].form}` : tokens[at].form;
}

function weightOf({ kind, form }: Token, key: string): number {
  if (kind !== 'word') return 1;
  if (emptyWords.has(form)) return emptyWeight;
  return lightWords.has(form) || lightKeys.has(key) ? lightWeight : 1;
}

function keyOf({ kind, form }: Token): string {
  if (kind !== 'word') return `${kind} ${form}`;
  return wordKey(form);
}

const lightKeys = new Set([...lightWords].map((word) => stem(word)));

const axisOf = new Map<string, [axis: number, side: number][]>();
opposites.forEach((line, axis) => {
  line.split('|').forEach((side, i) => {
    for (const word of side.trim().split(/\s+/)) {
      for (const form of new Set([word, stem(word)])) axisOf.set(form, [...(axisOf.get(form) ?? []), [axis, i + 1]]);
    }
  });
});

const quantifierOf = namesOf(strictQuantifiers);
const looseQuantifierOf = namesOf(looseQuantifiers);

function namesOf(lines: readonly string[]): ReadonlyMap<string, string> {
  return new Map(lines.flatMap((line) => line.split(' ').map((word): [string, string] => [word, line.split(' ')[0]])));
}

function questionOf(tokens: readonly Token[]): Question {
  const forms = tokens.map(({ form }) => form);
  for (const special of ['howlong', 'howmuch', 'howmany', 'howoften', 'why', 'when', 'where'] as const) {
    // `when` and `where` join clauses as well: only at the head of a sentence do they ask.
    const at = forms.indexOf(special);
    if (at >= 0 && (special.startsWith('how') || headOfClause(tokens, at))) return special;
  }
  if (forms.some((form, at) => form === 'who' && headOfClause(tokens, at))) return 'who';
  const how = forms.findIndex((form, at) => form === 'how' && headOfClause(tokens, at));
  if (forms.includes('way') || forms.includes('steps') || (how >= 0 && doerAfter(forms, how))) return 'howto';
  if (how >= 0) return 'how';
  if (forms[0] === 'what' || forms[0] === 'which') return 'what';
  return /^(?:is|are|was|were|do|does|did|can|could|may|should|will|has|have|am)$/.test(forms[0] ?? '')
    ? 'whether'
    : 'none';
}

function tenseOf(tokens: readonly Token[]): '' | 'past' | 'present' {
  const past = tokens.some(({ form }) => /^(?:did|was|were|had)$/.test(form));
  const present = tokens.some(({ form }) => /^(?:do|does|is|are|am|can|will|should|shall|must|may)$/.test(form));
  return past === present ? '' : past ? 'past' : 'present';
}

/** `how do I`, `how to`: what to do, not how something is. */
function doerAfter(forms: readonly string[], how: number): boolean {
  return forms[how + 1] === 'to' || /^(?:i|you|we|one)$/.test(forms[how + 2] ?? '');
}

function headOfClause(tokens: readonly Token[], at: number): boolean {
  const before = tokens[at - 1];
  if (before === undefined || before.kind === 'break') return true;
  return /^(?:tell|me|know|explain|understand|us|see|learn|and|to|out|on)$/.test(before.form);
}

function materialOf(text: string): string {
  const colon = /^[^:\n]{3,160}?:\s+(\S[\s\S]*)$/.exec(text)?.[1] ?? '';
  const paragraphs = /\n\s*\n([\s\S]+)$/.exec(text.trim())?.[1] ?? '';
  const longer = colon.length > paragraphs.length ? colon : paragraphs;
  return fold(longer)
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

const objects = new Set(['me', 'him', 'them']);

function formsAmong(tokens: readonly Token[], among: ReadonlySet<string>): string {
  const found = tokens.filter(({ form }) => among.has(form)).map(({ form }) => form);
  return [...new Set(found)].sort().join(' ');
}
