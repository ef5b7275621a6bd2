/** Days and times among tokens: `5 March`, `March 5th`, `5 pm` and `17:00` get one form each; years stay numbers. */
import type { Token } from './agreement-token.ts';
import { daysAndTimes, months, weekdays } from './agreement-words.ts';

/** Day, month and year in either order; hours with am and pm; the rest stays as it is. */
export function mergeDates(tokens: readonly Token[]): Token[] {
  const merged: Token[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const here = tokens[at];
    const month = monthOf(tokens, at);
    const before = merged.at(-1);
    const beforeThat = merged.at(-2);
    if (month >= 0) {
      const day = dayOf(before) ?? (before?.form === 'of' ? dayOf(beforeThat) : null);
      if (day !== null) merged.splice(before?.form === 'of' ? -2 : -1);
      const after = day === null ? dayOf(tokens[at + 1]) : null;
      if (after !== null) at++;
      merged.push(dateToken(`${String(month + 1).padStart(2, '0')}-${(day ?? after ?? '').padStart(2, '0')}`));
      if (tokens[at + 1]?.kind === 'break' && tokens[at + 2]?.kind === 'number') at++;
    } else if (
      (here.form === 'pm' || here.form === 'am') &&
      (before?.kind === 'number' || (before?.form.startsWith('t') === true && before.kind === 'date'))
    ) {
      merged.splice(-1, 1, dateToken(clockTime(before.form, here.form)));
    } else if (here.form === 'fall' && /^(?:the|in|this|last|next)$/.test(before?.form ?? '')) {
      merged.push(dateToken('autumn'));
    } else if (here.kind === 'word' && daysAndTimes.has(here.form)) {
      merged.push(dateToken(here.form));
    } else if (here.kind === 'word' && weekdays.includes(here.form.replace(/s$/, ''))) {
      merged.push(dateToken(here.form.replace(/s$/, '')));
    } else merged.push(here);
  }
  return merged;
}

function monthOf(tokens: readonly Token[], at: number): number {
  const { kind, form, capital } = tokens[at];
  if (kind !== 'word') return -1;
  const month = months.indexOf(form);
  if (month < 0 || (form !== 'may' && form !== 'march'))
    return month >= 0 ? month : months.findIndex((name) => form.length === 3 && name.startsWith(form) && capital);
  const beside =
    dayOf(tokens[at + 1]) !== null ||
    dayOf(tokens[at - 1]) !== null ||
    /^(?:in|of|since|until|by|last|next)$/.test(tokens[at - 1]?.form ?? '');
  return capital || beside ? month : -1;
}

function dayOf(token: Token | undefined): string | null {
  const day = token?.kind === 'number' ? /^(\d{1,2})(?:th)?$/.exec(token.form) : null;
  return day && Number(day[1]) >= 1 && Number(day[1]) <= 31 ? day[1] : null;
}

function clockTime(form: string, half: string): string {
  const [hour, minute = '00'] = form.replace(/^t/, '').split(':');
  const hours = (Number(hour) % 12) + (half === 'pm' ? 12 : 0);
  return `t${hours}:${minute}`;
}

function dateToken(form: string): Token {
  return { kind: 'date', form, capital: false };
}
