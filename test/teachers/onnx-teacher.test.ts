/** OnnxTeacher against plain loops over the same weights, and against plain sessions of onnxruntime-node. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { imageDataset } from '../../src/data/image-dataset.ts';
import { TextTokenizer } from '../../src/data/tokenizer.ts';
import type { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { imageInputs, type OnnxInputs, textInputs } from '../../src/students/onnx/onnx-inputs.ts';
import { OnnxTeacher, type OnnxTeacherOptions } from '../../src/teachers/onnx-teacher.ts';
import { cacheTeacherRows } from '../../src/teachers/teacher-cache.ts';
import { MINILM } from '../material.ts';
import { type SmallModel, smallOnnx, TYPES } from './small-onnx.ts';

const { FLOAT, FLOAT16, UINT8, INT32, INT64 } = TYPES;
const code = (code: string) => expect.objectContaining({ name: 'LimbeckError', code });

const root = mkdtempSync(join(tmpdir(), 'limbeck-onnx-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let files = 0;
let folder: string;
beforeEach(() => {
  folder = join(root, `${files++}`);
  mkdirSync(folder);
});

const random = new Random(7);
const normals = (count: number) => Float32Array.from({ length: count }, () => random.normal());

function save(model: SmallModel): string {
  const path = join(folder, 'model.onnx');
  const { bytes, beside } = smallOnnx(model);
  writeFileSync(path, bytes);
  if (model.external && !model.external.includes('..')) writeFileSync(join(folder, model.external), beside);
  return path;
}

const unit = (row: readonly number[]) => {
  const norm = Math.hypot(...row);
  return row.map((x) => x / norm);
};
const difference = (a: Matrix, b: readonly (readonly number[])[]) =>
  Math.max(0, ...b.flatMap((row, i) => row.map((x, j) => Math.abs(x - a.get(i, j)))));

const tokenizer = TextTokenizer.fromJson(readFileSync(join(MINILM, 'tokenizer.json'), 'utf8'), {
  maxTokens: 12,
  name: 'MiniLM',
});
const table = normals(tokenizer.vocabularySize * 6);
const mix = normals(36);

/** hidden = table[ids] · mix; Hardmax is an operator that the engine has no reading of. */
function textModel(type: number, withMask = true): SmallModel {
  return {
    inputs: { input_ids: [type, ['n', 'l']], ...(withMask && { attention_mask: [type, ['n', 'l']] as const }) },
    outputs: { peak: [FLOAT, ['n', 'l', 6]] },
    weights: { table: [table, [tokenizer.vocabularySize, 6]], mix: [mix, [6, 6]] },
    nodes: [
      { op: 'Gather', inputs: ['table', 'input_ids'], outputs: ['rows'] },
      { op: 'MatMul', inputs: ['rows', 'mix'], outputs: ['hidden'] },
      { op: 'Hardmax', inputs: ['hidden'], outputs: ['hard'], attributes: { axis: 2 } },
      ...(withMask ? [{ op: 'Identity', inputs: ['attention_mask'], outputs: ['unused'] }] : []),
      { op: 'Identity', inputs: ['hard'], outputs: ['peak'] },
    ],
  };
}

const texts = ['a dog', '', 'a large musical instrument of wood', 'to run', 'a dog', 'one two three four five six'];
const hiddenOf = (text: string): number[][] =>
  Array.from(tokenizer.encode(text), (id) =>
    Array.from({ length: 6 }, (_, j) => {
      let sum = 0;
      for (let k = 0; k < 6; k++) sum += table[id * 6 + k] * mix[k * 6 + j];
      return sum;
    }),
  );
const meanOf = (rows: number[][]) => rows[0].map((_, j) => rows.reduce((sum, row) => sum + row[j], 0) / rows.length);

const loadTexts = (model: SmallModel, options: Partial<OnnxTeacherOptions<string, Int32Array>> = {}) =>
  OnnxTeacher.load(save(model), { embeddings: 'hidden', pooling: 'mean', inputs: textInputs(tokenizer), ...options });

