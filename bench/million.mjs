// The suite "million": a static student distilled from precomputed rows of as many texts, all of it by way of files: what every stage
// takes, and the most memory that the process ever held. The texts and their rows are made up: a row is the mean of random vectors of
// the text's words, which a student can learn.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { Random } from 'limbeck';
import { floatsToHalves } from '../dist/matrix/half-precision.js';
import { count } from './arguments.mjs';
import { MadeUpTexts } from './material.mjs';
import { machineFacts } from './measure.mjs';

export async function run(args) {
  const options = parse(args);
  const directory = await mkdtemp(join(tmpdir(), 'limbeck-million-'));
  try {
    const files = { texts: join(directory, 'texts.txt'), rows: join(directory, 'rows.npy') };
    await makeFiles(files, options);
    const bytes = (await stat(files.rows)).size;
    console.log(
      `${options.texts.toLocaleString('en')} texts, rows of ${options.dimension} in float16, ${(bytes / 1e6).toFixed(0)} MB\n`,
    );
    // A process of its own, so that making the files does not count.
    const worker = fileURLToPath(new URL('million-worker.mjs', import.meta.url));
    const child = spawn(process.execPath, [worker, JSON.stringify({ ...options, files, directory })], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    const [status] = await once(child, 'close');
    if (status !== 0) throw new Error(`The worker ended with status ${status}.`);
    const stages = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const cells = stages.map(({ stage, seconds, perSecond, peakBytes }) => [
      stage,
      seconds.toFixed(1),
      Math.round(perSecond).toLocaleString('en'),
      (peakBytes / 1e6).toFixed(0),
    ]);
    for (const row of [['stage', 's', 'texts/s', 'peak MB so far'], ...cells]) {
      console.log(
        `${row[0].padEnd(34)}${row
          .slice(1)
          .map((cell) => cell.padStart(16))
          .join('')}`,
      );
    }
    const last = stages.at(-1);
    console.log(
      `\nR@1 of 1,000 held-out texts ${last.recallAt1.toFixed(3)}; peak memory ${(last.peakBytes / 1e9).toFixed(2)} GB`,
    );
    const record = { suite: 'million', date: new Date().toISOString(), machine: machineFacts(), options, stages };
    if (options.json) await writeFile(options.json, `${JSON.stringify(record, null, 2)}\n`);
    if (!(last.recallAt1 > 0.1)) {
      console.error('PROBLEM: the student has not learned, so the figures say nothing.');
      process.exitCode = 1;
    }
  } finally {
    await rm(directory, { recursive: true });
  }
}

function parse(args) {
  return new Command('npm run bench -- million')
    .option('--texts <n>', 'how many', count, 1_000_000)
    .option('--dimension <n>', 'width of a row', count, 384)
    .option('--batch-size <n>', 'texts in a batch', count, 256)
    .option('--epochs <n>', 'passes over the texts', count, 1)
    .option('--width <n>', "width of the student's token vectors", count, 96)
    .option('--stream', 'leave the texts on disk, too')
    .option('--json <file>', 'also write every number')
    .parse(args, { from: 'user' })
    .opts();
}

/** texts.txt, a text a line, and rows.npy, float16 [texts, dimension]. */
async function makeFiles(files, { texts: total, dimension }) {
  const random = new Random(0);
  const vectors = Float32Array.from({ length: MadeUpTexts.words * dimension }, () => random.normal());
  const texts = new MadeUpTexts(random);
  const [textFile, rows] = [createWriteStream(files.texts), createWriteStream(files.rows)];
  const write = async (stream, chunk) => stream.write(chunk) || once(stream, 'drain');
  const header = `{'descr': '<f2', 'fortran_order': False, 'shape': (${total}, ${dimension}), }`;
  const padded = `${header.padEnd(117)}\n`;
  await write(rows, Buffer.concat([Buffer.from('\x93NUMPY\x01\x00v\x00', 'latin1'), Buffer.from(padded, 'latin1')]));
  for (let start = 0; start < total; start += 1000) {
    const size = Math.min(1000, total - start);
    const block = new Float32Array(size * dimension);
    let lines = '';
    for (let i = 0; i < size; i++) {
      const { text, places } = texts.next();
      for (const place of places) {
        for (let j = 0; j < dimension; j++) block[i * dimension + j] += vectors[place * dimension + j] / places.length;
      }
      lines += `${text}\n`;
    }
    await write(textFile, lines);
    const halves = floatsToHalves(block);
    await write(rows, Buffer.from(halves.buffer, halves.byteOffset, halves.byteLength));
  }
  for (const stream of [textFile, rows]) {
    stream.end();
    await once(stream, 'close');
  }
}
