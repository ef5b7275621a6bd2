/** A proxy as a process of its own, looked at from outside: what it prints, its metrics, its descriptors, its memory. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { within } from './fault.ts';

export interface ProxyProcess {
  readonly child: ChildProcess;
  readonly url: string;
  /** Everything that it has logged so far. */
  log(): string;
  /** Resolves when it has ended. */
  readonly ended: Promise<Ended>;
  /** In flight, records that wait, descriptors, resident bytes. */
  look(): Promise<Look>;
  /** Whether it has come back to what it was, within some seconds. */
  backAt(before: Look): Promise<string[]>;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Look {
  readonly inFlight: number;
  readonly queued: number;
  readonly dropped: number;
  readonly descriptors: number;
  readonly rssBytes: number;
}

export interface StartOptions {
  readonly folder: string;
  /** Before the script: `--import …`. */
  readonly nodeArguments?: readonly string[];
  /** Instead of the compiled command line. */
  readonly main?: string;
  /** Runs it as another user. */
  readonly uid?: number;
  readonly arguments?: readonly string[];
  /** Where the log goes, instead of to us. */
  readonly logFile?: string;
}

const compiled = resolve(import.meta.dirname, '../../dist/cli/main.js');
/** Connections that pools keep open for a while, and a garbage collection that has not come yet. */
const spareDescriptors = 24;
const spareBytes = 128 << 20;

/** Resolves when it has ended. */
export function runProxy(options: StartOptions): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const args = [...(options.nodeArguments ?? []), options.main ?? compiled, 'serve', ...(options.arguments ?? [])];
  const owner = options.uid === undefined ? {} : { uid: options.uid, gid: options.uid };
  const log = options.logFile === undefined ? 'pipe' : openSync(options.logFile, 'w');
  const child = spawn(process.execPath, args, {
    cwd: options.folder,
    stdio: ['ignore', 'pipe', log, 'ipc'],
    ...owner,
  });
  if (typeof log === 'number') closeSync(log);
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = new Promise<Ended>((done) => {
    child.on('close', (code, signal) => done({ code, signal, stdout, stderr }));
  });
  return { child, ended };
}

/** Rejects with what it said when it ends instead of listening. */
export function startProxyProcess(options: StartOptions): Promise<ProxyProcess> {
  const { child, ended } = runProxy(options);
  let stdout = '';
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise((started, failed) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      const url = /listens on (http:\/\/\S+)/.exec(stdout)?.[1];
      if (url !== undefined)
        started({ child, url, ended, log: () => stderr, ...inspected(url, child.pid ?? 0, () => stderr) });
    });
    void ended.then(({ code, stderr: words }) => failed(new Error(`the proxy ended with ${code}: ${words}`)));
  });
}

function inspected(url: string, pid: number, log: () => string): Pick<ProxyProcess, 'look' | 'backAt'> {
  async function look(): Promise<Look> {
    const metrics = await fetch(`${url}/metrics`, { headers: { connection: 'close' } }).then(
      (response) => response.text(),
      (error: unknown) => {
        throw new Error(`the proxy does not answer; its last words: ${log().slice(-2_000)}`, { cause: error });
      },
    );
    const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1]);
    return {
      inFlight: value('shunt_in_flight_requests'),
      queued: value('shunt_ledger_queued_records'),
      dropped: value('shunt_ledger_dropped_records'),
      descriptors: readdirSync(`/proc/${pid}/fd`).length,
      rssBytes: Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4_096,
    };
  }

  return {
    look,
    async backAt(before) {
      let problems: string[] = [];
      await within(15_000, async () => {
        const now = await look();
        problems = [
          ...(now.inFlight === 0 ? [] : [`${now.inFlight} requests still in flight`]),
          ...(now.queued === 0 ? [] : [`${now.queued} records still wait`]),
          ...(now.descriptors <= before.descriptors + spareDescriptors
            ? []
            : [`${now.descriptors} descriptors, ${before.descriptors} before`]),
          ...(now.rssBytes <= before.rssBytes + spareBytes
            ? []
            : [`${now.rssBytes >> 20} MB resident, ${before.rssBytes >> 20} MB before`]),
        ];
        return problems.length === 0;
      });
      return problems;
    },
  };
}