describe('texts', () => {
  it.each([
    ['int64', INT64, true],
    ['int32', INT32, true],
    ['int64 without a mask', INT64, false],
  ] as const)(
    '%s: mean over the tokens of a text, error < 1e-6, whatever shares a batch',
    async (_, type, withMask) => {
      const expected = texts.map((text) => unit(meanOf(hiddenOf(text))));
      for (const batchTokens of [1, 12, 1024]) {
        const teacher = await loadTexts(textModel(type, withMask), { batchTokens });
        expect([teacher.dimension, teacher.classes, teacher.predict]).toEqual([6, undefined, undefined]);
        const rows = await teacher.embed(texts);
        expect([rows.rows, rows.columns, rows.dtype]).toEqual([texts.length, 6, 'float32']);
        expect(difference(rows, expected)).toBeLessThan(1e-6);
        await teacher.release();
      }
    },
  );

  it('the first token, and rows that are not normalised', async () => {
    const teacher = await loadTexts(textModel(INT64), { pooling: 'first', normalize: false });
    expect(
      difference(
        await teacher.embed(texts),
        texts.map((text) => hiddenOf(text)[0]),
      ),
    ).toBeLessThan(1e-5);
    await teacher.release();
  });

  it('embeds nothing as no rows of its width', async () => {
    const teacher = await loadTexts(textModel(INT64));
    const none = await teacher.embed([]);
    expect([none.rows, none.columns]).toEqual([0, 6]);
    await teacher.release();
  });

  it('counts texts that are cut, and tells', async () => {
    const counts: number[] = [];
    const teacher = await loadTexts(textModel(INT64), { onTruncated: (count) => counts.push(count) });
    const long = 'word '.repeat(20);
    await teacher.embed(['short', long, long]);
    await teacher.embed([long]);
    expect([counts, teacher.truncated]).toEqual([[2, 1], 3]);
    await teacher.release();
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const quiet = await loadTexts(textModel(INT64), { name: 'tiny' });
    for (let k = 0; k < 3; k++) await quiet.embed([long]);
    expect(warn.mock.calls).toEqual([[expect.stringContaining('tiny: 1 text has')]]);
    warn.mockRestore();
    await quiet.release();
  });

  it('stops on the signal', async () => {
    const teacher = await loadTexts(textModel(INT64));
    await expect(teacher.embed(texts, { signal: AbortSignal.abort() })).rejects.toThrow(code('ABORTED'));
    await teacher.release();
  });

  it('activations of layers: pooled like embeddings, not normalised', async () => {
    const teacher = await loadTexts(textModel(INT64), { layers: ['rows', 'hidden'] });
    const activations = await teacher.activations(texts);
    expect(activations.names).toEqual(['rows', 'hidden']);
    expect(
      difference(
        activations.get('hidden') as Matrix,
        texts.map((text) => meanOf(hiddenOf(text))),
      ),
    ).toBeLessThan(1e-5);
    const rows = texts.map((text) =>
      meanOf(Array.from(tokenizer.encode(text), (id) => Array.from(table.subarray(id * 6, id * 6 + 6)))),
    );
    expect(difference(activations.get('rows') as Matrix, rows)).toBeLessThan(1e-5);
    await teacher.release();
  });
});

const kernel = normals(3 * 4 * 4);
const head = normals(4 * 2);

/** x [n, 3, 2, 2] → flattened · kernel = features [n, 4] → relu → logits [n, 2]. */
function imageModel(type: number = FLOAT, batch: number | string = 'n', external?: string): SmallModel {
  const last = type === UINT8;
  return {
    inputs: { pixels: [type, last ? [batch, 2, 2, 3] : [batch, 3, 2, 2]] },
    outputs: { logits: [FLOAT, [batch, 2]] },
    weights: { kernel: [kernel, [12, 4]], head: [head, [4, 2]] },
    nodes: [
      { op: 'Cast', inputs: ['pixels'], outputs: ['x'], attributes: { to: FLOAT } },
      ...(last
        ? [{ op: 'Transpose', inputs: ['x'], outputs: ['planes'], attributes: { perm: [0, 3, 1, 2] } }]
        : [{ op: 'Identity', inputs: ['x'], outputs: ['planes'] }]),
      { op: 'Flatten', inputs: ['planes'], outputs: ['flat'], attributes: { axis: 1 } },
      { op: 'MatMul', inputs: ['flat', 'kernel'], outputs: ['features'] },
      { op: 'Relu', inputs: ['features'], outputs: ['positive'] },
      { op: 'MatMul', inputs: ['positive', 'head'], outputs: ['logits'] },
    ],
    ...(external === undefined ? {} : { external }),
  };
}

