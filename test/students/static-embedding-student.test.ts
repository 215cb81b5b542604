/** The static student in training, exported, in plain onnxruntime-node, and in transformers.js: one function, four ways. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { TextTokenizer } from '../../src/data/tokenizer.ts';
import { input, type SymbolicTensor } from '../../src/graph/index.ts';
import type { Parameter } from '../../src/matrix/parameter.ts';
import { Random } from '../../src/matrix/random.ts';
import { writeDirectory } from '../../src/runtime/files.ts';
import { compile } from '../../src/runtime/program.ts';
import { floatTensor } from '../../src/runtime/tensors.ts';
import { StaticEmbeddingStudent } from '../../src/students/static-embedding-student.ts';
import type { StudentBatch } from '../../src/students/student.ts';
import { TextEmbedder } from '../../src/students/text-embedder.ts';
import { MINILM } from '../material.ts';

const code = (code: string, message: RegExp) =>
  expect.objectContaining({ name: 'LimbeckError', code, message: expect.stringMatching(message) });

const whole = TextTokenizer.fromJson(readFileSync(join(MINILM, 'tokenizer.json'), 'utf8'), {
  maxTokens: 512,
  name: 'MiniLM',
});

const texts = [
  'a large musical instrument',
  'the the the the piano',
  '',
  'Ça va? – naïve café, 東京 and Привет 🎹',
  'antidisestablishmentarianism xyzzyqwv zzzzzzzz',
  'a sentence of many words '.repeat(10),
  '   white \t space \n around ',
  '[MASK] [SEP] it is special',
];
const { tokenizer } = whole.prune(whole.encodeAll(texts.slice(0, 4)));

/** A student none of whose parameters is at a value that could hide a mistake. */
function randomStudent(seed = 1): StaticEmbeddingStudent {
  const student = new StaticEmbeddingStudent(tokenizer, { width: 7, dimension: 12, seed });
  const random = new Random(seed);
  for (const { name, data } of student.parameters) {
    for (let i = 0; i < data.length; i++)
      data[i] = name === 'token weights' ? 0.2 + 2 * random.uniform() : random.normal();
  }
  return student;
}

const normalized = (row: readonly number[]) => row.map((x) => x / Math.hypot(...row));
const difference = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i])));

/** The formula of the class comment, in plain loops and float64. */
function reference(student: StaticEmbeddingStudent, ids: Int32Array): number[] {
  const [table, weights, projection, bias] = student.parameters.map(({ data }) => data);
  const { width, dimension } = student;
  const mean = new Array<number>(width).fill(0);
  for (const id of ids) {
    for (let k = 0; k < width; k++) mean[k] += (weights[id] * table[id * width + k]) / ids.length;
  }
  return Array.from({ length: dimension }, (_, j) =>
    mean.reduce((sum, value, k) => sum + value * projection[k * dimension + j], bias[j]),
  );
}

describe('prepareBatch', () => {
  const student = randomStudent();

  /** The matrix of shares that the cells make up; each cell may occur once. */
  function matrixOf({ feeds }: StudentBatch): number[][] {
    const [count, touched] = Array.from(feeds.sizes.tensor.data as BigInt64Array, Number);
    const cells = feeds.cells.tensor.data as Int32Array;
    const matrix = Array.from({ length: count }, () => Array<number>(touched).fill(0));
    for (const [c, share] of (feeds.shares.tensor.data as Float32Array).entries()) {
      const [i, r] = cells.subarray(2 * c, 2 * c + 2);
      expect(matrix[i][r]).toBe(0);
      matrix[i][r] = share;
    }
    return matrix;
  }

  it('gives ascending distinct rows, and shares that sum to 1 and count repetitions', () => {
    const encoded = student.encode(texts);
    const batch = student.prepareBatch(encoded);
    const { rows } = batch;
    const matrix = matrixOf(batch);
    expect(matrix.length).toBe(texts.length);
    expect(Array.from(rows)).toEqual([...new Set(encoded.flatMap((ids) => [...ids]))].sort((a, b) => a - b));
    for (const [i, ids] of encoded.entries()) {
      expect(matrix[i].length).toBe(rows.length);
      expect(matrix[i].reduce((a, b) => a + b)).toBeCloseTo(1, 5);
      for (const [r, id] of rows.entries()) {
        expect(matrix[i][r]).toBeCloseTo(ids.filter((other) => other === id).length / ids.length, 6);
      }
    }
  });

  it('takes one text, and an empty one, which still has its special tokens', () => {
    const batch = student.prepareBatch(student.encode(['']));
    expect(batch.rows).toHaveLength(2);
    expect(matrixOf(batch)).toEqual([[0.5, 0.5]]);
  });

  it('takes texts without any token, which no cell is of', () => {
    expect(matrixOf(student.prepareBatch([Int32Array.of(3), new Int32Array(0)]))).toEqual([[1], [0]]);
    expect(matrixOf(student.prepareBatch([new Int32Array(0)]))).toEqual([[]]);
  });
});

