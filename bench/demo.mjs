// The suite "demo": the demo from an empty cache to its report, in a process of its own: how long, how much memory, and what it comes to.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { count } from './arguments.mjs';
import { partLines } from './ort-profile.mjs';
import { originLine, saveRecord, startRecord, tellProblems } from './record.mjs';

const demo = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const tellPeak = new URL('tell-peak.mjs', import.meta.url).href;

export async function run(args) {
  const { json, ...options } = parse(args);
  const record = startRecord('demo', options);
  const directory = await mkdtemp(join(tmpdir(), 'limbeck-demo-'));
  try {
    const out = join(directory, 'run');
    const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const { seconds, peakBytes } = await measureDemo(['--out', out, '--cache', join(directory, 'cache'), ...flags]);
    const { results, teacher, machine, limbeck } = JSON.parse(await readFile(join(out, 'run.json'), 'utf8'));
    Object.assign(record.versions, { limbeck, onnxruntime: machine.onnxruntime });
    const parts = partsOf({ seconds, results, teacher });
    const scores = results.map(({ label, seed, metrics }) => ({ label, seed, metrics }));
    record.results.push({ name: 'demo', seconds, peakBytes, parts, scores, problems: problemsOf(results) });
    await saveRecord(record, json);
    console.log(partLines(parts, 'the demo').join('\n'));
    console.log(`\n${seconds.toFixed(1)} s from an empty cache, peak memory ${(peakBytes / 1e6).toFixed(0)} MB`);
    for (const { label, metrics } of scores) {
      const numbers = Object.entries(metrics).map(([name, value]) => `${name} ${value.toFixed(3)}`);
      console.log(`${label}: ${numbers.join(', ')}`);
    }
    console.log(originLine(record));
    tellProblems(record.results);
    return record;
  } finally {
    await rm(directory, { recursive: true });
  }
}

function parse(args) {
  return new Command('npm run bench -- demo')
    .option('--texts <n>', "texts to train on; default the demo's", count)
    .option('--epochs <n>', "passes over the texts; default the demo's", count)
    .option('--json <file>', 'also write every number')
    .parse(args, { from: 'user' })
    .opts();
}

/** The command as a user runs it; its own output is not shown. The child tells its peak of memory on descriptor 3. */
async function measureDemo(args) {
  const start = performance.now();
  const child = spawn(process.execPath, ['--import', tellPeak, demo, 'demo', ...args], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  const texts = ['', ''];
  for (const [i, stream] of [child.stdio[2], child.stdio[3]].entries()) {
    stream.on('data', (chunk) => {
      texts[i] += chunk;
    });
  }
  const [status] = await once(child, 'close');
  const seconds = (performance.now() - start) / 1000;
  if (status !== 0) throw new Error(`The demo ended with status ${status}: ${texts[0]}`);
  return { seconds, peakBytes: Number(texts[1]) };
}

/** What the run says of its parts, and what is left. */
function partsOf({ seconds, results, teacher }) {
  const parts = [
    { what: `teacher rows, ${teacher.rowsComputed} texts`, milliseconds: 1000 * teacher.seconds },
    ...results
      .filter(({ trainingSeconds }) => trainingSeconds !== null)
      .map(({ label, trainingSeconds }) => ({ what: `training: ${label}`, milliseconds: 1000 * trainingSeconds })),
  ];
  const rest = 1000 * seconds - parts.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  return [...parts, { what: 'start, data, measuring of all models, report', milliseconds: rest }];
}

/** Scores that say that the run did what it is for. */
function problemsOf(results) {
  const recall = (method) => results.find((result) => result.method === method)?.metrics.recallAt1;
  const numbers = results.flatMap(({ metrics }) => Object.values(metrics));
  return [
    ...(numbers.every(Number.isFinite) ? [] : ['a score is not finite']),
    ...(recall('ntxent-bank') > recall('untrained') ? [] : ['the student has not learned, so the figures say nothing']),
  ];
}