const images = Array.from({ length: 7 }, () => Uint8Array.from({ length: 12 }, () => random.integer(256)));
const product = (x: readonly number[], weights: Float32Array, width: number) =>
  Array.from({ length: width }, (_, j) => x.reduce((sum, value, k) => sum + value * weights[k * width + j], 0));
const featuresOf = (image: Uint8Array, mean = [0, 0, 0], std = [1, 1, 1]) =>
  product(
    Array.from(image, (byte, k) => (byte / 255 - mean[k >> 2]) / std[k >> 2]),
    kernel,
    4,
  );
const logitsOf = (features: readonly number[]) =>
  product(
    features.map((x) => Math.max(0, x)),
    head,
    2,
  );

const loadImages = (
  model: SmallModel,
  options: Partial<OnnxTeacherOptions<Uint8Array | Float32Array, Uint8Array | Float32Array>> = {},
) => OnnxTeacher.load(save(model), { embeddings: 'features', outputs: 'logits', inputs: imageInputs(), ...options });

describe('images', () => {
  it('embeddings inside the model and its logits in one pass, with mean and std', async () => {
    const [mean, std] = [
      [0.5, 0.4, 0.3],
      [0.2, 0.3, 0.4],
    ];
    const teacher = await loadImages(imageModel(), { inputs: imageInputs({ mean, std }), batchSize: 3 });
    expect([teacher.dimension, teacher.classes]).toEqual([4, 2]);
    const prediction = await teacher.predict?.(images);
    const features = images.map((image) => featuresOf(image, mean, std));
    expect(difference(prediction?.embeddings as Matrix, features.map(unit))).toBeLessThan(1e-6);
    expect(difference(prediction?.outputs as Matrix, features.map(logitsOf))).toBeLessThan(1e-4);
    expect(await teacher.embed(images)).toEqual(prediction?.embeddings);
    await teacher.release();
  });

  it.each([
    ['half precision', FLOAT16, 1e-2],
    ['bytes with the channels last', UINT8, 1e-4],
  ] as const)('%s', async (_, type, error) => {
    const teacher = await loadImages(imageModel(type), { normalize: false });
    const scale = type === UINT8 ? 255 : 1;
    const expected = images.map((image) => featuresOf(image).map((x) => x * scale));
    expect(difference(await teacher.embed(images), expected)).toBeLessThan(error * scale);
    await teacher.release();
  });

  it('refuses mean and std for a model that takes bytes', async () => {
    const inputs = imageInputs({ mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] });
    const teacher = await loadImages(imageModel(UINT8), { inputs });
    await expect(teacher.embed(images)).rejects.toThrow(/INVALID_OPTION|Leave mean and std out/);
    await teacher.release();
  });

  it.each([1, 4])('a model exported for exactly %d at once', async (batch) => {
    const teacher = await loadImages(imageModel(FLOAT, batch));
    for (const count of [1, 4, 7]) {
      const rows = await teacher.embed(images.slice(0, count));
      expect(rows.rows).toBe(count);
      expect(
        difference(
          rows,
          images.slice(0, count).map((image) => unit(featuresOf(image))),
        ),
      ).toBeLessThan(1e-6);
    }
    await teacher.release();
  });

  it('layers laid out number after number, and pooled over places', async () => {
    for (const pooling of ['none', 'mean'] as const) {
      const teacher = await loadImages(imageModel(), { layers: ['planes'], pooling });
      const planes = (await teacher.activations(images)).get('planes') as Matrix;
      const pixels = images.map((image) => Array.from(image, (byte) => byte / 255));
      const means = pixels.map((image) =>
        [0, 1, 2].map((c) => meanOf(image.slice(4 * c, 4 * c + 4).map((x) => [x]))[0]),
      );
      expect(difference(planes, pooling === 'none' ? pixels : means)).toBeLessThan(1e-6);
      await teacher.release();
    }
  });

  it('equals a plain session over a file that declares the tensor itself', async () => {
    const teacher = await loadImages(imageModel(), { normalize: false });
    const declared = { ...imageModel(), outputs: { features: [FLOAT, ['n', 4]] as const } };
    const session = await ort.InferenceSession.create(smallOnnx(declared).bytes);
    const pixels = Float32Array.from(images.flatMap((image) => Array.from(image, (byte) => byte / 255)));
    const { features } = await session.run({ pixels: new ort.Tensor('float32', pixels, [7, 3, 2, 2]) });
    expect(Array.from((await teacher.embed(images)).data)).toEqual(Array.from(features.data as Float32Array));
    await Promise.all([teacher.release(), session.release()]);
  });

  it('goes through the cache with its outputs', async () => {
    const teacher = await loadImages(imageModel());
    const data = imageDataset({ images });
    const cached = await cacheTeacherRows({ teacher, data, directory: join(folder, 'cache'), shardRows: 3 });
    expect(cached.outputs?.columns).toBe(2);
    expect(
      difference(
        cached.outputs?.toMatrix() as Matrix,
        images.map((image) => logitsOf(featuresOf(image))),
      ),
    ).toBeLessThan(1e-4);
    const again = await cacheTeacherRows({ teacher, data, directory: join(folder, 'cache') });
    expect([again.reused, again.embeddings.toMatrix()]).toEqual([7, cached.embeddings.toMatrix()]);
    await teacher.release();
  });

  it('run-time sizes are fixed by their names, given or made', async () => {
    const model = imageModel();
    const open: SmallModel = { ...model, inputs: { pixels: [FLOAT, ['', 3, 'height', '']] } };
    const refused = await loadImages(open);
    await expect(refused.embed(images)).rejects.toThrow(/pixels_3/);
    await refused.release();
    const teacher = await loadImages(open, { sizes: { height: 2, pixels_3: 2 } });
    expect(
      difference(
        await teacher.embed(images),
        images.map((image) => unit(featuresOf(image))),
      ),
    ).toBeLessThan(1e-6);
    await teacher.release();
  });

  it('a width that the file does not declare is found by a run on zeros', async () => {
    const model = imageModel();
    const open: SmallModel = {
      ...model,
      weights: { ...model.weights, columns: [Float32Array.of(1, 0, 1, 1), [4]] },
      nodes: [
        ...model.nodes,
        { op: 'Cast', inputs: ['columns'], outputs: ['chosen'], attributes: { to: TYPES.BOOL } },
        { op: 'Compress', inputs: ['features', 'chosen'], outputs: ['three'], attributes: { axis: 1 } },
      ],
    };
    const teacher = await loadImages(open, { embeddings: 'three', normalize: false });
    expect(teacher.dimension).toBe(3);
    const expected = images.map((image) => featuresOf(image).filter((_, j) => j !== 1));
    expect(difference(await teacher.embed(images), expected)).toBeLessThan(1e-5);
    await teacher.release();
  });
});

