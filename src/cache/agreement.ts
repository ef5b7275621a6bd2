/**
 * Do two prompts agree in all that changes an answer while hardly changing a vector? Rules, each of which can say no and
 * names the words that it saw. They err on the side of no: a prompt that is refused costs one call of the backend.
 *
 *   any language   quotations, identifiers, material; same language
 *   English        numbers, days, units, negation, quantifiers, opposites, names, who does what to whom, the question word
 *   others         the same words in the same order (case, accents and punctuation aside)
 *
 * What no rule covers (another noun, an added word) is left to the score, which the evidence bounds.
 */
import type { ContentWord, Question, Reading } from './agreement-reading.ts';
import { hardRoles } from './agreement-words.ts';
import type { AgreementRule, Disagreement } from './semantic-contract.ts';

/** null: nothing speaks against one answer for both. */
export function disagreement(asked: Reading, stored: Reading): Disagreement | null {
  if (asked.sequence === stored.sequence)
    return caseless(asked, stored) ? null : lists('identifier', asked.identifiers, stored.identifiers);
  for (const rule of rules) {
    const found = rule(asked, stored);
    if (found !== null) return found;
  }
  return null;
}

type Rule = (asked: Reading, stored: Reading) => Disagreement | null;

const rules: readonly Rule[] = [
  language,
  (a, b) => lists('quotation', a.quotations, b.quotations),
  (a, b) => lists('identifier', a.identifiers, b.identifiers),
  material,
  (a, b) => lists('date', a.dates, b.dates),
  (a, b) => lists('number', a.numbers.filter(isSaid), b.numbers.filter(isSaid)),
  (a, b) => lists('unit', unique(a.units), unique(b.units)),
  amounts,
  negation,
  (a, b) => lists('quantifier', a.quantifiers, b.quantifiers),
  looseQuantifiers,
  opposite,
  names,
  question,
  tense,
  direction,
  exchanged,
];

function caseless(a: Reading, b: Reading): boolean {
  return a.identifiers.join(' ') === b.identifiers.join(' ');
}

/** `one week` and `a week` say the same. */
function isSaid(number: string): boolean {
  return number !== '1';
}

function language(a: Reading, b: Reading): Disagreement | null {
  if (a.language !== b.language) return no('language', a.language, b.language);
  return a.language === 'en' ? null : no('wording', '', '');
}

function material(a: Reading, b: Reading): Disagreement | null {
  if (a.material === b.material || Math.min(a.material.length, b.material.length) === 0) {
    return Math.max(a.material.length, b.material.length) > 120
      ? no('material', cut(a.material), cut(b.material))
      : null;
  }
  return a.material === b.material ? null : no('material', cut(a.material), cut(b.material));
}

/** `4 columns and 3 rows`: the same numbers and units, otherwise paired. */
function amounts(a: Reading, b: Reading): Disagreement | null {
  return a.amounts.length === b.amounts.length ? lists('unit', a.amounts, b.amounts) : null;
}

function negation(a: Reading, b: Reading): Disagreement | null {
  if (a.negated.length !== b.negated.length) return no('negation', a.negated.join(' '), b.negated.join(' '));
  for (const word of a.negated)
    if (word !== '' && b.keys.has(word) && !b.negated.includes(word)) return no('negation', word, b.negated.join(' '));
  for (const word of b.negated)
    if (word !== '' && a.keys.has(word) && !a.negated.includes(word)) return no('negation', a.negated.join(' '), word);
  return null;
}

function looseQuantifiers(a: Reading, b: Reading): Disagreement | null {
  if (a.looseQuantifiers.length === 0 || b.looseQuantifiers.length === 0) return null;
  return lists('quantifier', unique(a.looseQuantifiers), unique(b.looseQuantifiers));
}

const reversing = /^(?:un|in|im|il|ir|dis|de|non|ab)(?=\w{3})/;

function opposite(a: Reading, b: Reading): Disagreement | null {
  for (const [axis, side] of a.axes) {
    const other = b.axes.get(axis);
    if (other !== undefined && other !== side) return no('opposite', wordsOnly(a, b), wordsOnly(b, a));
  }
  const reversed = reversedWord(a, b) ?? reversedWord(b, a);
  return reversed === null ? null : no('opposite', wordsOnly(a, b), wordsOnly(b, a));
}

/** A word of `one` that is a word of `other` with a reversing prefix: `unsubscribe`. */
function reversedWord(one: Reading, other: Reading): string | null {
  for (const { form, key } of one.content) {
    const base = form.replace(reversing, '');
    if (base === form || other.keys.has(key)) continue;
    if (
      other.content.some(
        (word) =>
          word.form === base || word.key === base || (base.length > 4 && word.form.startsWith(base.slice(0, -1))),
      )
    )
      return form;
  }
  return null;
}

function names(a: Reading, b: Reading): Disagreement | null {
  const missing = (from: Reading, other: Reading) =>
    from.names.find((name) => !other.keys.has(name) && !other.sequence.includes(name));
  const lost = missing(a, b);
  const added = missing(b, a);
  return lost === undefined && added === undefined ? null : no('name', lost ?? '', added ?? '');
}

/** Questions that another word asks as well. */
const asks: Readonly<Partial<Record<Question, readonly Question[]>>> = {
  what: ['how', 'howmuch', 'howlong', 'howmany', 'whether', 'none', 'when', 'where'],
  none: ['how', 'howto', 'what', 'whether', 'howmuch', 'howlong', 'howmany', 'who', 'when', 'where', 'why'],
  whether: ['what', 'none'],
  how: ['what', 'none', 'howto'],
};

