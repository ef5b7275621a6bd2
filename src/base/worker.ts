/**
 * Starts a worker thread from a TypeScript module beside the caller. Compiled code runs the `.js` next to it; code run
 * from source (tests) loads the `.ts` through tsx, since Node 20 does not read TypeScript.
 */
import { Worker, type WorkerOptions } from 'node:worker_threads';

/** `stem` has no ending: `startWorker(import.meta.url, './sqlite-worker')`. */
export function startWorker(callerUrl: string, stem: string, options: WorkerOptions = {}): Worker {
  const fromSource = callerUrl.endsWith('.ts');
  const url = new URL(`${stem}${fromSource ? '.ts' : '.js'}`, callerUrl);
  const execArgv = fromSource ? ['--import', 'tsx'] : [];
  return new Worker(url, { execArgv, ...options });
}
