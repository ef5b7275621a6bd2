/** Child processes under test: started, found by the address that they print, their CPU time read from the kernel. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface ServerUnderTest {
  readonly url: string;
  /** User and system time of the process so far, all threads, in microseconds. */
  cpuMicros(): number;
  memoryBytes(): number;
  stop(): Promise<void>;
}

const ticksPerSecond = 100;

export function startServer(args: readonly string[], cwd?: string): Promise<ServerUnderTest> {
  const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    let output = '';
    child.once('exit', (code) => reject(new Error(`${args.join(' ')} ended with ${code}: ${output}`)));
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const match = /listens on (http:\/\/\S+)/.exec(output);
      if (match) resolve(underTest(child, match[1]));
    });
  });
}

function underTest(child: ChildProcess, url: string): ServerUnderTest {
  const pid = child.pid ?? 0;
  return {
    url,
    cpuMicros() {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
      return ((Number(fields[11]) + Number(fields[12])) * 1e6) / ticksPerSecond;
    },
    memoryBytes() {
      return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4096;
    },
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
