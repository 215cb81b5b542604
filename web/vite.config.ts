/** How the page is built: the library from its sources, as browsers have it. What serves it is ../scripts/web-server.mjs. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defaultClientConditions, defineConfig, type UserConfig } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const { version, devDependencies } = JSON.parse(readFileSync(here('../package.json'), 'utf8'));

const config: UserConfig = defineConfig({
  root: here('.'),
  // Wherever it is put.
  base: './',
  resolve: {
    alias: [
      { find: /^limbeck$/, replacement: here('../src/browser.ts') },
      { find: /^limbeck\/page$/, replacement: here('../src/web/page.ts') },
      { find: /^limbeck\/worker$/, replacement: here('../src/web/worker.ts') },
    ],
    conditions: ['limbeck-source', ...defaultClientConditions],
  },
  define: {
    LIMBECK_VERSION: JSON.stringify(version),
    ONNXRUNTIME_VERSION: JSON.stringify(devDependencies['onnxruntime-web']),
  },
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    outDir: here('dist'),
    emptyOutDir: true,
    // The policy allows files of this origin, and no data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
  },
  logLevel: 'warn',
});

export default config;
