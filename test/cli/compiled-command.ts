/** The command as users have it: compiled, in a folder of its own, run as a process. */
import { spawn } from 'node:child_process';
import { copyFileSync, cpSync, mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';

export const repository = fileURLToPath(new URL('../..', import.meta.url));
export const modules = join(repository, 'node_modules');

/** @returns a new folder, to be removed by the caller, and the script in it */
export function compileCommand(): { readonly root: string; readonly main: string } {
  // A space in the path: users have them.
  const root = mkdtempSync(join(tmpdir(), 'limbeck cli-'));
  cpSync(inject('compiled'), join(root, 'dist'), { recursive: true });
  copyFileSync(join(repository, 'package.json'), join(root, 'package.json'));
  symlinkSync(modules, join(root, 'node_modules'));
  return { root, main: join(root, 'dist/cli/main.js') };
}

export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the command; a signal is sent as soon as stderr shows what `when` matches. */
export function runCommand(
  script: string,
  args: readonly string[],
  {
    signal,
    when,
    env = {},
  }: { signal?: NodeJS.Signals | undefined; when?: RegExp | undefined; env?: Record<string, string> } = {},
): Promise<Finished> {
  return new Promise((done, failed) => {
    const cwd = dirname(dirname(dirname(script)));
    const child = spawn(process.execPath, [script, ...args], { cwd, env: { ...process.env, ...env } });
    let [stdout, stderr, sent] = ['', '', false];
    child.stdout.on('data', (data) => {
      stdout += data;
    });
    child.stderr.on('data', (data) => {
      stderr += data;
      if (signal && !sent && when?.test(stderr)) sent = child.kill(signal);
    });
    child.on('error', failed);
    child.on('close', (code) => done({ code, stdout, stderr }));
  });
}

/** Lines of stderr that are not progress. */
export const complaint = (stderr: string) => stderr.split('\n').filter((line) => /^(limbeck|error)/.test(line));
