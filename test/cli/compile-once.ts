/** Before all tests: the command, compiled once for all files that run it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** A folder with what `npm run build` leaves in dist/. */
    readonly compiled: string;
  }
}

export default function setup({ provide }: TestProject): () => void {
  const repository = fileURLToPath(new URL('../..', import.meta.url));
  const compiled = mkdtempSync(join(tmpdir(), 'limbeck-compiled-'));
  const tsc = join(repository, 'node_modules/typescript/bin/tsc');
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [tsc, '-p', join(repository, 'tsconfig.build.json'), '--outDir', compiled],
    { cwd: repository, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`The sources do not compile.\n${stdout}${stderr}`);
  provide('compiled', compiled);
  return () => rmSync(compiled, { recursive: true, force: true });
}
