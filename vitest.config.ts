import { defineConfig } from 'vitest/config';

// The package's own "#backend" and "#storage" name compiled files by default; tests run the sources. Only this name may be added:
// these conditions reach Node itself, and one like "import" would make require() load modules meant for import.
const conditions = ['limbeck-source', 'node'];

const report = process.env.LIMBECK_TEST_REPORT;

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['test/**/*.test.ts'],
    // These drive a browser: npm run test:web.
    exclude: ['test/web/**', 'node_modules/**'],
    globalSetup: ['test/cli/compile-once.ts'],
    // .ci/run counts the tests from a report; people read the default one.
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    testTimeout: 60_000,
    // Hooks compile the command and compute teacher rows; a busy machine takes its time.
    hookTimeout: 120_000,
    // Two workers on two cores; ONNX Runtime brings its own threads.
    maxWorkers: 2,
  },
});
