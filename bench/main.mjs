// Picks a suite of benchmarks: npm run bench -- SUITE [options]. How to run and what figures mean: bench/NOTES.md.
const suites = {
  million: {
    about: 'a million texts with precomputed rows: reading, tokenizer, cache, training; time and memory of each',
    load: () => import('./million.mjs'),
  },
  steps: {
    about: 'training steps of networks, beside PyTorch; with --profile where their time goes',
    load: () => import('./steps.mjs'),
  },
  losses: { about: 'contrastive losses with gradient, and the CRD bank step', load: () => import('./losses.mjs') },
};

const [name, ...options] = process.argv.slice(2);
const suite = Object.hasOwn(suites, name ?? '') ? suites[name] : undefined;
if (suite) {
  const { run } = await suite.load();
  await run(options);
} else {
  if (name) console.error(`No suite "${name}".`);
  console.error('Usage: npm run bench -- SUITE [options]; --help after the suite lists its options. Suites:');
  for (const [known, { about }] of Object.entries(suites)) console.error(`  ${known.padEnd(10)}${about}`);
  process.exitCode = 1;
}
