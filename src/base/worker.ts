/**
 * Starts a worker thread from a TypeScript module beside the caller. Compiled code runs the `.js` next to it; code run
 * from source (tests) loads the `.ts` through tsx, since Node 20 does not read TypeScript.
 */
import { Worker, type WorkerOptions } from 'node:worker_threads';

/** `stem` has no ending: `startWorker(import.meta.url, './sqlite-worker')`. */
export function startWorker(callerUrl: string, stem: string, options: WorkerOptions = {}): Worker {
  if (!callerUrl.endsWith('.ts')) return new Worker(new URL(`${stem}.js`, callerUrl), options);
  // `--import tsx` does not reach the loader of a worker under Node 20, so a first module registers it there.
  const steps = [import.meta.resolve('tsx/esm/api'), new URL(`${stem}.ts`, callerUrl).href].map((url) =>
    JSON.stringify(url),
  );
  const bootstrap = `import { register } from ${steps[0]}; register(); await import(${steps[1]});`;
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(bootstrap)}`), options);
}
