/**
 * What `ledger.prompts: redacted` takes out, in this order; the list is printed in the docs from here. Recognisers go by
 * shape (and by check digits where there are some), so they miss what has none and now and then take too much.
 */
import { credentialRecognisers, type Recogniser } from '../base/credentials.ts';

export const redactionRecognisers: readonly Recogniser[] = [
  ...credentialRecognisers,
  {
    name: 'e-mail',
    what: 'e-mail addresses',
    pattern: /[\p{L}\p{N}._%+-]{1,64}@[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,8}/gu,
  },
  {
    name: 'iban',
    what: 'IBANs, by their check digits',
    pattern: /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b/gi,
    holds: isIban,
  },
  {
    name: 'card',
    what: 'payment card numbers of 13 to 19 digits, by the Luhn check',
    pattern: /(?<![\d.])\d(?:[ -]?\d){12,18}(?![\d.]\d)/g,
    holds: passesLuhn,
  },
  {
    name: 'ip',
    what: 'IPv4 and IPv6 addresses',
    pattern:
      /\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b|(?<![\w:])(?:[\da-f]{1,4}:){2,7}(?::?[\da-f]{1,4}){1,7}(?![\w:])/gi,
  },
  {
    name: 'phone',
    what: 'telephone numbers with +, 00 or separators, of 8 to 15 digits',
    pattern: /(?<![\w.])(?:\+|00)?\(?\d{1,4}\)?(?:[ ./-]\(?\d{1,5}\)?){1,6}(?!\w)|(?<!\w)\+\d{7,15}(?!\w)/g,
    holds: isPhone,
  },
  {
    name: 'number',
    what: 'any other run of 9 digits or more',
    pattern: /\d(?:[ -]?\d){8,}/g,
  },
];

function digitsOf(text: string): string {
  return text.replace(/\D/g, '');
}

function passesLuhn(found: string): boolean {
  const digits = digitsOf(found);
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i]);
    const doubled = i % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

/** ISO 13616: the number, its first four characters moved to the end, letters as 10 to 35, is 1 modulo 97. */
function isIban(found: string): boolean {
  const text = found.replace(/ /g, '').toUpperCase();
  if (text.length < 15 || text.length > 34) return false;
  let remainder = 0;
  for (const character of text.slice(4) + text.slice(0, 4)) {
    const value = Number.parseInt(character, 36);
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  return remainder === 1;
}

/** Dates and versions have the same look: a number needs a prefix or enough digits. */
function isPhone(found: string): boolean {
  const count = digitsOf(found).length;
  const looksLikeDate = /^\d{4}[-/.]\d{1,2}[-/.]\d{1,2}$|^\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}$/.test(found);
  return count >= 8 && count <= 15 && !looksLikeDate;
}