describe('numbers beside the model', () => {
  it('are found in its folder, and belong to the fingerprint', async () => {
    const teacher = await loadImages(imageModel(FLOAT, 'n', 'model.data'));
    expect(
      difference(
        await teacher.embed(images),
        images.map((image) => unit(featuresOf(image))),
      ),
    ).toBeLessThan(1e-6);
    await teacher.release();
    const path = join(folder, 'model.data');
    const bytes = readFileSync(path);
    bytes[0] ^= 1;
    writeFileSync(path, bytes);
    const options = { embeddings: 'features', outputs: 'logits', inputs: imageInputs() };
    const changed = await OnnxTeacher.load(join(folder, 'model.onnx'), options);
    expect(changed.fingerprint).not.toBe(teacher.fingerprint);
    await changed.release();
  });

  it('are refused outside, and missed when they are gone', async () => {
    await expect(loadImages(imageModel(FLOAT, 'n', '../outside.data'))).rejects.toThrow(code('FILE_UNREADABLE'));
    writeFileSync(join(root, 'outside.data'), new Uint8Array(400));
    await expect(loadImages(imageModel(FLOAT, 'n', '../outside.data'))).rejects.toThrow(code('FILE_CORRUPT'));
    const path = save(imageModel(FLOAT, 'n', 'model.data'));
    rmSync(join(folder, 'model.data'));
    symlinkSync(join(root, 'outside.data'), join(folder, 'model.data'));
    const options = { embeddings: 'features', inputs: imageInputs() };
    await expect(OnnxTeacher.load(path, options)).rejects.toThrow(code('FILE_CORRUPT'));
    rmSync(join(folder, 'model.data'));
    await expect(OnnxTeacher.load(path, options)).rejects.toThrow(/model.data.*Keep the model's files together/);
  });
});

describe('what is refused', () => {
  it('names that the model does not compute, with the nearest that it does', async () => {
    const refused = loadImages(imageModel(), { embeddings: 'feature' });
    await expect(refused).rejects.toThrow(code('INVALID_OPTION'));
    await expect(refused).rejects.toThrow(/got "feature". Outputs: logits. Nearest names: features, /);
    await expect(loadImages(imageModel(), { layers: ['pixels'] })).rejects.toThrow('got "pixels", an input');
  });

  it('tensors that are no row per sample, with what to do', async () => {
    await expect(loadTexts(textModel(INT64), { pooling: 'none' })).rejects.toThrow(/Set pooling to 'mean' or 'first'/);
    await expect(loadImages(imageModel(), { embeddings: 'planes' })).rejects.toThrow(/Set pooling to 'mean'/);
    const counted: SmallModel = {
      ...imageModel(),
      nodes: [...imageModel().nodes, { op: 'Shape', inputs: ['flat'], outputs: ['counts'] }],
    };
    await expect(loadImages(counted, { embeddings: 'counts' })).rejects.toThrow(code('UNSUPPORTED'));
  });

  it('inputs without an identity, options that make no sense', async () => {
    const { identity: _, ...nameless } = imageInputs();
    await expect(loadImages(imageModel(), { inputs: nameless })).rejects.toThrow('expected an identity()');
    await expect(loadImages(imageModel(), { batchSize: 0 })).rejects.toThrow(code('INVALID_OPTION'));
    await expect(loadImages(imageModel(), { pooling: 'max' as 'mean' })).rejects.toThrow(code('INVALID_OPTION'));
  });

  it('files that are missing, damaged, or no model', async () => {
    const options = { embeddings: 'features', inputs: imageInputs() };
    await expect(OnnxTeacher.load(join(folder, 'none.onnx'), options)).rejects.toThrow(code('FILE_UNREADABLE'));
    const path = save(imageModel());
    writeFileSync(path, readFileSync(path).subarray(0, 90));
    await expect(OnnxTeacher.load(path, options)).rejects.toThrow(code('FILE_CORRUPT'));
    writeFileSync(path, 'not a model');
    await expect(OnnxTeacher.load(path, options)).rejects.toThrow(code('FILE_CORRUPT'));
  });

  it('inputs that leave one of the model out', async () => {
    const own: OnnxInputs<Uint8Array, Uint8Array> = { encode: (x) => x, feeds: () => ({}), identity: () => 'own/1' };
    const teacher = await OnnxTeacher.load(save(imageModel()), { embeddings: 'features', inputs: own });
    await expect(teacher.embed([images[0]])).rejects.toThrow(code('MISSING_INPUT'));
    await teacher.release();
  });

  it('NaN in a row, naming it', async () => {
    const teacher = await loadImages(imageModel());
    const bad = Float32Array.from({ length: 12 }, () => Number.NaN);
    await expect(teacher.embed([images[0], bad])).rejects.toThrow(code('NON_FINITE'));
    await teacher.release();
  });
});

it('the fingerprint changes with the file, the inputs and every option that changes a row', async () => {
  const mean = { mean: [0.1, 0.1, 0.1], std: [1, 1, 1] };
  const teachers = [
    await loadImages(imageModel()),
    await loadImages(imageModel(FLOAT, 'other')),
    await loadImages(imageModel(), { embeddings: 'positive' }),
    await loadImages(imageModel(), { normalize: false }),
    await loadImages(imageModel(), { inputs: imageInputs(mean) }),
    await loadTexts(textModel(INT64)),
    await loadTexts(textModel(INT64), { pooling: 'first' }),
    await loadTexts(textModel(INT64), {
      inputs: textInputs(
        TextTokenizer.fromJson(readFileSync(join(MINILM, 'tokenizer.json'), 'utf8'), { maxTokens: 13, name: 'x' }),
      ),
    }),
  ];
  expect(new Set(teachers.map(({ fingerprint }) => fingerprint)).size).toBe(teachers.length);
  const again = await loadImages(imageModel(), { batchSize: 5, name: 'another name' });
  expect(again.fingerprint).toBe(teachers[0].fingerprint);
  expect(again.name).toBe('another name');
  await Promise.all([again, ...teachers].map((teacher) => teacher.release()));
});
