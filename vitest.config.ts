import { defineConfig, mergeConfig } from 'vitest/config';
import { shared } from './vitest.shared.ts';

export default mergeConfig(
  shared,
  defineConfig({
    test: {
      include: ['test/**/*.test.ts'],
      // These drive a browser: npm run test:web.
      exclude: ['test/web/**', 'node_modules/**'],
      globalSetup: ['test/cli/compile-once.ts'],
      // Two workers on two cores; ONNX Runtime brings its own threads.
      maxWorkers: 2,
    },
  }),
);
