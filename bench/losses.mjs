// The suite "losses": what loss and gradient of a batch cost, in time and memory, beside the same work in PyTorch.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { duration, findPeer } from './arguments.mjs';
import { lossConfigurations, MODE_NAMES } from './losses-configurations.mjs';
import { lossTable } from './losses-table.mjs';
import { machineFacts, measureInTurns, Worker } from './measure.mjs';

/** What PyTorch is not asked to hold. */
const PEER_BYTES = 12e9;

/** Relative difference of losses, and of the sums of the gradients' magnitudes, up to which both sides did the same work. */
const AGREEMENT = 1e-3;

const ownScript = fileURLToPath(new URL('losses-worker.mjs', import.meta.url));
const peerScript = fileURLToPath(new URL('peers/losses.py', import.meta.url));

export async function run(args) {
  const { maxBatch, modes, dims, seconds, peers, json } = parse(args);
  const python = peers === false ? undefined : findPeer(peers);
  const table = lossTable();
  const record = {
    suite: 'losses',
    date: new Date().toISOString(),
    machine: machineFacts(),
    versions: {},
    options: { maxBatch, modes, dims, seconds },
    results: [],
  };
  const save = async () => json && (await writeFile(json, `${JSON.stringify(record, null, 2)}\n`));
  await save(); // a file that cannot be written is known before hours of work
  const directory = await mkdtemp(join(tmpdir(), 'limbeck-bench-'));
  let peak = 0;
  try {
    console.log(table.header);
    for (const configuration of lossConfigurations({ modes, dims, maxBatch })) {
      const { versions, sides } = await measure(configuration, { python, seconds, directory });
      Object.assign(record.versions, versions);
      const result = summary(configuration, sides);
      if (configuration.kind === 'matmul') peak = Math.max(peak, result.sides.limbeck.gflops ?? 0);
      else if (result.sides.limbeck.gflops && peak > 0)
        result.sides.limbeck.shareOfPeak = result.sides.limbeck.gflops / peak;
      record.results.push(result);
      await save();
      console.log(table.rows(result));
    }
  } finally {
    await rm(directory, { recursive: true });
  }
  console.log(table.footer(record));
  if (record.results.some(({ problems }) => problems.length > 0)) process.exitCode = 1;
}

function parse(args) {
  return new Command('npm run bench -- losses')
    .option('--max-batch <n>', 'largest batch', count, 65536)
    .option('--modes <list>', `of ${MODE_NAMES.join(',')}`, listOf(modeName), MODE_NAMES)
    .option('--dims <list>', 'widths of embeddings', listOf(count), [128, 384])
    .option('--seconds <s>', 'time budget for each configuration and library', duration, 3)
    .option('--peers [python]', 'a Python with PyTorch to compare with; default LIMBECK_BENCH_PYTHON, or python3')
    .option('--no-peers', 'compare with nothing')
    .option('--json <file>', 'also write every number')
    .parse(args, { from: 'user' })
    .opts();
}

function listOf(parseItem) {
  return (text) => text.split(',').map((item) => parseItem(item.trim()));
}

function count(text) {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('Expected a whole number ≥ 1.');
  return Number(text);
}

function modeName(text) {
  if (!MODE_NAMES.includes(text)) throw new InvalidArgumentError(`There is no mode "${text}".`);
  return text;
}

/** Runs one configuration: on Limbeck's side and, where there is one and it fits, on the peer's. */
async function measure({ peers, ...configuration }, { python, seconds, directory }) {
  const files = { student: join(directory, 'student.f32'), teacher: join(directory, 'teacher.f32') };
  const { cores } = machineFacts();
  const own = { name: 'limbeck', worker: new Worker(process.execPath, [ownScript]) };
  const others = (python ? peers : []).map(({ side: name, form, bytes }) =>
    bytes > PEER_BYTES ? { name, tooLarge: bytes } : { name, form, worker: new Worker(python, [peerScript]) },
  );
  const workers = [own, ...others].filter(({ worker }) => worker);
  try {
    const prepare = async (side) => {
      const request = { ...configuration, form: side.form, files, threads: cores };
      Object.assign(side, await side.worker.request({ prepare: request }));
    };
    // In order, since the first writes the rows that the others read; without it there is nothing to compare with.
    for (const side of workers) if (side === own || own.facts) await prepare(side);
    const ready = workers.filter(({ facts }) => facts);
    const measured = await measureInTurns(
      ready.map(({ worker }) => worker),
      seconds,
    );
    for (const [i, side] of ready.entries()) Object.assign(side, measured[i]);
  } finally {
    for (const { worker } of workers) await worker.end();
  }
  const sides = [own, ...others];
  return {
    versions: Object.assign({}, ...sides.map(({ facts }) => facts)),
    sides: Object.fromEntries(sides.map(({ name, worker, form, facts, ...figures }) => [name, figures])),
  };
}

/** Rates, ratios, and whether both sides agree. */
function summary({ name, batch, width, flop, peers }, measured) {
  const { limbeck } = measured;
  const problems = [];
  const sides = {};
  for (const [side, figures] of Object.entries(measured)) {
    const { error, median } = figures;
    sides[side] = { ...figures };
    if (error) problems.push(`${side}: ${error}`);
    if (median === undefined) continue;
    sides[side].gflops = flop / median / 1e6;
    if (side === 'limbeck' || limbeck.median === undefined) continue;
    sides[side].ratio = median / limbeck.median;
    for (const what of peers.find((peer) => peer.side === side).comparable ? ['loss', 'gradient'] : []) {
      const [own, other] = [limbeck[what], figures[what]];
      if (Math.abs(own - other) <= AGREEMENT * Math.abs(other)) continue;
      problems.push(`not the same work: ${what} ${own} in limbeck, ${other} in PyTorch`);
    }
  }
  return { name, batch, width, flop, sides, problems };
}
