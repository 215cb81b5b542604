// The suite "losses": what loss and gradient of a batch cost, in time and memory, beside the same work in other libraries. With
// --profile, where the time goes.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { count, duration, listOf } from './arguments.mjs';
import { lossConfigurations, MODE_NAMES, matmulConfigurations } from './losses-configurations.mjs';
import { lossTable } from './losses-table.mjs';
import { machineFacts } from './measure.mjs';
import { findPeers, NODE_PEERS, peerScript, withPeerOptions } from './peers.mjs';
import { showProfile } from './profile.mjs';
import { saveRecord, startRecord } from './record.mjs';
import { disagreements, measureSides } from './sides.mjs';

/** What PyTorch is not asked to hold, and what the others are not, whose memory is WebAssembly's. */
const TORCH_BYTES = 12e9;
const NODE_BYTES = 2e9;

const ownCommand = [process.execPath, fileURLToPath(new URL('losses-worker.mjs', import.meta.url))];

export async function run(args) {
  const { maxBatch, modes, dims, seconds, json, profile, ...peerOptions } = parse(args);
  const record = startRecord('losses', { maxBatch, modes, dims, seconds });
  await saveRecord(record, json); // a file that cannot be written is known before hours of work
  const configurations = lossConfigurations({ modes, dims, maxBatch });
  const directory = await mkdtemp(join(tmpdir(), 'limbeck-bench-'));
  const files = { student: join(directory, 'student.f32'), teacher: join(directory, 'teacher.f32') };
  try {
    if (profile) {
      for (const { peers, ...configuration } of configurations) {
        const name = `${configuration.name} ${configuration.batch} × ${configuration.width}`;
        record.results.push(await showProfile(name, ownCommand, { ...configuration, files }, seconds));
      }
      await saveRecord(record, json);
      return record;
    }
    const table = lossTable();
    const found = findPeers(peerOptions);
    console.log(table.header);
    let peak = 0;
    for (const configuration of configurations) {
      const result = await measureLosses(configuration, { found, seconds, files, versions: record.versions });
      if (configuration.kind === 'matmul') peak = Math.max(peak, result.sides.limbeck.gflops ?? 0);
      else if (result.sides.limbeck.gflops && peak > 0)
        result.sides.limbeck.shareOfPeak = result.sides.limbeck.gflops / peak;
      record.results.push(result);
      await saveRecord(record, json);
      console.log(table.rows(result));
    }
    console.log(table.footer(record));
    if (record.results.some(({ problems }) => problems.length > 0)) process.exitCode = 1;
    return record;
  } finally {
    await rm(directory, { recursive: true });
  }
}

/**
 * The matrix products that shares of the peak are taken of, for suites that have none of their own.
 *
 * @returns { results, peak: GFLOP/s of the fastest }
 */
export async function measurePeak({ found, seconds, versions }) {
  const directory = await mkdtemp(join(tmpdir(), 'limbeck-bench-'));
  const files = { student: join(directory, 'student.f32'), teacher: join(directory, 'teacher.f32') };
  try {
    const results = [];
    for (const configuration of matmulConfigurations([384])) {
      results.push(await measureLosses(configuration, { found, seconds, files, versions }));
    }
    return { results, peak: Math.max(...results.map(({ sides }) => sides.limbeck.gflops ?? 0)) };
  } finally {
    await rm(directory, { recursive: true });
  }
}

function parse(args) {
  return withPeerOptions(new Command('npm run bench -- losses'))
    .option('--max-batch <n>', 'largest batch', count, 65536)
    .option('--modes <list>', `of ${MODE_NAMES.join(',')}`, listOf(modeName), MODE_NAMES)
    .option('--dims <list>', 'widths of embeddings', listOf(count), [128, 384])
    .option('--seconds <s>', 'time budget for each configuration and library', duration, 3)
    .option('--profile', 'show where the time goes instead', false)
    .option('--json <file>', 'also write every number')
    .parse(args, { from: 'user' })
    .opts();
}

function modeName(text) {
  if (!MODE_NAMES.includes(text)) throw new InvalidArgumentError(`There is no mode "${text}".`);
  return text;
}

/** One configuration on Limbeck's side and on those of the peers that are there and that it fits. */
async function measureLosses({ peers, ...configuration }, { found, seconds, files, versions }) {
  const request = { ...configuration, files, threads: machineFacts().cores };
  const sides = [{ name: 'limbeck', command: ownCommand, request }];
  for (const { side: name, form, bytes } of peers) {
    const inNode = name in NODE_PEERS;
    if (inNode ? !found.nodePeers[name] : !found.torch) continue;
    if (bytes > (inNode ? NODE_BYTES : TORCH_BYTES)) {
      sides.push({ name, tooLarge: bytes });
      continue;
    }
    const { folder, script } = found.nodePeers[name] ?? {};
    const command = inNode ? [process.execPath, script] : [found.torch, peerScript('losses.py')];
    sides.push({ name, command, request: { ...request, form, folder } });
  }
  const { versions: seen, sides: measured } = await measureSides(sides, seconds);
  Object.assign(versions, seen);
  return summary({ ...configuration, peers }, measured);
}

/** Rates, ratios, and whether the sides agree. */
function summary({ name, kind, batch, width, flop, peers }, measured) {
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
    const { comparable } = peers.find((peer) => peer.side === side);
    if (comparable) problems.push(...disagreements(side, limbeck, figures, ['loss', 'gradient']));
  }
  return { name, kind, batch, width, flop, sides, problems };
}
