/** Saved students read again: the same numbers, and clear words where the files are not a student's. */
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TextTokenizer } from '../../src/data/tokenizer.ts';
import * as g from '../../src/graph/index.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { mlp } from '../../src/students/images/mlp.ts';
import { resnet } from '../../src/students/images/resnet.ts';
import { LoadedStudent } from '../../src/students/loaded-student.ts';
import { imageInputs, textInputs } from '../../src/students/onnx/onnx-inputs.ts';
import { OnnxStudent } from '../../src/students/onnx/onnx-student.ts';
import { transformerEncoder } from '../../src/students/transformer/transformer-encoder.ts';
import { Student } from '../../src/training/student.ts';
import { MINILM } from '../material.ts';
import { tinyStudent, wordNetTexts } from '../training/tiny-problem.ts';

const { texts } = wordNetTexts(40);
const queries = ['in a piano manner', 'slowly', '', 'a '.repeat(200)];
const random = new Random(4);
const numbers = (length: number) => Float32Array.from({ length }, () => random.normal());
const weight = (...shape: number[]) => g.constant(numbers(shape.reduce((n, d) => n * d, 1)), 'float32', shape);

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'limbeck load-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const failure = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });
const changed = (directory: string, name: string, change: (path: string) => void): string => {
  const copy = mkdtempSync(join(root, 'changed-'));
  cpSync(directory, copy, { recursive: true });
  change(join(copy, name));
  return copy;
};
const softmax = (logits: ArrayLike<number>) => {
  const powers = Array.from(logits, Math.exp);
  return powers.map((power) => power / powers.reduce((a, b) => a + b));
};

describe('text students', () => {
  const student = tinyStudent(texts, { width: 6, dimension: 9, seed: 1 });

  it('static embeddings: the same bits as before saving', async () => {
    const directory = join(root, 'static');
    await student.save(directory);
    const [embedder, loaded] = [await student.toEmbedder(), await Student.load(directory)];
    expect(await loaded.embed(queries)).toEqual(await embedder.embed(queries));
    expect([loaded.kind, loaded.dimension, loaded.classes, loaded.classNames]).toEqual([
      'text',
      9,
      undefined,
      undefined,
    ]);
    expect(loaded.modelBytes).toBe(student.toOnnx().length);
    expect(await loaded.embed([])).toEqual(Matrix.zeros(0, 9));
    expect((await loaded.embed(['one'])).rows).toBe(1);
    await expect(loaded.classify(queries)).rejects.toThrow(failure('UNSUPPORTED', /got one without/));
    await expect(loaded.embed('slowly' as never)).rejects.toThrow(
      failure('INVALID_ARGUMENT', /expected an array of samples/),
    );
    await expect(loaded.embed([Float32Array.of(1)])).rejects.toThrow(failure('INVALID_ARGUMENT', /expected a string/));
    await Promise.all([embedder.release(), loaded.release()]);
    expect(() => student.toFiles({ classNames: ['a'] })).toThrow(failure('INVALID_OPTION', /expected none, since/));
  });

  it('a directory of limbeck demo, without a "limbeck" object', async () => {
    const files = student.toFiles();
    const config = JSON.parse(files.get('config.json') as string);
    delete config.limbeck;
    files.set('config.json', JSON.stringify(config));
    const loaded = await LoadedStudent.fromFiles(files, 'old');
    const embedder = await student.toEmbedder();
    expect(await loaded.embed(queries)).toEqual(await embedder.embed(queries));
    await Promise.all([embedder.release(), loaded.release()]);
  });

  it('a transformer that classifies: logits, labels and softmax scores', async () => {
    const { tokenizer } = student;
    const build = transformerEncoder(tokenizer, { layers: 1, heads: 2, hidden: 8, dimension: 5, classes: 3, seed: 2 });
    const directory = join(root, 'transformer');
    await build.save(directory, { classNames: ['noun', 'verb', 'adverb'] });
    const [embedder, loaded] = [await build.toEmbedder(), await Student.load(directory)];
    expect(await loaded.embed(queries)).toEqual(await embedder.embed(queries));
    const logits = await embedder.classify(queries);
    const found = await loaded.classify(queries);
    for (const [i, { index, label, score, logits: row }] of found.entries()) {
      expect(row).toEqual(logits.row(i).slice());
      expect(index).toBe(row.indexOf(Math.max(...row)));
      expect(label).toBe(['noun', 'verb', 'adverb'][index]);
      expect(score).toBeCloseTo(softmax(row)[index], 12);
    }
    expect(JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8'))).toMatchObject({
      id2label: { 0: 'noun', 1: 'verb', 2: 'adverb' },
    });
    await Promise.all([embedder.release(), loaded.release()]);
    for (const classNames of [['noun'], ['a', 'a', 'b']]) {
      expect(() => build.toFiles({ classNames })).toThrow(
        failure('INVALID_OPTION', /^classNames: expected 3 different/),
      );
    }
  });

  it.each(['mean', 'first'] as const)('a student from an ONNX file, pooling %s, with token types', async (pooling) => {
    const { tokenizer } = student;
    const inputs = ['input_ids', 'attention_mask', 'token_type_ids'].map((name) => g.input(name, 'int64', ['n', 'l']));
    const [ids, mask, types] = inputs;
    const odd = g.unsqueeze(g.mul(g.cast(g.add(mask, types), 'float32'), 0.5), 2);
    const hidden = g.add(g.matmul(g.gather(weight(tokenizer.vocabularySize, 6), ids), weight(6, 7)), odd);
    const bytes = g.writeOnnx({ inputs, outputs: { hidden } });
    const options = { embeddings: 'hidden', pooling, inputs: textInputs(tokenizer) };
    const onnx = OnnxStudent.read({ bytes, name: 'encoder.onnx' }, options);
    const directory = join(root, `onnx-${pooling}`);
    await onnx.save(directory);
    const loaded = await Student.load(directory);
    expect(loaded.format).toMatchObject({ inputs: ['input_ids', 'attention_mask', 'token_type_ids'], pooling });
    const advice = readFileSync(join(directory, 'README.md'), 'utf8');
    expect(advice).toContain(`{ pooling: '${pooling === 'mean' ? 'mean' : 'cls'}', normalize: true }`);
    const [ours, theirs] = [await loaded.embed(queries), await onnx.embed(queries)];
    for (const [k, value] of theirs.data.entries()) expect(ours.data[k]).toBeCloseTo(value, 6);
    await loaded.release();
    const own = OnnxStudent.read(
      { bytes, name: 'encoder.onnx' },
      { ...options, inputs: { encode: (samples: string[]) => samples, feeds: () => ({}) } },
    );
    await expect(own.save(join(root, 'own'))).rejects.toThrow(failure('UNSUPPORTED', /inputs of your own/));
  });

  it('a BERT-type ONNX student runs in transformers.js, mean-pooled: absolute error < 1e-5', async () => {
    const { env, pipeline } = await import('@huggingface/transformers');
    env.allowRemoteModels = false;
    env.allowLocalModels = true;
    const extractor = await pipeline('feature-extraction', join(root, 'onnx-mean'), { dtype: 'fp32' });
    const loaded = await Student.load(join(root, 'onnx-mean'));
    const ours = await loaded.embed(queries.slice(0, 3));
    const theirs = await extractor(queries.slice(0, 3), { pooling: 'mean', normalize: true });
    for (const [k, value] of (theirs.data as Float32Array).entries()) expect(ours.data[k]).toBeCloseTo(value, 5);
    await Promise.all([loaded.release(), extractor.dispose()]);
  });
});

