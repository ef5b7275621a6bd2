import { describe, expect, it } from 'vitest';
import { languageReader } from '../../src/routing/language.ts';
import { buildLexicalSpace } from '../../src/routing/lexical.ts';
import { threeRoutes } from './cards.ts';

const reading = (routes: readonly (readonly string[])[]) => {
  const reader = languageReader(buildLexicalSpace(routes.flat()));
  const cover = reader.coverOf(routes);
  return (text: string) => reader.covers(cover, text);
};

const english = reading(threeRoutes.map((route) => route.examples));

describe('with English examples', () => {
  it.each([
    'Fasse bitte den folgenden Text in drei Sätzen zusammen: Der Zug kam heute zu spät.',
    'Wie ist das Wetter in Berlin?',
    'Résume cet article en trois phrases, s’il te plaît',
    'Pouvez-vous écrire un courriel pour mon patron ?',
    '¿Cuál es la capital de Francia?',
    'Escribe un correo para mi jefe sobre las vacaciones',
    'Scrivi una mail al mio capo per le ferie',
    'Napisz e-mail do mojego szefa o urlopie',
    'Übersetze das ins Englische: please send me the report by Friday',
    'Переведи это на английский',
    '翻译成英文：今天天气很好',
    'この文章を要約してください',
    '이 글을 요약해 주세요',
    'لخص هذا النص من فضلك',
  ])('does not cover %s', (text) => {
    expect(english(text)).toBe(false);
  });

  it.each([
    'Translate to English: Guten Morgen, wie geht es dir und deiner Familie heute?',
    'What does "je ne sais quoi" mean?',
    'Translate this email into English:\n\nSehr geehrte Damen und Herren, leider muss ich Ihnen mitteilen, dass die Lieferung nicht angekommen ist. Bitte schicken Sie mir eine neue.',
    'Guten Morgen, wie geht es dir? Translate this to English please',
    'how do i say bonne nuit mon amour in english',
    '今日は天気がいい - what does this say?',
    'Переведи меня — what language is this?',
    'Where can I eat good crème brûlée in Montréal?',
    'die hard ending explained',
    'kubectl rollout restart deployment/api -n prod',
    'hello',
    'SELECT * FROM users WHERE id = 1',
    '2 + 2',
    '🙂🙂',
  ])('covers %s', (text) => {
    expect(english(text)).toBe(true);
  });
});

describe('with examples in other languages', () => {
  it('covers a language in which one route is written', () => {
    const german = [
      'Übersetze das ins Englische',
      'Wie sagt man danke auf Spanisch?',
      'Kannst du mir den Text ins Französische übersetzen?',
    ];
    const covers = reading([...threeRoutes.map((route) => route.examples), german]);
    expect(covers('Wie ist das Wetter in Berlin?')).toBe(true);
    expect(covers('Résume cet article en trois phrases, s’il te plaît')).toBe(false);
  });

  it('covers a script in which one route is written', () => {
    const covers = reading([...threeRoutes.map((route) => route.examples), ['翻译成英文', '请翻译这句话']]);
    expect(covers('今天天气很好')).toBe(true);
  });

  it('doubts nothing when the examples are too short to have a language', () => {
    const covers = reading([['refund'], ['delivery']]);
    expect(covers('where is my parcel')).toBe(true);
    expect(covers('wo ist mein Paket')).toBe(true);
  });
});