describe('forward, embedder and reference', () => {
  it('agree on real texts: absolute error < 1e-6', async () => {
    const student = randomStudent();
    const encoded = student.encode(texts);
    // A text without tokens is not for users; the last row says what it is in training.
    const { feeds, rows } = student.prepareBatch([...encoded, new Int32Array(0)]);
    const given = Object.fromEntries(
      Object.entries(feeds).map(([name, { shape, tensor }]) => [name, input(name, tensor.dtype, shape)]),
    );
    const parameters: Record<string, SymbolicTensor> = {};
    const fed = Object.fromEntries(Object.entries(feeds).map(([name, { tensor }]) => [name, tensor]));
    for (const { name, shape, data, sparse } of student.parameters) {
      parameters[name] = input(name, 'float32', sparse ? ['touched rows', ...shape.slice(1)] : shape);
      const width = data.length / shape[0];
      const touched = sparse
        ? Float32Array.from([...rows].flatMap((r) => [...data.slice(r * width, (r + 1) * width)]))
        : data;
      fed[name] = floatTensor(touched, sparse ? [rows.length, ...shape.slice(1)] : shape);
    }
    const outputs = Object.fromEntries(student.forward({ feeds: given, parameters, buffers: {} }).layers);
    expect(Object.keys(outputs)).toEqual([...student.layers.keys()]);
    const program = await compile({ inputs: [...Object.values(given), ...Object.values(parameters)], outputs });
    const { embeddings } = await program.run(fed);
    const embedder = await student.toEmbedder();
    const exported = await embedder.embed(texts);
    for (const [i, ids] of encoded.entries()) {
      const expected = reference(student, ids);
      const scale = Math.hypot(...expected);
      const trained = Array.from(embeddings.data as Float32Array).slice(i * 12, (i + 1) * 12);
      expect(difference(trained, expected) / scale).toBeLessThan(1e-6);
      expect(difference(normalized(trained), exported.row(i))).toBeLessThan(1e-6);
      expect(difference(normalized(expected), exported.row(i))).toBeLessThan(1e-6);
    }
    const { data: bias } = student.parameters.at(-1) as Parameter;
    expect(difference((embeddings.data as Float32Array).subarray(texts.length * 12), bias)).toBeLessThan(1e-6);
    await Promise.all([program.release(), embedder.release()]);
  });

  it('embeds the same row alone, in a crowd and twice', async () => {
    const embedder = await randomStudent().toEmbedder();
    const together = await embedder.embed([...texts, ...texts]);
    for (const [i, text] of texts.entries()) {
      const alone = (await embedder.embed([text])).row(0);
      expect(difference(alone, together.row(i))).toBeLessThan(1e-6);
      expect(difference(alone, together.row(texts.length + i))).toBeLessThan(1e-6);
    }
    const none = await embedder.embed([]);
    expect([none.rows, none.columns]).toEqual([0, 12]);
    await embedder.release();
  });

  it.each([
    ['float16', 1.9, 1e-3],
    ['int8', 3.4, 2e-2],
  ] as const)(
    '%s vectors: 1/%d of the size, cosines within %d, and still no row depends on another',
    async (precision, factor, tolerance) => {
      const wide = { width: 64, dimension: 12, seed: 1 };
      const [exact, small] = [{}, { precision }].map(
        (more) => new StaticEmbeddingStudent(tokenizer, { ...wide, ...more }),
      );
      for (const [i, { data }] of small.parameters.entries()) {
        const random = new Random(i);
        for (let k = 0; k < data.length; k++) data[k] = random.normal();
        exact.parameters[i].data.set(data);
      }
      const weights = (student: StaticEmbeddingStudent) => student.toOnnx().length - 4 * (64 * 12 + 12) - 3000;
      expect(weights(exact) / weights(small)).toBeGreaterThan(factor);
      const [whole, rounded] = await Promise.all([exact.toEmbedder(), small.toEmbedder()]);
      const [rows, expected] = [await rounded.embed(texts), await whole.embed(texts)];
      for (const [i, text] of texts.entries()) {
        const apart = difference(rows.row(i), expected.row(i));
        expect(apart).toBeLessThan(tolerance);
        expect(apart).toBeGreaterThan(0);
        expect(difference((await rounded.embed([text])).row(0), rows.row(i))).toBeLessThan(1e-6);
      }
      await Promise.all([whole.release(), rounded.release()]);
    },
  );

  it('embeds more tokens than one batch holds', async () => {
    const embedder = await randomStudent().toEmbedder();
    const many = Array.from({ length: 900 }, (_, i) => texts[i % texts.length]);
    const rows = await embedder.embed(many);
    const few = await embedder.embed(texts);
    for (const i of [0, 5, 8, 450, 899]) expect(difference(rows.row(i), few.row(i % texts.length))).toBeLessThan(1e-6);
    await embedder.release();
  });

  it('a copy of the parameters is exported: later training does not change the embedder', async () => {
    const student = randomStudent();
    const embedder = await student.toEmbedder();
    const before = await embedder.embed(texts);
    for (const { data } of student.parameters) data.fill(0.5);
    expect(await embedder.embed(texts)).toEqual(before);
    await embedder.release();
  });
});

