/** SQLite's and the file system's errors in the words of an operator: what is wrong with which file, and what to do. */
import { messageOf } from '../base/errors.ts';

export function describeFailure(file: string, error: unknown): string {
  const code = codeOf(error);
  const detail = `${messageOf(error)}${code === '' ? '' : `, ${code}`}`;
  return `The ledger ${file} ${problemOf(code, messageOf(error))} (${detail})`;
}

function problemOf(code: string, message: string): string {
  switch (code.replace(/^(SQLITE_(?:BUSY|LOCKED|CORRUPT|NOTADB|FULL|READONLY|IOERR|CANTOPEN|PERM))_.*/, '$1')) {
    case 'SQLITE_BUSY':
    case 'SQLITE_LOCKED':
      return 'is locked by another process. Stop the program that holds it (a backup, a SQLite shell), or set ledger.url to another file.';
    case 'SQLITE_NOTADB':
    case 'SQLITE_CORRUPT':
      return 'is damaged, or is no SQLite database. Move it away (a new one is made at the next start) or put a backup in its place; set ledger.url if the path is wrong.';
    case 'SQLITE_FULL':
    case 'ENOSPC':
      return 'cannot grow: the disk is full. Free some space, or lower ledger.keep_days.';
    case 'SQLITE_READONLY':
    case 'SQLITE_PERM':
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return 'cannot be written. Make its folder writable for the user that runs shunt, or set ledger.url to another path, or to none.';
    case 'ENOTDIR':
    case 'EEXIST':
      return 'cannot be made: a part of its path is a file where a folder is needed. Set ledger.url to another path.';
    case 'EISDIR':
      return 'is a folder. Set ledger.url to the path of a file.';
    case 'SQLITE_IOERR':
      return 'cannot be read or written: the disk reports an error.';
    default:
      return /Unable to open/.test(message)
        ? 'cannot be opened. Check its path and permissions, or set ledger.url to another file.'
        : 'failed.';
  }
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}
