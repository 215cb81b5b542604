/** Before the tests of the page: a run of the demo, small, and the page built and served with it. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import type { TestProject } from 'vitest/node';
import { startWebServer } from '../../../scripts/web-server.mjs';
import { prepareRun } from '../../../web/prepare.mjs';
import { findChromium } from '../chromium.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the page is served, with a slash at its end, and the directory of the run beside it. */
    readonly page: { readonly url: string; readonly run: string };
  }
}

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const configFile = join(repository, 'web/vite.config.ts');

export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'limbeck-page-'));
  const [dist, beside, own] = ['dist', 'run', 'demo'].map((name) => join(folder, name));
  // One that is there saves the time.
  const run = process.env.LIMBECK_PAGE_RUN ?? own;
  if (findChromium()) {
    if (run === own) smallDemo(folder, own);
    prepareRun(run, beside);
    await build({ configFile, build: { outDir: dist } });
  }
  const { url, stop } = await startWebServer({ '/': dist, '/run/': beside });
  provide('page', { url, run });
  return async () => {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  };
}

/** By the command as users have it: compiled, in a folder of its own. */
function smallDemo(folder: string, out: string): void {
  const root = join(folder, 'command');
  mkdirSync(root);
  copyFileSync(join(repository, 'package.json'), join(root, 'package.json'));
  symlinkSync(join(repository, 'node_modules'), join(root, 'node_modules'));
  const node = (...parameters: string[]): void => {
    const { status, stdout, stderr } = spawnSync(process.execPath, parameters, { cwd: repository, encoding: 'utf8' });
    if (status !== 0) throw new Error(`The run for the page failed.\n${stdout}${stderr}`);
  };
  const compiled = join(root, 'dist');
  node('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--outDir', compiled);
  const size = ['--texts', '1500', '--held-out', '500', '--epochs', '4'];
  node(join(compiled, 'cli/main.js'), 'demo', ...size, '--out', out, '--cache', join(folder, 'cache'));
}
