import type { ViteUserConfig } from 'vitest/config';

// The package's own names with "#" mean compiled files by default; tests run the sources. Only this name may be added: these conditions
// reach Node itself, and one like "import" would make require() load modules meant for import.
const conditions = ['limbeck-source', 'node'];
const report = process.env.LIMBECK_TEST_REPORT;

/** What `npm test` and `npm run test:web` have in common. */
export const shared: ViteUserConfig = {
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    // .ci/run counts the tests from a report; people read the default one.
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    testTimeout: 60_000,
    // Hooks compile the command and compute teacher rows; a busy machine takes its time.
    hookTimeout: 120_000,
  },
};
