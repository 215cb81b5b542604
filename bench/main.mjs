// Picks suites of benchmarks: npm run bench -- [SUITE] [options]; without a suite all of them. How to run and what figures mean:
// bench/NOTES.md.
import { Command } from 'commander';
import { duration } from './arguments.mjs';
import { withPeerOptions } from './peers.mjs';
import { saveRecord, startRecord } from './record.mjs';

/** In the order of a run of all; those with `all`, which gives their options for it. `small`: for a look whether they work. */
const suites = {
  losses: {
    about: 'contrastive losses with gradient, and the CRD bank step',
    load: () => import('./losses.mjs'),
    all: (common) => ['--max-batch', '8192', ...common],
    small: ['--max-batch', '256', '--dims', '128'],
  },
  steps: {
    about: 'training steps of networks',
    load: () => import('./steps.mjs'),
    all: (common) => common,
    small: [],
  },
  teacher: {
    about: 'MiniLM as a teacher, beside ONNX Runtime alone',
    load: () => import('./teacher.mjs'),
    all: () => [],
    small: ['--texts', '256', '--seconds', '1'],
  },
  data: {
    about: 'texts, tokenizers, images and cached rows, read',
    load: () => import('./data.mjs'),
    all: () => [],
    small: ['--texts', '5000', '--images', '50', '--rows', '3000', '--seconds', '0.5'],
  },
  demo: {
    about: 'the demo from an empty cache: time, memory, scores',
    load: () => import('./demo.mjs'),
    all: () => [],
    small: ['--texts', '1000', '--epochs', '2'],
  },
  million: {
    about: 'a million texts with precomputed rows: reading, tokenizer, cache, training; not among all',
    load: () => import('./million.mjs'),
  },
};

const [name, ...options] = process.argv.slice(2);
if (name === undefined || name.startsWith('-')) {
  await runAll(process.argv.slice(2));
} else if (Object.hasOwn(suites, name)) {
  await (await suites[name].load()).run(options);
} else {
  console.error(`No suite "${name}".`);
  console.error(`Usage: npm run bench -- [SUITE] [options]; --help after it lists the options. ${list()}`);
  process.exitCode = 1;
}

function list() {
  return `Suites:\n${Object.entries(suites)
    .map(([known, { about }]) => `  ${known.padEnd(10)}${about}`)
    .join('\n')}`;
}

async function runAll(args) {
  const { small, seconds, json, peers, nodePeers } = withPeerOptions(new Command('npm run bench --'))
    .description('Every suite that has a place in the run of all.')
    .option('--seconds <s>', 'time budget for each configuration of losses and steps', duration)
    .option('--small', 'little of everything, to see that it works', false)
    .option('--json <file>', 'also write every number')
    .addHelpText('after', `\n${list()}`)
    .parse(args, { from: 'user' })
    .opts();
  const common = [
    ...(seconds === undefined ? [] : ['--seconds', String(seconds)]),
    ...(peers === false ? ['--no-peers'] : typeof peers === 'string' ? ['--peers', peers] : []),
    ...(nodePeers === undefined ? [] : ['--node-peers', nodePeers]),
  ];
  const record = { ...startRecord('all', { small, seconds }), results: [] };
  await saveRecord(record, json);
  for (const [suite, { load, all, small: less }] of Object.entries(suites)) {
    if (!all) continue;
    console.log(`\n${suite}\n`);
    const result = await (await load()).run([...all(common), ...(small ? less : [])]);
    record.results.push(result);
    Object.assign(record.versions, result.versions);
    await saveRecord(record, json);
  }
}
