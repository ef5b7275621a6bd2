/** `shunt simulate`: the simulated LLM backend over HTTP, for trying a client or a proxy without a key. */
import { Command, InvalidArgumentError } from 'commander';
import { type SimulatedServer, startSimulatedServer } from '../backend/simulated-server.ts';
import { messageOf, ShuntError } from '../base/errors.ts';
import { type BackendConfig, configSchema } from '../config/schema.ts';

interface SimulateOptions {
  readonly host: string;
  readonly port: number;
  readonly latency: number;
  readonly tokenMs: number;
  readonly outputTokens: number;
  readonly errorRate: number;
  readonly errorStatus: number;
  readonly truncationRate: number;
  readonly seed: number;
}

const example = `
Example:
  shunt simulate --port 9100 --latency 50 --error-rate 0.1
  curl -s http://127.0.0.1:9100/v1/chat/completions -H 'content-type: application/json' \\
    -d '{"model":"demo-small","messages":[{"role":"user","content":"Hello"}]}'

One request can ask for a fault of its own: -H 'x-sim: error=503; latency=200', with
  error=STATUS retry-after=S latency=MS token=MS tokens=N truncate reset=before|headers|mid hang=before|mid
  malformed short-body html no-usage stream-error crlf comments chunk=BYTES slow-body reject=PARAM`;

export function simulateCommand(): Command {
  return new Command('simulate')
    .description('serve a simulated LLM API over HTTP: deterministic answers, faults on demand, no key')
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on; 0 takes a free one', integer(0, 65_535), 9100)
    .option('--latency <ms>', 'wait before an answer', number(0, 600_000), 0)
    .option('--token-ms <ms>', 'wait between two tokens of a stream', number(0, 60_000), 0)
    .option('--output-tokens <n>', 'length of an answer', integer(1, 100_000), 32)
    .option('--error-rate <share>', 'share of requests that fail, 0 to 1', number(0, 1), 0)
    .option('--error-status <status>', 'status of those that fail', integer(400, 599), 500)
    .option('--truncation-rate <share>', 'share of answers that are cut short, 0 to 1', number(0, 1), 0)
    .option('--seed <n>', 'seed of the faults that come by rate', integer(0, 2 ** 31), 1)
    .addHelpText('after', example)
    .action(async (options: SimulateOptions) => {
      const server = await start(options);
      process.stdout.write(`Simulated LLM API at ${server.url} (Ctrl+C stops it)\n`);
      await stopSignal();
      await server.close();
    });
}

async function start(options: SimulateOptions): Promise<SimulatedServer> {
  const { host, port } = options;
  try {
    return await startSimulatedServer({ host, port, config: simulatedConfig(options) });
  } catch (error) {
    throw new ShuntError('bad_config', listenProblem(error, host, port), { param: '--port', cause: error });
  }
}

function listenProblem(error: unknown, host: string, port: number): string {
  const code = error instanceof Error && 'code' in error ? error.code : '';
  if (code === 'EADDRINUSE')
    return `Port ${port} on ${host} is in use. Choose another with --port, or 0 for a free one.`;
  if (code === 'EACCES') return `No right to listen on port ${port} of ${host}. Choose a port from 1024 up.`;
  return `Cannot listen on ${host}:${port}: ${messageOf(error)}. Check --host and --port.`;
}

function simulatedConfig(options: SimulateOptions): BackendConfig {
  const simulation = {
    latency_ms: options.latency,
    token_ms: options.tokenMs,
    output_tokens: options.outputTokens,
    error_rate: options.errorRate,
    error_status: options.errorStatus,
    truncation_rate: options.truncationRate,
    seed: options.seed,
  };
  return configSchema.parse({ backends: { simulated: { kind: 'simulated', simulation } } }).backends.simulated;
}

/** Resolves at the first SIGINT or SIGTERM. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
}

function number(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a number from ${least} to ${most}.`);
  };
}

function integer(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = number(least, most)(text);
    if (Number.isInteger(value)) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}