describe('the exported model in plain onnxruntime-node', () => {
  const student = randomStudent();
  let session: ort.InferenceSession;
  beforeAll(async () => {
    session = await ort.InferenceSession.create(student.toOnnx());
  });
  afterAll(() => session.release());

  async function run(encoded: readonly Int32Array[], padding: number, padId: number) {
    const length = Math.max(...encoded.map((ids) => ids.length)) + padding;
    const ids = new BigInt64Array(encoded.length * length).fill(BigInt(padId));
    const mask = new BigInt64Array(encoded.length * length);
    for (const [i, tokens] of encoded.entries()) {
      for (const [j, id] of tokens.entries()) ids[i * length + j] = BigInt(id);
      mask.fill(1n, i * length, i * length + tokens.length);
    }
    const { last_hidden_state, embeddings } = await session.run({
      input_ids: new ort.Tensor('int64', ids, [encoded.length, length]),
      attention_mask: new ort.Tensor('int64', mask, [encoded.length, length]),
    });
    return { length, hidden: last_hidden_state, embeddings };
  }
  const row = (tensor: ort.Tensor, from: number) => Array.from((tensor.data as Float32Array).subarray(from, from + 12));

  it('has the inputs and outputs that transformers.js feeds and reads', () => {
    expect(session.inputNames).toEqual(['input_ids', 'attention_mask']);
    expect(session.outputNames).toEqual(['last_hidden_state', 'embeddings']);
  });

  it.each([1, 3, texts.length])(
    'batch of %i: the masked mean of last_hidden_state, normalised, is embeddings',
    async (count) => {
      const encoded = student.encode(texts.slice(0, count));
      const { hidden, embeddings, length } = await run(encoded, 3, tokenizer.padId);
      expect(hidden.dims).toEqual([count, length, 12]);
      expect(embeddings.dims).toEqual([count, 12]);
      for (const [i, ids] of encoded.entries()) {
        const mean = new Array<number>(12).fill(0);
        for (let j = 0; j < ids.length; j++) {
          for (const [d, value] of row(hidden, (i * length + j) * 12).entries()) mean[d] += value / ids.length;
        }
        expect(difference(normalized(mean), row(embeddings, i * 12))).toBeLessThan(1e-6);
      }
    },
  );

  it('padding does not matter: neither how much nor with what', async () => {
    const encoded = student.encode(texts);
    const plain = await run(encoded, 0, tokenizer.padId);
    const padded = await run(encoded, 9, tokenizer.unknownId!);
    expect(difference(plain.embeddings.data as Float32Array, padded.embeddings.data as Float32Array)).toBeLessThan(
      1e-6,
    );
  });
});

