/**
 * The worker thread of a transformer: tokenises, batches and runs, so that a batch of milliseconds blocks nobody else.
 * Between two batches it lets the messages in, so that a cancelled text is dropped and a request overtakes an index build.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { messageOf, ShuntError } from '../base/errors.ts';
import type { FromWorker, ToWorker, WorkerData } from './onnx-messages.ts';
import { type OnnxSession, openOnnxSession } from './onnx-session.ts';
import { readTokenizer } from './read-tokenizer.ts';
import { TextQueue } from './text-queue.ts';
import type { Tokenizer } from './tokenizer.ts';

if (!parentPort) throw new ShuntError('internal_error', 'onnx-worker runs as a worker thread only');
await serve(parentPort, workerData as WorkerData);

async function serve(port: MessagePort, data: WorkerData): Promise<void> {
  const send = (message: FromWorker) => port.postMessage(message);
  try {
    const session = await openOnnxSession(data.spec);
    const tokenizer = await readTokenizer(data.spec);
    const tokenise = (text: string) => tokenizer.encode(text, data.spec.maxTokens);
    // Finds out the dimensions, and pays for the first run (allocation, kernels) before a request does.
    const [warm] = await session.run([tokenise('warm up').ids.slice()], tokenizer.padId);
    listen({ port, send, session, tokenizer, queue: new TextQueue({ tokenise, tokenBudget: data.tokenBudget }) });
    send({ kind: 'ready', dimensions: warm.length });
  } catch (error) {
    send({ kind: 'unusable', message: messageOf(error) });
    port.close();
  }
}

interface Work {
  readonly port: MessagePort;
  readonly send: (message: FromWorker) => void;
  readonly session: OnnxSession;
  readonly tokenizer: Tokenizer;
  readonly queue: TextQueue;
}

function listen(work: Work): void {
  let running = false;
  work.port.on('message', (message: ToWorker) => {
    if (message.kind === 'cancel') return work.queue.cancel(message.id);
    work.queue.add(message);
    if (running) return;
    running = true;
    void drain(work).then(() => {
      running = false;
    });
  });
}

/** What goes wrong in a batch is answered to the requests in it; anything else ends the thread, which is restarted. */
async function drain(work: Work): Promise<void> {
  while (!work.queue.empty) {
    await runBatch(work);
    await nextTurn();
  }
}

async function runBatch({ queue, session, tokenizer, send }: Work): Promise<void> {
  const batch = queue.take();
  try {
    const vectors = await session.run(
      batch.map((text) => text.ids),
      tokenizer.padId,
    );
    send({
      kind: 'embedded',
      texts: batch.map(({ request, index, ids, truncated }, row) => ({
        request,
        index,
        vector: vectors[row],
        tokens: ids.length,
        truncated,
      })),
    });
  } catch (error) {
    const ids = [...new Set(batch.map((text) => text.request))];
    for (const id of ids) queue.cancel(id);
    send({ kind: 'failed', ids, message: messageOf(error) });
  }
}
