// The suite "steps": what a training step of a network costs, batch preparation included, beside the same step in other libraries. With
// --profile, where the time goes: ONNX Runtime's operators, and our own stages.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { duration } from './arguments.mjs';
import { measurePeak } from './losses.mjs';
import { machineFacts } from './measure.mjs';
import { findPeers, peerScript, withPeerOptions } from './peers.mjs';
import { showProfile } from './profile.mjs';
import { originLine, saveRecord, startRecord, tellProblems } from './record.mjs';
import { disagreements, measureSides } from './sides.mjs';
import { stepConfigurations } from './steps-configurations.mjs';
import { stepsTable } from './steps-table.mjs';
import { wrap } from './table.mjs';

const ownCommand = [process.execPath, fileURLToPath(new URL('steps-worker.mjs', import.meta.url))];

const NOTE =
  "×: PyTorch's best time over Limbeck's, in the lines of other libraries (WebAssembly, one thread) theirs: above 1, Limbeck is faster. " +
  "peak: GFLOP/s as a share of the faster matmul row. MB: how far the peak of the process's resident memory rose above what it was " +
  'with everything compiled.';

export async function run(args) {
  const { only, seconds, profile, json, ...peerOptions } = parse(args);
  const configurations = stepConfigurations().filter(({ name }) => !only || name.includes(only));
  const record = startRecord('steps', { only, seconds });
  if (profile) {
    for (const configuration of configurations) {
      record.results.push(await showProfile(configuration.name, ownCommand, configuration, seconds));
    }
    await saveRecord(record, json);
    return record;
  }
  const found = findPeers(peerOptions);
  const table = stepsTable();
  console.log(table.header);
  const { results, peak } = await measurePeak({ found, seconds, versions: record.versions });
  for (const result of results) {
    record.results.push(result);
    console.log(table.rows({ ...result, name: `${result.name} ${result.width}` }));
  }
  for (const configuration of configurations) {
    const result = await measure(configuration, { found, seconds, versions: record.versions });
    const { limbeck } = result.sides;
    if (limbeck.median && peak > 0) limbeck.shareOfPeak = configuration.flop / limbeck.median / 1e6 / peak;
    record.results.push(result);
    await saveRecord(record, json);
    console.log(table.rows(result));
  }
  console.log(`\n${wrap(NOTE, 100)}\n${originLine(record)}`);
  tellProblems(record.results);
  return record;
}

function parse(args) {
  return withPeerOptions(new Command('npm run bench -- steps'))
    .option('--only <name>', 'configurations whose name has this in it')
    .option('--seconds <s>', 'time budget for each configuration and library', duration, 4)
    .option('--profile', 'show where the time goes instead', false)
    .option('--json <file>', 'also write every number')
    .parse(args, { from: 'user' })
    .opts();
}

/** Limbeck's side, PyTorch's (of convolutions in both memory layouts), and those of the peers in JavaScript. */
async function measure({ nodePeers = [], ...configuration }, { found, seconds, versions }) {
  const directory = await mkdtemp(join(tmpdir(), 'limbeck-bench-'));
  const files = Object.fromEntries(
    ['table', 'projection', 'rows', 'batches'].map((name) => [name, join(directory, name)]),
  );
  const request = {
    ...configuration,
    threads: machineFacts().cores,
    ...(configuration.kind === 'static' && { files }),
  };
  const sides = [{ name: 'limbeck', command: ownCommand, request }];
  if (found.torch) {
    for (const name of configuration.kind === 'resnet' ? ['torch', 'channels last'] : ['torch']) {
      const command = [found.torch, peerScript('steps.py')];
      sides.push({ name, command, request: { ...request, channelsLast: name === 'channels last' } });
    }
  }
  for (const name of nodePeers) {
    const { folder, script } = found.nodePeers[name] ?? {};
    if (script) sides.push({ name, command: [process.execPath, script], request: { ...request, folder } });
  }
  try {
    const measured = await measureSides(sides, seconds);
    Object.assign(versions, measured.versions);
    return { ...configuration, sides: measured.sides, problems: problemsOf(measured.sides) };
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** What a peer in JavaScript cannot do stands in its line and is no problem; that it does something else is one. */
function problemsOf({ limbeck, torch, 'channels last': channelsLast, ...others }) {
  const failed = Object.entries({ limbeck, torch, 'channels last': channelsLast })
    .filter(([, figures]) => figures?.error)
    .map(([side, { error }]) => `${side}: ${error}`);
  const other = Object.entries(others).flatMap(([side, figures]) =>
    figures.error || limbeck.error ? [] : disagreements(side, limbeck, figures, ['first']),
  );
  return [...failed, ...other];
}
