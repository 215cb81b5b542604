/** How the page is built and served: the library from its sources, as browsers have it, on loopback alone. */
import { fileURLToPath } from 'node:url';
import { defaultClientConditions, defineConfig, type UserConfig } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** WebAssembly has threads where no other origin can look in. A static host that sends these gets them too. */
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

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
  preview: { host: '127.0.0.1', headers: ISOLATION },
  logLevel: 'warn',
});

export default config;
