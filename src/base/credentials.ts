/**
 * What a credential looks like, wherever it turns up: in a log line, in a prompt to be redacted. Recognisers are by
 * shape and therefore best effort; each is linear in the length of the text.
 */
export interface Recogniser {
  /** Stands in the place of what was found: `[api-key]`. */
  readonly name: string;
  readonly what: string;
  readonly pattern: RegExp;
  /** A second look at what the pattern found, e.g. a check digit. */
  readonly holds?: (found: string) => boolean;
  /** The part to keep in front of the mark; nothing when absent. */
  readonly keep?: (found: string) => string;
}

export const credentialRecognisers: readonly Recogniser[] = [
  {
    name: 'url-credentials',
    what: 'user name and password in a URL (scheme://user:password@host)',
    pattern: /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s/@:]{0,256}:[^\s/@]{1,256}@/gi,
    keep: (found) => found.slice(0, found.indexOf('//') + 2),
  },
  {
    name: 'token',
    what: 'JSON Web Tokens',
    pattern: /\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?/g,
  },
  {
    name: 'api-key',
    what: 'API keys with a known prefix (sk-, pk-, rk_, ghp_, github_pat_, glpat-, xox…-, AKIA/ASIA, AIza, hf_, gsk_, shunt-)',
    pattern:
      /\b(?:(?:sk|pk|rk|shunt)[-_][\w-]{12,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeprs]-[\w-]{10,}|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[\w-]{30,}|(?:hf|gsk|r8)_\w{16,})/g,
  },
  {
    name: 'authorization',
    what: 'what follows Bearer or Basic',
    pattern: /\b(?:Bearer|Basic)\s+[\w.~+/=-]{8,}/gi,
    keep: (found) => found.slice(0, found.search(/\s/) + 1),
  },
];

/** Puts `[name]` in the place of everything that a recogniser finds, in their order. */
export function redact(text: string, recognisers: readonly Recogniser[]): string {
  let result = text;
  for (const { name, pattern, holds, keep } of recognisers) {
    result = result.replace(pattern, (found: string) =>
      holds === undefined || holds(found) ? `${keep?.(found) ?? ''}[${name}]` : found,
    );
  }
  return result;
}
