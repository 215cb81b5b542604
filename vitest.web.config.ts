import { defineConfig } from 'vitest/config';

// Tests that drive a real browser: `npm run test:web`. The conditions are those of vitest.config.ts.
const conditions = ['limbeck-source', 'node'];
const report = process.env.LIMBECK_TEST_REPORT;

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['test/web/**/*.test.ts'],
    globalSetup: ['test/web/site.ts', 'test/web/page/page-site.ts'],
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // One browser at a time: they measure.
    maxWorkers: 1,
  },
});
