/** Child processes under test: started, found by the address that they print, their CPU time read from the kernel. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

export interface ServerUnderTest {
  readonly url: string;
  /** User and system time so far, all threads, in microseconds; of its workers too. */
  cpuMicros(): number;
  /** Resident, with its workers; pages that they share count for each. */
  memoryBytes(): number;
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly cwd?: string;
  /** Run on this core only, where the system has `taskset` and cores to choose from. */
  readonly core?: number;
  /** Finds the address in what it prints. */
  readonly ready?: RegExp;
  readonly env?: NodeJS.ProcessEnv;
}

export const canPin = existsSync('/usr/bin/taskset') && availableParallelism() > 1;

export function startServer(args: readonly string[], options: StartOptions = {}): Promise<ServerUnderTest> {
  const pinned = options.core !== undefined && canPin ? ['taskset', '-c', String(options.core)] : [];
  const [command, ...rest] = [...pinned, process.execPath, ...args];
  const env = { ...process.env, ...options.env };
  const child = spawn(command, rest, { cwd: options.cwd, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ready = options.ready ?? /listens on (http:\/\/\S+)/;
  return new Promise((resolve, reject) => {
    let output = '';
    child.once('exit', (code) => reject(new Error(`${args.join(' ')} ended with ${code}: ${output}`)));
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const match = ready.exec(output);
      if (match) resolve(underTest(child, match[1]));
    });
  });
}

function underTest(child: ChildProcess, url: string): ServerUnderTest {
  const pid = child.pid ?? 0;
  return {
    url,
    cpuMicros: () => sumOf(familyOf(pid), cpuMicrosOf),
    memoryBytes: () => sumOf(familyOf(pid), memoryBytesOf),
    stop() {
      return new Promise((resolve) => {
        child.removeAllListeners('exit');
        child.once('exit', () => resolve());
        child.kill('SIGTERM');
        setTimeout(() => child.kill('SIGKILL'), 5_000).unref();
      });
    },
  };
}

/** The process and those that it has started. */
function familyOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return [pid, ...(children === '' ? [] : children.split(' ').flatMap((child) => familyOf(Number(child))))];
}

function sumOf(pids: readonly number[], figure: (pid: number) => number): number {
  return pids.reduce((sum, pid) => sum + figure(pid), 0);
}

function memoryBytesOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4096;
}

/** To the nanosecond from the scheduler, whose `stat` counts in hundredths of a second only. */
function cpuMicrosOf(pid: number): number {
  let nanos = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    try {
      nanos += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
    } catch {
      // A thread that ended in between; what it used is lost to this reading.
    }
  }
  return nanos / 1_000;
}
