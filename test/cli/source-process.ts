/** Runs `shunt` from source as a process of its own, so that a test sees what a user sees. */
import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

export interface SourceProcess {
  readonly child: ChildProcess;
  /** Where `shunt serve` listens; rejects when it ends before. */
  readonly url: Promise<string>;
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
}

const loader = fileURLToPath(import.meta.resolve('tsx'));
const main = resolve(import.meta.dirname, '../../src/cli/main.ts');

/** Killed after the test file, if it still runs. */
export function runSource(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): SourceProcess {
  const child = spawn(process.execPath, ['--import', loader, main, ...args], { cwd, env });
  afterAll(() => void child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = new Promise<Awaited<SourceProcess['ended']>>((done) => {
    child.on('close', (code) => done({ code, stdout, stderr }));
  });
  const url = new Promise<string>((found, failed) => {
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      const match = /listens on (http:\/\/\S+)/.exec(stdout);
      if (match) found(match[1]);
    });
    void ended.then((end) => failed(new Error(`ended with ${end.code}: ${end.stderr}`)));
  });
  url.catch(() => undefined);
  return { child, url, ended };
}
