// The suite "steps": what a training step of a network costs, batch preparation included, beside the same step in PyTorch. With --profile,
// where the time goes: ONNX Runtime's operators, and what is left for JavaScript.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { duration, findPeer } from './arguments.mjs';
import { machineFacts, measureInTurns, Worker } from './measure.mjs';
import { profileLines } from './ort-profile.mjs';
import { stepConfigurations } from './steps-configurations.mjs';
import { formatFigure, tableLines } from './table.mjs';

const ownScript = fileURLToPath(new URL('steps-worker.mjs', import.meta.url));
const peerScript = fileURLToPath(new URL('peers/steps.py', import.meta.url));

const COLUMNS = [
  { label: '', width: 14, left: true },
  { label: 'ms', width: 8 },
  { label: 'samples/s', width: 10 },
  { label: 'GFLOP/s', width: 8 },
  { label: 'runs', width: 6 },
  { label: 'MB', width: 7 },
  { label: 'torch ms', width: 9 },
  { label: 'channels last', width: 14 },
  { label: '×', width: 6 },
];

export async function run(args) {
  const { only, seconds, peers, profile, json } = parse(args);
  const python = peers === false || profile ? undefined : findPeer(peers);
  const { header, line } = tableLines(COLUMNS);
  const record = { suite: 'steps', date: new Date().toISOString(), machine: machineFacts(), versions: {}, results: [] };
  if (!profile) console.log(header);
  for (const configuration of stepConfigurations().filter(({ name }) => !only || name.includes(only))) {
    if (profile) {
      await showProfile(configuration, seconds);
      continue;
    }
    const result = await measure(configuration, { python, seconds, versions: record.versions });
    record.results.push(result);
    console.log(line(cells(result)));
    for (const problem of result.problems) console.error(`PROBLEM ${result.name}: ${problem}`);
    if (result.problems.length > 0) process.exitCode = 1;
  }
  if (json) await writeFile(json, `${JSON.stringify(record, null, 2)}\n`);
  if (profile) return;
  const { cpu, cores, node } = record.machine;
  const versions = Object.entries(record.versions).map(([what, version]) => `, ${what} ${version}`);
  console.log(
    `\n× is PyTorch's best time over Limbeck's: above 1, Limbeck is faster.\n${cpu}, ${cores} cores; Node ${node}${versions.join('')}`,
  );
}

function parse(args) {
  return new Command('npm run bench -- steps')
    .option('--only <name>', 'configurations whose name has this in it')
    .option('--seconds <s>', 'time budget for each configuration and library', duration, 4)
    .option('--peers [python]', 'a Python with PyTorch to compare with; default LIMBECK_BENCH_PYTHON, or python3')
    .option('--no-peers', 'compare with nothing')
    .option('--profile', 'show where the time goes instead', false)
    .option('--json <file>', 'also write every number')
    .parse(args, { from: 'user' })
    .opts();
}

/** Limbeck's side and, where there is one, PyTorch's in both memory layouts, in alternate turns. */
async function measure(configuration, { python, seconds, versions }) {
  const { cores } = machineFacts();
  const sides = [{ name: 'limbeck', worker: new Worker(process.execPath, [ownScript]) }];
  const layouts = configuration.kind === 'resnet' ? ['torch', 'channels last'] : ['torch'];
  if (python) sides.push(...layouts.map((name) => ({ name, worker: new Worker(python, [peerScript]) })));
  try {
    for (const side of sides) {
      const request = { ...configuration, threads: cores, channelsLast: side.name === 'channels last' };
      Object.assign(side, await side.worker.request({ prepare: request }));
      Object.assign(versions, side.facts);
    }
    const ready = sides.filter(({ facts }) => facts);
    const measured = await measureInTurns(
      ready.map(({ worker }) => worker),
      seconds,
    );
    for (const [i, side] of ready.entries()) Object.assign(side, measured[i]);
  } finally {
    for (const { worker } of sides) await worker.end();
  }
  const figures = Object.fromEntries(sides.map(({ name, worker, facts, ...rest }) => [name, rest]));
  const problems = sides.filter(({ error }) => error).map(({ name, error }) => `${name}: ${error}`);
  return { ...configuration, figures, problems };
}

function cells({ name, batch, flop, figures }) {
  const { limbeck, torch, 'channels last': channelsLast } = figures;
  const figure = (value) => (value === undefined ? '–' : formatFigure(value));
  const best = Math.min(torch?.median ?? Infinity, channelsLast?.median ?? Infinity);
  return [
    name,
    figure(limbeck.median),
    figure(limbeck.median && (1000 * batch) / limbeck.median),
    figure(limbeck.median && flop / limbeck.median / 1e6),
    String(limbeck.runs ?? '–'),
    figure(limbeck.peakBytes && limbeck.peakBytes / 1e6),
    figure(torch?.median),
    figure(channelsLast?.median),
    limbeck.median && Number.isFinite(best) ? (best / limbeck.median).toFixed(2) : '–',
  ];
}

/** Runs steps with ONNX Runtime's profiler on, and prints what it says by operator. */
async function showProfile(configuration, seconds) {
  const directory = await mkdtemp(join(tmpdir(), 'limbeck-profile-'));
  const worker = new Worker(process.execPath, [ownScript]);
  try {
    const reply = await worker.request({ prepare: { ...configuration, profile: join(directory, 'ort') } });
    if (reply.error) throw new Error(reply.error);
    const { milliseconds } = await worker.request({ turn: { seconds, limit: 1000 } });
    await worker.request({ release: true });
    const mean = milliseconds.reduce((a, b) => a + b) / milliseconds.length;
    const [file] = await readdir(directory);
    console.log(
      `${configuration.name}: ${formatFigure(mean)} ms a step over ${milliseconds.length} steps, profiler on`,
    );
    console.log(profileLines(await readFile(join(directory, file), 'utf8'), mean).join('\n'));
  } finally {
    await worker.end();
    await rm(directory, { recursive: true });
  }
}
