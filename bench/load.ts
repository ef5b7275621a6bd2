/** A closed loop of requests against one server: CPU per request from the kernel, latencies from the client's side. */
import { Pool } from 'undici';
import type { ServerUnderTest } from './servers.ts';

export interface LoadShape {
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Body of request number `index` of a round. */
  readonly body: (round: number, index: number) => string | Buffer;
}

export interface LoadResult {
  /** CPU microseconds of the server's process per request. */
  readonly cpu: number;
  /** Microseconds from sending to the last byte, and to the first byte of the body. */
  readonly p50: number;
  readonly p99: number;
  readonly firstByteP50: number;
  readonly perSecond: number;
}

/** What the proxy does after the reply (ledger, metrics) counts too. */
const afterReplyMs = 150;

export async function load(
  server: ServerUnderTest,
  shape: LoadShape,
  run: { readonly round: number; readonly count: number; readonly concurrency: number },
): Promise<LoadResult> {
  const pool = new Pool(server.url, { connections: run.concurrency });
  const times: number[] = [];
  const firsts: number[] = [];
  let next = 0;
  const worker = async () => {
    while (next < run.count) {
      const index = next++;
      const body = shape.body(run.round, index);
      const started = performance.now();
      const answer = await pool.request({
        method: 'POST',
        path: shape.path ?? '/v1/chat/completions',
        headers: { 'content-type': 'application/json', ...shape.headers },
        body,
      });
      let first = 0;
      for await (const _chunk of answer.body) first ||= performance.now();
      if (answer.statusCode !== 200) throw new Error(`${server.url}: status ${answer.statusCode}`);
      firsts.push((first - started) * 1_000);
      times.push((performance.now() - started) * 1_000);
    }
  };
  const cpuBefore = server.cpuMicros();
  const began = performance.now();
  await Promise.all(Array.from({ length: run.concurrency }, worker));
  const seconds = (performance.now() - began) / 1_000;
  await new Promise((resolve) => setTimeout(resolve, afterReplyMs));
  const cpu = (server.cpuMicros() - cpuBefore) / run.count;
  await pool.close();
  return {
    cpu,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    firstByteP50: quantile(firsts, 0.5),
    perSecond: run.count / seconds,
  };
}

export function quantile(values: number[], share: number): number {
  values.sort((a, b) => a - b);
  return values[Math.min(values.length - 1, Math.floor(values.length * share))];
}

export function median(values: readonly number[]): number {
  return quantile([...values], 0.5);
}
