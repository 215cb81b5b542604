// The suite "data": how fast data come in, each way in a process of its own: texts from files, a tokenizer, encoding, images, cached rows.
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { Matrix, Random, writeNpy } from 'limbeck';
import sharp from 'sharp';
import { count, duration } from './arguments.mjs';
import { MadeUpTexts } from './material.mjs';
import { parquetFile } from './parquet-file.mjs';
import { originLine, saveRecord, startRecord, tellProblems } from './record.mjs';
import { disagreements, measureSides } from './sides.mjs';
import { formatFigure, tableLines, wrap } from './table.mjs';

const command = [process.execPath, fileURLToPath(new URL('data-worker.mjs', import.meta.url))];

const DIMENSION = 384;
/** Sides of the image files, and of what they are brought to. */
const FILE_SIZE = 160;
const IMAGE_SIZE = 96;

const COLUMNS = [
  { label: '', width: 26, left: true },
  { label: 'samples', width: 9 },
  { label: 'ms', width: 8 },
  { label: 'samples/s', width: 11 },
  { label: 'MB/s', width: 8 },
  { label: 'runs', width: 5 },
  { label: 'MB', width: 6 },
];

const NOTE =
  "samples/s: all samples over the median. MB/s: the file's bytes (of images, the files'; of cached rows, as stored). MB: the peak of the " +
  "process's resident memory, Node and libraries included.";

export async function run(args) {
  const { json, seconds, ...sizes } = parse(args);
  const record = startRecord('data', { ...sizes, seconds });
  const directory = await mkdtemp(join(tmpdir(), 'limbeck-data-'));
  try {
    const { header, line } = tableLines(COLUMNS);
    console.log(header);
    for (const { name, samples, bytes, expected, ...request } of await makeMaterial(directory, sizes)) {
      const { versions, sides } = await measureSides([{ name, command, request: { ...request, samples } }], seconds);
      Object.assign(record.versions, versions);
      const figures = sides[name];
      const { error, median, runs, residentBytes } = figures;
      const problems = error ? [error] : [];
      if (!error && expected !== undefined)
        problems.push(...disagreements('the material', figures, { gradient: expected }, ['gradient']));
      const samplesPerSecond = median && (1000 * samples) / median;
      const bytesPerSecond = median && bytes && (1000 * bytes) / median;
      record.results.push({ name, samples, bytes, ...figures, samplesPerSecond, bytesPerSecond, problems });
      await saveRecord(record, json);
      const rate = bytesPerSecond ? formatFigure(bytesPerSecond / 1e6) : '';
      console.log(
        error
          ? line([name, String(samples), 'failed', '', '', '', ''])
          : line([
              name,
              samples.toLocaleString('en'),
              formatFigure(median),
              formatFigure(samplesPerSecond),
              rate,
              String(runs),
              formatFigure(residentBytes / 1e6),
            ]),
      );
    }
  } finally {
    await rm(directory, { recursive: true });
  }
  console.log(`\n${wrap(NOTE, 100)}\n${originLine(record)}`);
  tellProblems(record.results);
  return record;
}

function parse(args) {
  return new Command('npm run bench -- data')
    .option('--texts <n>', 'texts in a file', count, 100_000)
    .option('--images <n>', 'image files', count, 1000)
    .option('--rows <n>', 'rows in a teacher cache', count, 50_000)
    .option('--seconds <s>', 'time budget for each', duration, 4)
    .option('--json <file>', 'also write every number')
    .parse(args, { from: 'user' })
    .opts();
}

/** The files, and what is to be measured on them. */
async function makeMaterial(directory, sizes) {
  const images = await makeImages(join(directory, 'images'), sizes.images);
  return [...(await makeTexts(directory, sizes.texts)), ...images, ...(await makeRows(directory, sizes.rows))];
}

async function makeTexts(directory, samples) {
  const source = new MadeUpTexts();
  const texts = Array.from({ length: samples }, () => source.next().text);
  const contents = {
    txt: texts.map((text) => `${text}\n`).join(''),
    jsonl: texts.map((text, id) => `${JSON.stringify({ id, text })}\n`).join(''),
    csv: `id,text\n${texts.map((text, id) => `${id},"${text}"\n`).join('')}`,
    parquet: parquetFile('text', texts),
  };
  const characters = texts.reduce((sum, { length }) => sum + length, 0);
  const reading = [];
  for (const [format, content] of Object.entries(contents)) {
    const file = join(directory, `texts.${format}`);
    await writeFile(file, content);
    const { size: bytes } = await stat(file);
    reading.push({ name: `read .${format}`, kind: 'texts', file, samples, bytes, expected: characters });
  }
  const [{ file, bytes }] = reading;
  return [
    ...reading,
    { name: 'train a tokenizer', kind: 'train', file, samples, bytes },
    { name: 'encode', kind: 'encode', file, samples, bytes },
  ];
}

/** JPEG files of soft patches of colour, which compress about as photographs do. */
async function makeImages(directory, samples) {
  const random = new Random(0);
  await mkdir(directory);
  let bytes = 0;
  for (let i = 0; i < samples; i++) {
    const patches = Buffer.from(Uint8Array.from({ length: 3 * 20 * 20 }, () => random.integer(256)));
    const file = join(directory, `${String(i).padStart(6, '0')}.jpg`);
    const raw = { width: 20, height: 20, channels: 3 };
    const { size } = await sharp(patches, { raw }).resize(FILE_SIZE, FILE_SIZE).jpeg({ quality: 90 }).toFile(file);
    bytes += size;
  }
  const shared = { directory, size: IMAGE_SIZE, samples, bytes };
  return [
    { name: 'decode images', kind: 'images', ...shared },
    { name: 'decode and augment images', kind: 'augment', ...shared },
  ];
}

async function makeRows(directory, samples) {
  const random = new Random(0);
  const matrix = Matrix.zeros(samples, DIMENSION);
  for (let k = 0; k < matrix.data.length; k++) matrix.data[k] = random.normal();
  const file = join(directory, 'rows.npy');
  await writeFile(file, writeNpy(matrix));
  let expected = 0;
  for (let i = 0; i < samples; i++) {
    const row = matrix.row(i);
    expected += Math.abs(row[0]) + Math.abs(row[DIMENSION - 1]);
  }
  return ['float32', 'float16'].map((dtype) => ({
    ...{ name: `cached rows, ${dtype}`, kind: 'rows', file, dtype, samples, expected },
    directory: join(directory, dtype),
    bytes: samples * DIMENSION * (dtype === 'float32' ? 4 : 2),
  }));
}
