/**
 * The proxy with a saboteur inside, who does to the embedder's worker thread what nothing from outside could do. Told by
 * messages: `kill` ends the thread, `slow` and `fast` hold its orders back or not. `crash` throws where nobody catches.
 */
import { syncBuiltinESMExports } from 'node:module';
import threads, { type Worker, type WorkerOptions } from 'node:worker_threads';

const slowMs = 2_000;
const workers = new Set<Worker>();
let slow = false;

class WatchedWorker extends threads.Worker {
  private readonly watched: boolean;

  constructor(file: URL | string, options?: WorkerOptions) {
    super(file, options);
    this.watched = String(file).includes('onnx-worker');
    if (this.watched) workers.add(this);
    this.on('exit', () => workers.delete(this));
  }

  override postMessage(value: unknown): void {
    if (this.watched && slow) setTimeout(() => super.postMessage(value), slowMs);
    else super.postMessage(value);
  }
}

threads.Worker = WatchedWorker;
syncBuiltinESMExports();

process.on('message', (order) => {
  if (order === 'crash') throw new Error('sabotage');
  if (order === 'kill') for (const worker of workers) void worker.terminate();
  else slow = order === 'slow';
});
// Being listened to must not keep the proxy alive.
process.channel?.unref();

await import('../../src/cli/main.ts');