function question(a: Reading, b: Reading): Disagreement | null {
  if (a.question === b.question || asks[a.question]?.includes(b.question) || asks[b.question]?.includes(a.question))
    return null;
  return no('question', a.question, b.question);
}

/** `did you buy`, `should I buy`: what was, and what is to be. */
function tense(a: Reading, b: Reading): Disagreement | null {
  return a.tense === b.tense || a.tense === '' || b.tense === '' ? null : no('question', a.tense, b.tense);
}

/**
 * A telling word of one prompt against a word of the other that no list pairs with it: `quinoa` for `couscous`. Now and
 * then it is a synonym that the lists lack; far more often it is another question, and a small model's cosine cannot tell.
 */
function exchanged(a: Reading, b: Reading): Disagreement | null {
  const lost = a.content.filter(({ key }) => !b.keys.has(key));
  const added = b.content.filter(({ key }) => !a.keys.has(key));
  const telling = [...lost, ...added].some(({ weight }) => weight === 1);
  if (!telling || lost.length === 0 || added.length === 0) return null;
  return no('wording', wordsOnly(a, b), wordsOnly(b, a));
}

/** Words of both prompts that changed places, or the prepositions before them. */
function direction(a: Reading, b: Reading): Disagreement | null {
  if (a.pronouns !== b.pronouns && a.pronouns !== '' && b.pronouns === '' && movedWords(a, b, false))
    return no('direction', a.pronouns, b.pronouns);
  const repeated = repeatedElsewhere(a, b);
  if (repeated) return no('direction', cut(a.sequence), cut(b.sequence));
  const moved = movedWords(a, b, true);
  return moved === null ? null : no('direction', moved[0], moved[1]);
}

function movedWords(a: Reading, b: Reading, lenient: boolean): readonly [string, string] | null {
  const shared = a.content.filter((word) => word.weight === 1 && occurs(a, word) && occurs(b, word));
  const there = new Map(b.content.map((word, at) => [word.key, { word, at }]));
  const here = new Map(a.content.map((word, at) => [word.key, at]));
  for (let i = 0; i < shared.length; i++) {
    for (let j = i + 1; j < shared.length; j++) {
      const one = there.get(shared[i].key);
      const two = there.get(shared[j].key);
      if (one === undefined || two === undefined || one.at < two.at) continue;
      const gap = Math.max((here.get(shared[j].key) ?? 0) - (here.get(shared[i].key) ?? 0), one.at - two.at);
      if (lenient && mayMove([shared[i], shared[j]], [one.word, two.word], { a, b, gap })) continue;
      return [`${shared[i].form} … ${shared[j].form}`, `${two.word.form} … ${one.word.form}`];
    }
  }
  return null;
}

/** The same words, some of them twice, in another order: who does what is then anybody's guess. */
function repeatedElsewhere(a: Reading, b: Reading): boolean {
  const [one, two] = [a, b].map(({ content }) => content.filter(({ weight }) => weight === 1).map(({ key }) => key));
  if (one.length + two.length === new Set(one).size + new Set(two).size || one.join(' ') === two.join(' '))
    return false;
  return unique(one).sort().join(' ') === unique(two).sort().join(' ');
}

/** Words that stand anywhere in a sentence: `is the tallest`, `permanently delete`, `how … differ`. */
function roams({ form, key }: ContentWord): boolean {
  return /(?:..est|...ly)$/.test(form) || key === '=difference';
}

function occurs(reading: Reading, { key }: ContentWord): boolean {
  return reading.content.filter((word) => word.key === key).length === 1;
}

type Two = readonly [ContentWord, ContentWord];

function mayMove(
  here: Two,
  there: Two,
  { a, b, gap }: { readonly a: Reading; readonly b: Reading; readonly gap: number },
): boolean {
  if (roams(here[0]) || roams(here[1])) return true;
  // Each has taken the other's part.
  if (here[0].role === there[1].role && here[1].role === there[0].role && here[0].role !== here[1].role) return false;
  const samePart = (i: 0 | 1) => here[i].role === there[i].role && here[i].role !== '';
  if (samePart(0) || samePart(1)) return true;
  const hard = (word: ContentWord) => hardRoles.has(word.role);
  if ([...here, ...there].some(hard)) return false;
  if ([...here, ...there].some((word) => word.role !== '')) return true;
  const together = here[0].phrase === here[1].phrase && there[0].phrase === there[1].phrase;
  if (!together) return false;
  return gap === 1 || (a.coordinated.has(here[0].phrase) && b.coordinated.has(there[0].phrase));
}

function lists(rule: AgreementRule, asked: readonly string[], stored: readonly string[]): Disagreement | null {
  const lost = without(asked, stored);
  const added = without(stored, asked);
  return lost.length === 0 && added.length === 0 ? null : no(rule, lost.join(', '), added.join(', '));
}

/** As multisets: `from` less `other`. */
function without(from: readonly string[], other: readonly string[]): string[] {
  const left = [...other];
  return from.filter((value) => {
    const at = left.indexOf(value);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}

function wordsOnly(from: Reading, other: Reading): string {
  return from.content
    .filter(({ key }) => !other.keys.has(key))
    .map(({ form }) => form)
    .join(' ');
}

function no(rule: AgreementRule, asked: string, stored: string): Disagreement {
  return { rule, asked, stored };
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)} …` : text;
}