describe('the exported directory in transformers.js', () => {
  const student = randomStudent();
  let directory: string;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'limbeck-student-'));
    await writeDirectory(join(directory, 'student'), student.toFiles());
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it("pipeline('feature-extraction') gives the same embeddings: absolute error < 1e-5", async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const { env, pipeline } = await import('@huggingface/transformers');
    env.allowRemoteModels = false;
    env.allowLocalModels = true;
    const extractor = await pipeline('feature-extraction', join(directory, 'student'));
    const embedder = await student.toEmbedder();
    const ours = await embedder.embed(texts);
    const together = await extractor(texts, { pooling: 'mean', normalize: true });
    expect(together.dims).toEqual([texts.length, 12]);
    for (const [i, text] of texts.entries()) {
      const theirs = (together.data as Float32Array).subarray(i * 12, (i + 1) * 12);
      expect(difference(ours.row(i), theirs)).toBeLessThan(1e-5);
      const alone = await extractor(text, { pooling: 'mean', normalize: true });
      expect(difference(ours.row(i), alone.data as Float32Array)).toBeLessThan(1e-5);
    }
    // It says once that it does not know the model, which is true, and nothing else.
    expect(warn.mock.calls).toEqual([[expect.stringContaining('Unknown model class "limbeck-static-embedding"')]]);
    await Promise.all([extractor.dispose(), embedder.release()]);
    warn.mockRestore();
  });

  it('says what the model is, and that only float32 weights exist', () => {
    const config = JSON.parse(student.toFiles().get('config.json') as string);
    expect(config).toMatchObject({
      vocab_size: tokenizer.vocabularySize,
      token_dim: 7,
      hidden_size: 12,
      pad_token_id: tokenizer.padId,
      pooling: 'mean',
      normalize: true,
      // In browsers transformers.js would otherwise ask for onnx/model_quantized.onnx.
      'transformers.js_config': { dtype: 'fp32' },
    });
    expect([...student.toFiles().keys()].sort()).toEqual([
      'README.md',
      'config.json',
      'onnx/model.onnx',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
  });

  it('its files are enough to open the student again', async () => {
    const files = student.toFiles();
    const again = await TextEmbedder.open(
      files.get('onnx/model.onnx') as Uint8Array,
      TextTokenizer.fromJson(files.get('tokenizer.json') as string, { maxTokens: 512, name: 'exported' }),
      'exported',
    );
    const embedder = await student.toEmbedder();
    expect(await again.embed(texts)).toEqual(await embedder.embed(texts));
    await Promise.all([again.release(), embedder.release()]);
  });
});

describe('a new student', () => {
  const options = { width: 5, dimension: 8, seed: 3 };
  const values = (seed: number) =>
    new StaticEmbeddingStudent(tokenizer, { ...options, seed }).parameters.map(({ data }) => data);

  it('is the same for the same seed, and another for another', () => {
    expect(values(3)).toEqual(values(3));
    expect(values(4)[0]).not.toEqual(values(3)[0]);
    expect(values(4)[2]).not.toEqual(values(3)[2]);
  });

  it('counts its parameters and names its layer', () => {
    const student = new StaticEmbeddingStudent(tokenizer, { ...options, layerName: 'pooled' });
    const rows = tokenizer.vocabularySize;
    expect(student.parameterCount).toBe(rows * 5 + rows + 5 * 8 + 8);
    expect([...student.layers]).toEqual([['pooled', 8]]);
    expect(student.parameters.map(({ name, sparse, decay }) => [name, sparse, decay])).toEqual([
      ['table', true, false],
      ['token weights', true, false],
      ['projection', false, true],
      ['bias', false, false],
    ]);
  });

  it.each([{ width: 0 }, { width: 2.5 }, { dimension: -1 }, { dimension: Number.NaN }])(
    '%o: INVALID_OPTION',
    (wrong) => {
      const [[name, value]] = Object.entries(wrong);
      expect(() => new StaticEmbeddingStudent(tokenizer, { ...options, ...wrong })).toThrow(
        code(
          'INVALID_OPTION',
          new RegExp(`^StaticEmbeddingStudent: option ${name}: expected a whole number ≥ 1.*, got ${value}`),
        ),
      );
    },
  );
});