describe('image students', () => {
  const normalize = { mean: [0.4, 0.5, 0.6], std: [0.2, 0.3, 0.25] };
  const student = resnet({
    depth: 8,
    width: 0.25,
    channels: 3,
    size: [6, 5],
    classes: 2,
    dimension: 4,
    normalize,
    seed: 3,
  });
  const pixels = Array.from({ length: 70 }, () => Float32Array.from(numbers(90), (x) => Math.min(1, Math.abs(x))));
  let directory: string;
  beforeAll(async () => {
    directory = join(root, 'images');
    await student.save(directory, { classNames: ['cat', 'dog'], foldBatchNorm: true, fit: 'fill' });
  });

  it('the same bits as before saving, embeddings and logits', async () => {
    const [embedder, loaded] = [await student.toEmbedder({ foldBatchNorm: true }), await Student.load(directory)];
    expect(await loaded.embed(pixels)).toEqual(await embedder.embed(pixels));
    expect(await loaded.logits(pixels)).toEqual(await embedder.classify(pixels));
    expect(loaded.format).toMatchObject({ kind: 'image', height: 6, width: 5, channels: 3, fit: 'fill' });
    expect(await loaded.embed([])).toEqual(Matrix.zeros(0, 4));
    const broken = Float32Array.from(pixels[0]).fill(Number.NaN, 3, 4);
    await expect(loaded.embed([broken])).rejects.toThrow(failure('NON_FINITE', /images: rows of the samples/));
    await expect(loaded.embed([Float32Array.of(1)])).rejects.toThrow(failure('SHAPE_MISMATCH', /images\[0\]/));
    await expect(loaded.embed([7 as never])).rejects.toThrow(failure('INVALID_ARGUMENT', /images\[0\]/));
    await Promise.all([embedder.release(), loaded.release()]);
  });

  it('files and their bytes: a PNG of the size gives what its pixels give', async () => {
    const bytes = Uint8Array.from({ length: 90 }, (_, k) => (k * 37) % 256);
    const rows = Uint8Array.from({ length: 90 }, (_, k) => bytes[(k % 3) * 30 + Math.floor(k / 3)]);
    const png = await sharp(rows, { raw: { width: 5, height: 6, channels: 3 } })
      .png()
      .toBuffer();
    const path = join(root, 'one.png');
    writeFileSync(path, png);
    const loaded = await Student.load(directory);
    const expected = await loaded.embed([bytes]);
    expect(await loaded.embed([path])).toEqual(expected);
    expect(await loaded.embed([{ encoded: new Uint8Array(png) }])).toEqual(expected);
    expect((await loaded.classify([path, bytes])).map(({ label }) => label)).toEqual([
      expect.any(String),
      expect.any(String),
    ]);
    writeFileSync(join(root, 'bad.png'), png.subarray(0, 40));
    await expect(loaded.embed([join(root, 'bad.png')])).rejects.toThrow(failure('FILE_CORRUPT', /bad\.png: expected/));
    await expect(loaded.embed([join(root, 'none.png')])).rejects.toThrow(failure('FILE_UNREADABLE', /none\.png/));
    await loaded.release();
    const bare = await LoadedStudent.fromFiles(student.toFiles(), 'in memory');
    await expect(bare.embed([path])).rejects.toThrow(failure('UNSUPPORTED', /no decoder was given/));
    await bare.release();
  });

  it('a student from an ONNX file: normalisation moves into the graph, the input keeps its name', async () => {
    const x = g.input('data', 'float32', ['n', 3, 2, 2]);
    const features = g.relu(g.reshape(g.conv(x, weight(8, 3, 2, 2)), ['n', 8]));
    const bytes = g.writeOnnx({ inputs: [x], outputs: { logits: g.matmul(features, weight(8, 2)), features } });
    const options = { embeddings: 'features', outputs: 'logits', inputs: imageInputs(normalize) };
    const onnx = OnnxStudent.read({ bytes, name: 'net.onnx' }, options);
    const samples = Array.from({ length: 5 }, () => numbers(12));
    await onnx.save(join(root, 'net'));
    const loaded = await Student.load(join(root, 'net'));
    expect(loaded.format.inputs).toEqual(['data']);
    const pairs = [
      [await loaded.embed(samples), await onnx.embed(samples)],
      [await loaded.logits(samples), await onnx.classify(samples)],
    ];
    for (const [a, b] of pairs) for (const [k, v] of b.data.entries()) expect(a.data[k]).toBeCloseTo(v, 5);
    expect((await loaded.classify(samples))[0].label).toMatch(/^[01]$/);
    await loaded.release();
  });

  it('one class: its score is 1', async () => {
    const one = mlp({ widths: [3], channels: 1, size: 2, classes: 1, seed: 0 });
    await one.save(join(root, 'one-class'));
    const loaded = await Student.load(join(root, 'one-class'));
    expect((await loaded.classify([numbers(4)]))[0]).toMatchObject({ index: 0, label: '0', score: 1 });
    await loaded.release();
  });
});

