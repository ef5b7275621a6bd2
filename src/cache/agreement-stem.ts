/** English words to what they are compared by: the class of words that may stand for each other, or a stem. */
import { sameWords } from './agreement-words.ts';

/** Class of the word, or its stem. */
export function wordKey(form: string): string {
  return classOf.get(form) ?? classOf.get(stem(form)) ?? stem(form);
}

/** Endings of English inflection off; not a linguist's stem, but the same one for the forms of a word. */
export function stem(word: string): string {
  let base = word;
  if (base.length > 4 && base.endsWith('ies')) base = `${base.slice(0, -3)}y`;
  else if (base.length > 4 && /(?:s|x|z|ch|sh)es$/.test(base)) base = base.slice(0, -2);
  else if (base.length > 3 && base.endsWith('s') && !/(?:ss|us|is)$/.test(base)) base = base.slice(0, -1);
  if (base.length > 5 && base.endsWith('ing')) base = undouble(base.slice(0, -3));
  else if (base.length > 4 && base.endsWith('ied')) base = `${base.slice(0, -3)}y`;
  else if (base.length > 4 && base.endsWith('ed')) base = undouble(base.slice(0, -2));
  else if (base.length > 5 && base.endsWith('ly')) base = base.slice(0, -2);
  else if (base.length > 5 && base.endsWith('est')) base = undouble(base.slice(0, -3));
  base = base.replace(/is(e|ation)?$/, 'iz');
  return base.length > 3 && base.endsWith('e') ? base.slice(0, -1) : base;
}

function undouble(base: string): string {
  return /([bdgmnprt])\1$/.test(base) ? base.slice(0, -1) : base;
}

const classOf = new Map<string, string>();
for (const line of sameWords) {
  const members = line.split(' ');
  for (const member of members) {
    if (!classOf.has(member)) classOf.set(member, `=${members[0]}`);
    if (!classOf.has(stem(member))) classOf.set(stem(member), `=${members[0]}`);
  }
}
