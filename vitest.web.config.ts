import { defineConfig, mergeConfig } from 'vitest/config';
import { shared } from './vitest.shared.ts';

// Tests that drive a real browser: `npm run test:web`.
export default mergeConfig(
  shared,
  defineConfig({
    test: {
      include: ['test/web/**/*.test.ts'],
      globalSetup: ['test/web/site.ts', 'test/web/page/page-site.ts'],
      // One browser at a time: they measure.
      maxWorkers: 1,
    },
  }),
);
