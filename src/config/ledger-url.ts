/** What `ledger.url` may be: a SQLite file, a PostgreSQL database, or nothing. */

export function isPostgresUrl(url: string): boolean {
  return /^postgres(ql)?:\/\//.test(url);
}

export function isLedgerUrl(url: string): boolean {
  return url === 'none' || /^sqlite:.+$/.test(url) || (isPostgresUrl(url) && URL.canParse(url));
}
