/** The language that a prompt is written in, as far as its commonest words and its letters say; a close call is not English. */
import { languageWords } from '../routing/language-words.ts';
import type { Token } from './agreement-token.ts';
import { fold } from './agreement-tokens.ts';
import { emptyWords, lightWords } from './agreement-words.ts';

/** Foreign only by words that English does not have: many short words are at home in several languages. */
export function languageOf(text: string, tokens: readonly Token[]): string {
  const hits = new Map<string, number>();
  let english = 0;
  for (const { kind, form } of tokens) {
    if (kind !== 'word') continue;
    if (emptyWords.has(form) || lightWords.has(form)) english++;
    else for (const language of wordLanguages.get(form) ?? []) hits.set(language, (hits.get(language) ?? 0) + 1);
  }
  english += hits.get('en') ?? 0;
  hits.delete('en');
  const [best, most] = [...hits].sort((a, b) => b[1] - a[1])[0] ?? ['?', 0];
  if (most > 0 && most >= english) return best;
  const foreign =
    /[^\s\p{Script=Latin}\p{Script=Common}\p{Script=Inherited}]/u.test(text) ||
    (english === 0 && /[\u00c0-\u024f]/.test(text));
  return foreign ? '?' : 'en';
}

const wordLanguages = new Map<string, string[]>();
for (const [language, list] of Object.entries(languageWords)) {
  for (const word of list.split(' ')) {
    const form = fold(word);
    wordLanguages.set(form, [...(wordLanguages.get(form) ?? []), language]);
  }
}
