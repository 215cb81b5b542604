import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: {
    // The package's own "#backend" import names the compiled file; tests run the sources.
    alias: { '#backend': fileURLToPath(new URL('./src/runtime/backend-node.ts', import.meta.url)) },
  },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    // Two workers on two cores; ONNX Runtime brings its own threads.
    maxWorkers: 2,
  },
});
