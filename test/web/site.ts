/** Before the browser tests: their pages, bundled as a user's would be, and served on loopback. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import type { TestProject } from 'vitest/node';
import { startWebServer } from '../../scripts/web-server.mjs';
import { findChromium, NO_CHROMIUM, tell } from './chromium.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the pages are served, with a slash at its end; what is written to `files` is at `files/`. */
    readonly site: { readonly url: string; readonly files: string };
  }
}

const pages = fileURLToPath(new URL('pages', import.meta.url));

export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'limbeck-web-'));
  const [site, files] = [join(folder, 'site'), join(folder, 'files')];
  if (findChromium()) {
    await build({
      configFile: false,
      root: pages,
      base: './',
      logLevel: 'warn',
      // The package's own "#" names: its sources, for browsers.
      resolve: { conditions: ['limbeck-source', 'module', 'browser', 'production'] },
      worker: { format: 'es' },
      build: {
        outDir: site,
        emptyOutDir: true,
        target: 'es2022',
        chunkSizeWarningLimit: 5000,
        rolldownOptions: { input: ['engine', 'train'].map((name) => join(pages, `${name}.html`)) },
      },
    });
  }
  if (!findChromium()) tell(`Skipped: ${NO_CHROMIUM}`);
  const { url, stop } = await startWebServer({ '/': site, '/files/': files });
  provide('site', { url, files });
  return async () => {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  };
}
