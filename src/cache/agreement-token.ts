/** One word, number, day, unit or other mark of a prompt, in the form in which the agreement rules compare it. */
export type TokenKind = 'word' | 'number' | 'date' | 'unit' | 'identifier' | 'quotation' | 'break';

export interface Token {
  readonly kind: TokenKind;
  /** Lower case without marks; canonical for numbers, dates and units. */
  readonly form: string;
  /** Written with a capital although no sentence begins here, or in capitals throughout. */
  readonly capital: boolean;
}
