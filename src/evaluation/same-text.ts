import { createHash } from 'node:crypto';

/** When two prompts count as the same row: equal but for case, spacing, Unicode form and closing punctuation. */
export function sameTextKey(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/[\s.!?…]+$/u, '');
}

/** Short, and the same for the same text in every report: by it rows are paired. */
export function rowKey(text: string): string {
  return createHash('sha1').update(sameTextKey(text)).digest('base64url').slice(0, 16);
}
