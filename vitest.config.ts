import { defineConfig } from 'vitest/config';

// The package's own "#backend" import names the compiled file by default; tests run the sources.
const conditions = ['limbeck-source', 'node', 'import', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    // Two workers on two cores; ONNX Runtime brings its own threads.
    maxWorkers: 2,
  },
});