describe('directories that are no student', () => {
  const student = tinyStudent(texts, { width: 4, dimension: 5, seed: 1 });
  let good: string;
  beforeAll(async () => {
    good = join(root, 'good');
    await student.save(good);
  });
  const remove = (path: string) => rmSync(path);

  it('none at all, a file, an empty one, one without a part: what is missing is listed', async () => {
    const load = (path: string) => expect(Student.load(path)).rejects;
    await load(join(root, 'nowhere')).toThrow(failure('FILE_UNREADABLE', /nowhere: .*got no such directory/));
    await load(join(good, 'config.json')).toThrow(failure('FILE_UNREADABLE', /expected a directory, got a file/));
    mkdirSync(join(root, 'empty'));
    await load(join(root, 'empty')).toThrow(
      failure('FILE_UNREADABLE', /got none of config\.json, onnx\/model\.onnx\./),
    );
    for (const name of ['onnx/model.onnx', 'tokenizer.json', 'config.json']) {
      const expected = new RegExp(`got none of ${name.replace('.', '\\.')}\\.`);
      await load(changed(good, name, remove)).toThrow(failure('FILE_UNREADABLE', expected));
    }
    await load('').toThrow(failure('INVALID_ARGUMENT', /expected the path/));
  });

  it('damaged files', async () => {
    const cut = (path: string) => writeFileSync(path, readFileSync(path).subarray(0, 50));
    for (const name of ['config.json', 'onnx/model.onnx', 'tokenizer.json']) {
      await expect(Student.load(changed(good, name, cut))).rejects.toThrow(failure('FILE_CORRUPT', new RegExp(name)));
    }
    const noise = (path: string) => writeFileSync(path, Uint8Array.of(1, 0, 255, 254));
    await expect(Student.load(changed(good, 'config.json', noise))).rejects.toThrow(
      failure('NOT_TEXT', /config\.json/),
    );
  });

  it('the directory of another model, of another format, and parts of two students', async () => {
    const edit = (change: (config: Record<string, Record<string, unknown>>) => void) =>
      changed(good, 'config.json', (path) => {
        const config = JSON.parse(readFileSync(path, 'utf8'));
        change(config);
        writeFileSync(path, JSON.stringify(config));
      });
    const load = (path: string) => expect(Student.load(path)).rejects;
    const foreign = edit((config) => {
      delete config.limbeck;
      Object.assign(config, { model_type: 'bert' });
    });
    await load(foreign).toThrow(failure('FILE_CORRUPT', /got one of "bert"\. .*Student\.fromOnnx/));
    await load(edit(({ limbeck }) => Object.assign(limbeck, { format: 2 }))).toThrow(
      failure('FILE_CORRUPT', /limbeck\.format: .*later version/),
    );
    await load(edit(({ limbeck }) => Object.assign(limbeck, { classes: 3 }))).toThrow(
      failure('FILE_CORRUPT', /and the outputs embeddings, logits, .* got .*embeddings/),
    );
    const wider = await Student.load(edit(({ limbeck }) => Object.assign(limbeck, { dimension: 6 })));
    await expect(wider.embed(['a'])).rejects.toThrow(failure('FILE_CORRUPT', /rows of 6 numbers, .*got 5/));
    await wider.release();
  });
});

