import { describe, expect, it } from 'vitest';
import { disagreement } from '../../src/cache/agreement.ts';
import { readPrompt } from '../../src/cache/agreement-reading.ts';
import { readOwnPairs } from './pairs/read-pairs.ts';

const ruleFor = (asked: string, stored: string) => disagreement(readPrompt(asked), readPrompt(stored))?.rule ?? null;

describe('disagreement', () => {
  it.each([
    ['number', 'Give me 5 name ideas', 'Give me 10 name ideas'],
    ['date', 'Move it to March 5', 'Move it to 3 May'],
    ['unit', 'How far is the moon in kilometres?', 'How far is the moon in miles?'],
    ['unit', 'A table with 4 columns and 3 rows', 'A table with 3 columns and 4 rows'],
    ['negation', 'Which foods should I eat?', "Which foods shouldn't I eat?"],
    ['negation', 'Give me recipes with nuts', 'Give me recipes without nuts'],
    ['name', 'Summarise the argument of Kant', 'Summarise the argument of Hume'],
    ['direction', 'How do I convert PDF to Word?', 'How do I convert Word to PDF?'],
    ['direction', 'Can a landlord sue a neighbour?', 'Can a neighbour sue a landlord?'],
    ['opposite', 'How do I enable the firewall?', 'How do I disable the firewall?'],
    ['opposite', 'How do I install the app?', 'How do I uninstall the app?'],
    ['quantifier', 'Select at least two options', 'Select at most two options'],
    ['identifier', 'What does os.path.join do?', 'What does os.path.split do?'],
    ['identifier', 'What does the -r option do?', 'What does the -R option do?'],
    ['quotation', 'Translate "good day"', 'Translate "good night"'],
    ['language', 'How do I reset my password?', 'Wie setze ich mein Passwort zurück?'],
    ['wording', 'Kann ich mit Karte zahlen?', 'Kann ich mit Bargeld zahlen?'],
    ['question', 'Why is the sky blue?', 'When is the sky blue?'],
    ['material', 'Summarise: the cat sat down', 'Summarise: the dog sat down'],
    ['wording', 'How do I cook quinoa?', 'How do I cook couscous?'],
  ])('names %s as what sets two prompts apart', (rule, asked, stored) => {
    expect(ruleFor(asked, stored)).toBe(rule);
    expect(ruleFor(stored, asked)).toBe(rule);
  });

  it.each([
    ['How many kilometres are 10 miles?', 'How many km are ten miles?'],
    ['What can I do with 5k dollars?', 'What can I do with $5,000?'],
    ['What happened on 9 November 1989?', 'What happened on November 9th, 1989?'],
    ['Remind me at 5 pm', 'Remind me at 17:00'],
    ["Why can't I log in?", 'Why can I not log in?'],
    ['How do I migrate from MySQL to Postgres?', 'How do I migrate to Postgres from MySQL?'],
    ['Compare Postgres and MySQL', 'Compare MySQL and Postgres'],
    ['How do I turn off notifications?', 'How can I disable notifications?'],
    ['How do I sort a list in Python?', 'how to sort a list in python'],
    ['Wo ist meine Bestellung?', 'wo ist meine bestellung'],
  ])('lets %j stand for %j', (asked, stored) => {
    expect(ruleFor(asked, stored)).toBeNull();
    expect(ruleFor(stored, asked)).toBeNull();
  });

  it('shows the words that it saw', () => {
    expect(disagreement(readPrompt('List 5 cities'), readPrompt('List 7 cities'))).toEqual({
      rule: 'number',
      asked: '5',
      stored: '7',
    });
  });

  it('gives the same answer for any prompt and itself', () => {
    for (const { a, b } of readOwnPairs()) for (const text of [a, b]) expect(ruleFor(text, text)).toBeNull();
  });

  it('sets apart each pair of the seen half that must not share an answer, and few that may', () => {
    const seen = readOwnPairs().filter(({ part }) => part !== 'unseen');
    const apart = (same: boolean) =>
      seen.filter((pair) => pair.same === same && ruleFor(pair.b, pair.a) !== null).length;
    expect(apart(false)).toBe(seen.filter(({ same }) => !same).length);
    expect(apart(true)).toBeLessThan(0.2 * seen.filter(({ same }) => same).length);
  });

  it('reads a long or hostile text without losing time', () => {
    const texts = [
      `${'a-'.repeat(1_900)}!`,
      '1,'.repeat(1_900),
      `${'('.repeat(2_000)}x`,
      '"'.repeat(3_000),
      'and '.repeat(900),
    ];
    for (const text of texts) expect(ruleFor(text, text)).toBeNull();
  });
});
