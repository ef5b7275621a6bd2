/** What went wrong with an attempt, and what that leaves to be tried. */
import type { BackendFailure } from '../backend/contract.ts';

export interface Trouble {
  /** For the record: `503`, `connect`, `rejects temperature`. */
  readonly why: string;
  /** Another endpoint of the same backend may do better. */
  readonly elsewhere: boolean;
  /** The same endpoint may do better a moment later, or when its rate limit is over. */
  readonly again: 'never' | 'soon' | 'when-free';
  /** Nothing was done there, so that the request may be sent again even if it must not be carried out twice. */
  readonly undone: boolean;
  /** How long the backend asks to be left alone. */
  readonly retryAfterMs: number | null;
}

export const retryableStatus: ReadonlySet<number> = new Set([408, 409, 429, 500, 502, 503, 504, 529]);
/** The operator's key is not taken: another one may be. */
const keyStatus = new Set([401, 402, 403]);

/** Only what comes from another model may help: the request itself was not taken. */
export function refusal(why: string): Trouble {
  return { why, elsewhere: false, again: 'never', undone: true, retryAfterMs: null };
}

/** null: an answer, or an error that is the client's to have. */
export function troubleOfStatus(
  status: number,
  given: { readonly expendable: boolean; readonly retryAfterMs: number | null },
): Trouble | null {
  const why = String(status);
  if (retryableStatus.has(status)) {
    const limited = status === 429;
    const again = limited ? 'when-free' : 'soon';
    return { why, elsewhere: true, again, undone: limited, retryAfterMs: given.retryAfterMs };
  }
  if (keyStatus.has(status)) return { ...refusal(why), elsewhere: true };
  return status >= 400 && given.expendable ? refusal(why) : null;
}

export function troubleOfFailure({ kind }: BackendFailure): Trouble {
  const undone = kind.startsWith('connect');
  return { why: kind, elsewhere: true, again: 'soon', undone, retryAfterMs: null };
}

/** An error that came as an event of a stream, before anything of it was passed on. */
export function troubleOfEvent(code: string): Trouble {
  const passing = isPassing(code);
  const why = `error in its stream (${code})`;
  return { why, elsewhere: passing, again: passing ? 'soon' : 'never', undone: false, retryAfterMs: null };
}

/** Not the request's fault, as far as the word for it tells. */
export function isPassing(code: string): boolean {
  return !/invalid|content|policy|context|unsupported|permission|auth|quota/i.test(code);
}

export const cutShort: Trouble = {
  why: 'its stream ended before it began',
  elsewhere: true,
  again: 'soon',
  undone: false,
  retryAfterMs: null,
};
