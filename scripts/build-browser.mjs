// Bundles dist/ for pages without a bundler of their own: dist/browser/limbeck.js (the library), worker.js (a whole worker) and
// page.js (the page's side of it). ONNX Runtime's WebAssembly is not copied: it belongs beside them, from onnxruntime-web.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = join(root, 'dist/browser');
const entries = { limbeck: 'dist/browser.js', page: 'dist/web/page.js', worker: 'dist/web/default-worker.js' };

await build({
  configFile: false,
  root,
  base: './',
  logLevel: 'error',
  publicDir: false,
  build: {
    outDir: out,
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: false,
    rolldownOptions: {
      input: Object.fromEntries(Object.entries(entries).map(([name, path]) => [name, join(root, path)])),
      preserveEntrySignatures: 'strict',
      output: {
        entryFileNames: '[name].js',
        chunkFileNames: 'shared/[name]-[hash].js',
        assetFileNames: '[name][extname]',
      },
    },
  },
});
for (const name of readdirSync(out)) if (name.startsWith('ort-wasm')) rmSync(join(out, name));