describe('save', () => {
  const student = tinyStudent(texts, { width: 4, dimension: 5, seed: 1 });
  const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

  it('replaces an earlier student and an empty directory, and never anything else', async () => {
    const directory = join(root, 'again');
    mkdirSync(directory);
    await student.save(directory);
    const before = digest(join(directory, 'onnx/model.onnx'));
    await tinyStudent(texts, { width: 4, dimension: 5, seed: 2 }).save(directory);
    expect(digest(join(directory, 'onnx/model.onnx'))).not.toBe(before);
    writeFileSync(join(directory, 'notes.txt'), 'mine');
    await expect(student.save(directory)).rejects.toThrow(failure('INVALID_ARGUMENT', /holds notes\.txt/));
    expect(readFileSync(join(directory, 'notes.txt'), 'utf8')).toBe('mine');
    const other = join(root, 'other');
    mkdirSync(join(other, 'onnx'), { recursive: true });
    writeFileSync(join(other, 'config.json'), '{"model_type":"bert"}');
    await expect(student.save(other)).rejects.toThrow(failure('INVALID_ARGUMENT', /earlier student/));
    await expect(student.save(7 as never)).rejects.toThrow(failure('INVALID_ARGUMENT', /expected the path/));
  });

  it('a place that cannot be written: FILE_UNWRITABLE or, for a file in the way, FILE_UNREADABLE', async () => {
    const locked = join(root, 'locked');
    mkdirSync(locked);
    chmodSync(locked, 0o555);
    if (process.getuid?.() !== 0) {
      await expect(student.save(join(locked, 'student'))).rejects.toThrow(failure('FILE_UNWRITABLE', /EACCES/));
    }
    writeFileSync(join(root, 'file'), '');
    await expect(student.save(join(root, 'file'))).rejects.toThrow(failure('FILE_UNREADABLE', /got a file/));
    await expect(student.save(join(root, 'file/student'))).rejects.toThrow(/file/);
  });
});

it('the tokenizer of MiniLM truncates a saved text like the student does', async () => {
  const json = readFileSync(join(MINILM, 'tokenizer.json'), 'utf8');
  const tokenizer = TextTokenizer.fromJson(json, { maxTokens: 8, name: 'MiniLM' });
  const student = transformerEncoder(tokenizer, { layers: 1, heads: 1, hidden: 4, seed: 0 });
  const loaded = await LoadedStudent.fromFiles(student.toFiles(), 'short');
  expect(loaded.format).toMatchObject({ maxTokens: 8 });
  const [long, cut] = await loaded
    .embed(['one two three four five six seven', 'one two three four five six'])
    .then((m) => m.toArray());
  expect(long).toEqual(cut);
  await loaded.release();
});
