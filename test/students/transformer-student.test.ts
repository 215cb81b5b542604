/** The transformer student: gradients, training against export, padding, layers of a real teacher, transformers.js. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { TextTokenizer } from '../../src/data/tokenizer.ts';
import { sum } from '../../src/graph/index.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import { writeDirectory } from '../../src/runtime/files.ts';
import { ContrastiveDistillationStrategy } from '../../src/strategies/contrastive-distillation-strategy.ts';
import { transformerEncoder } from '../../src/students/transformer/transformer-encoder.ts';
import type { TransformerOptions } from '../../src/students/transformer/transformer-options.ts';
import type { TransformerStudent } from '../../src/students/transformer/transformer-student.ts';
import type { BertCheckpoint } from '../../src/teachers/bert-checkpoint.ts';
import { BertTeacher } from '../../src/teachers/bert-teacher.ts';
import { parseBertCheckpoint } from '../../src/teachers/parse-bert-checkpoint.ts';
import { adamWOptionsSchema } from '../../src/training/optimizers/adamw.ts';
import { TrainingStep } from '../../src/training/training-step.ts';
import { caught } from '../caught.ts';
import { MINILM } from '../material.ts';
import { worstDerivative } from './directional-derivatives.ts';
import { initialValues, trainingGraph } from './training-graph.ts';

const texts = ['a large musical instrument', 'the the piano', '', 'Ça va? – naïve café', 'many words '.repeat(20)];
const open = (maxTokens: number) =>
  TextTokenizer.fromJson(readFileSync(join(MINILM, 'tokenizer.json'), 'utf8'), { maxTokens, name: 'MiniLM' });
const whole = open(16);
const { tokenizer, oldIds } = whole.prune(whole.encodeAll(texts));
const sizes = { layers: 2, heads: 2, hidden: 8, intermediate: 10 };
const build = (options: Partial<TransformerOptions> = {}): TransformerStudent =>
  transformerEncoder(tokenizer, { ...sizes, classes: 3, dimension: 4, seed: 1, ...options });

const files = {
  config: join(MINILM, 'config.json'),
  weights: join(MINILM, 'model.fp16.safetensors'),
  tokenizer: join(MINILM, 'tokenizer.json'),
};
let checkpoint: BertCheckpoint;
let teacher: BertTeacher;
beforeAll(async () => {
  checkpoint = parseBertCheckpoint(readFileSync(files.config, 'utf8'), readFileSync(files.weights));
  teacher = await BertTeacher.load(files, { maxTokens: 16 });
});
afterAll(() => teacher.release());

const worst = (a: ArrayLike<number | bigint>, b: ArrayLike<number | bigint>) => {
  expect(a.length).toBe(b.length);
  return Math.max(...Array.from(a, (value, i) => Math.abs(Number(value) - Number(b[i]))));
};
const unitRows = (data: ArrayLike<number | bigint>, width: number) => {
  const rows = Array.from({ length: data.length / width }, (_, i) =>
    Array.from({ length: width }, (_, j) => Number(data[i * width + j])),
  );
  return rows.flatMap((row) => row.map((x) => x / Math.hypot(...row)));
};

/** A student none of whose parameters is at a value that could hide a mistake. */
async function trained(seed = 1): Promise<TransformerStudent> {
  const student = build({ seed });
  const strategy = new ContrastiveDistillationStrategy({ contrastiveWeight: 1 });
  const step = new TrainingStep(student, strategy, adamWOptionsSchema.parse({}), 4);
  const rows = new Matrix(
    5,
    4,
    Float32Array.from({ length: 20 }, (_, k) => Math.sin(1 + k * k)),
  );
  const batch = {
    student: [student.prepareBatch(student.encode(texts))],
    teacher: rows,
    sampleIds: Int32Array.of(0, 1, 2, 3, 4),
  };
  const losses: number[] = [];
  for (let k = 0; k < 12; k++) losses.push((await step.run([batch], 0.01)).loss);
  expect(losses.at(-1)).toBeLessThan(0.9 * losses[0]);
  step.writeBack();
  await step.release();
  return student;
}

describe('in training', () => {
  it('gradients by every parameter against central differences in float64: relative error < 1e-6', async () => {
    const student = build();
    const encoded = student.encode(texts.slice(0, 4));
    expect(await worstDerivative(student, student.prepareBatch(encoded), 4)).toBeLessThan(1e-6);
    expect(await worstDerivative(student, student.prepareBatch(encoded.slice(2, 3)), 1)).toBeLessThan(1e-6);
  });

  it('computes what the export does: absolute error < 1e-5', async () => {
    const student = await trained();
    const batch = student.prepareBatch(student.encode(texts));
    const graph = await trainingGraph(student, batch, 'float32', ({ layers, outputs }) => ({
      loss: sum(outputs!),
      logits: outputs!,
      embeddings: layers.get('embeddings')!,
    }));
    const { logits, embeddings } = await graph.run(initialValues(student));
    await graph.release();
    const embedder = await student.toEmbedder();
    expect(worst((await embedder.classify(texts)).data, logits)).toBeLessThan(1e-5);
    expect(worst((await embedder.embed(texts)).data, unitRows(embeddings, 4))).toBeLessThan(1e-5);
    await embedder.release();
  });

  it('the same seed gives the same bits, initial and trained', async () => {
    const values = ({ parameters }: TransformerStudent) => parameters.map(({ data }) => data);
    expect(values(await trained())).toEqual(values(await trained()));
    expect(values(build({ seed: 2 }))[0]).not.toEqual(values(build())[0]);
  });

  it('batches hold the rows that they touch, once, ascending, and numbers of them', () => {
    const { feeds, rows } = build().prepareBatch([Int32Array.of(9, 4, 9), Int32Array.of(4)]);
    expect(Array.from(rows)).toEqual([4, 9]);
    expect(Array.from(feeds.ids.tensor.data as Int32Array)).toEqual([1, 0, 1, 0, 0, 0]);
    expect(Array.from(feeds.mask.tensor.data as Float32Array)).toEqual([1, 1, 1, 1, 0, 0]);
  });
});

describe('exported', () => {
  it('padding and company do not matter; longer texts are cut; no texts give no rows', async () => {
    const student = await trained();
    const embedder = await student.toEmbedder();
    const together = await embedder.embed(texts);
    for (const [i, text] of texts.entries()) {
      expect(worst((await embedder.embed([text])).row(0), together.row(i))).toBeLessThan(1e-6);
    }
    expect(worst((await embedder.embed(['many words '.repeat(50)])).row(0), together.row(4))).toBeLessThan(1e-6);
    const none = await embedder.classify([]);
    expect([none.rows, none.columns]).toEqual([0, 3]);
    await embedder.release();
  });

  it('runs in transformers.js from its files: absolute error < 1e-5', async () => {
    const student = await trained();
    const directory = mkdtempSync(join(tmpdir(), 'limbeck-transformer-'));
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    await writeDirectory(join(directory, 'student'), student.toFiles());
    const { env, pipeline } = await import('@huggingface/transformers');
    env.allowRemoteModels = false;
    env.allowLocalModels = true;
    const extractor = await pipeline('feature-extraction', join(directory, 'student'));
    const embedder = await student.toEmbedder();
    const theirs = await extractor(texts.slice(0, 4), { pooling: 'mean', normalize: true });
    expect(worst((await embedder.embed(texts.slice(0, 4))).data, theirs.data as Float32Array)).toBeLessThan(1e-5);
    await Promise.all([extractor.dispose(), embedder.release()]);
    warn.mockRestore();
    rmSync(directory, { recursive: true, force: true });
  });

  it('config.json says the sizes', () => {
    expect(JSON.parse(build().toFiles().get('config.json') as string)).toMatchObject({
      model_type: 'limbeck-transformer',
      vocab_size: tokenizer.vocabularySize,
      num_hidden_layers: 2,
      num_attention_heads: 2,
      token_dim: 8,
      intermediate_size: 10,
      hidden_size: 4,
      max_position_embeddings: 16,
      classes: 3,
    });
  });

  it('classify without a classifier: UNSUPPORTED', async () => {
    const embedder = await transformerEncoder(tokenizer, { ...sizes, seed: 0 }).toEmbedder();
    await expect(embedder.classify(texts)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    expect((await embedder.embed(texts)).columns).toBe(8);
    await embedder.release();
  });
});

describe('fromTeacher', () => {
  const all = [0, 1, 2, 3, 4, 5];

  it('with all layers the student is the teacher: absolute error < 1e-5; with a pruned vocabulary too', async () => {
    const expected = await teacher.embed(texts);
    for (const [own, ids] of [
      [whole, undefined],
      [tokenizer, oldIds],
    ] as const) {
      const student = transformerEncoder(own, { fromTeacher: { checkpoint, layers: all, oldIds: ids }, seed: 0 });
      const embedder = await student.toEmbedder();
      expect(worst((await embedder.embed(texts)).data, expected.data)).toBeLessThan(1e-5);
      await embedder.release();
      // Beside what the teacher uses: two token types, and positions and tokens that this student does not have.
      const missing = 2 + (512 - 16) + (30522 - own.vocabularySize);
      expect(student.parameterCount).toBe(teacher.parameterCount - 384 * missing);
    }
  });

  it('takes the layers that were named, in their order, and leaves heads as the seed makes them', () => {
    const student = transformerEncoder(tokenizer, {
      fromTeacher: { checkpoint, layers: [5, 2], oldIds },
      dimension: 4,
      seed: 7,
    });
    const find = (name: string) => student.parameters.find((parameter) => parameter.name === name)!;
    for (const [own, theirs] of [
      [0, 5],
      [1, 2],
    ]) {
      const query = find(`encoder.layer.${own}.attention.self.query.weight`);
      const source = checkpoint.weights.tensor(`encoder.layer.${theirs}.attention.self.query.weight`).data;
      expect([query.data[1], query.data[384]]).toEqual([source[384], source[1]]);
      const bias = `attention.output.LayerNorm.bias`;
      expect(find(`encoder.layer.${own}.${bias}`).data).toEqual(
        checkpoint.weights.tensor(`encoder.layer.${theirs}.${bias}`).data,
      );
    }
    expect(student.parameters.some(({ name }) => name.startsWith('encoder.layer.2'))).toBe(false);
    const bound = Math.max(...find('projection.weight').data.map(Math.abs));
    expect(bound).toBeGreaterThan(0.045);
    expect(bound).toBeLessThanOrEqual(1 / Math.sqrt(384));
  });

  it.each([
    ['a layer that is not there', { layers: [0, 6] }, /option fromTeacher: expected \{ checkpoint, layers/],
    ['no layers', { layers: [] }, /option fromTeacher: expected \{ checkpoint, layers/],
    ['no checkpoint', { layers: [0], checkpoint: {} as never }, /option fromTeacher: expected \{ checkpoint, layers/],
    ['oldIds of another tokenizer', { layers: [0], oldIds: Int32Array.of(1, 2) }, /got 2 oldIds\. Give the oldIds/],
    [
      'ids that the teacher has not',
      { layers: [0], oldIds: oldIds.map(() => 30522) },
      /one of the teacher's 30522 tokens/,
    ],
  ])('%s: INVALID_OPTION', (_, wrong, message) => {
    const act = () => transformerEncoder(tokenizer, { fromTeacher: { checkpoint, ...wrong }, seed: 0 });
    expect(caught(act)).toMatchObject({ code: 'INVALID_OPTION', message: expect.stringMatching(message) });
  });

  it('weights of another size than the configuration says: FILE_CORRUPT', () => {
    const wrong = { ...checkpoint, config: { ...checkpoint.config, intermediateSize: 1000 } };
    const act = () =>
      transformerEncoder(tokenizer, { fromTeacher: { checkpoint: wrong, layers: [0], oldIds }, seed: 0 });
    expect(caught(act)).toMatchObject({
      code: 'FILE_CORRUPT',
      message: expect.stringMatching(/encoder\.layer\.0\.intermediate\.dense\.weight.* \[1000, 384\] .* \[1536, 384\]/),
    });
  });

  it('no parameter that the teacher has stays at 0', () => {
    const student = transformerEncoder(tokenizer, { fromTeacher: { checkpoint, layers: [1], oldIds }, seed: 0 });
    for (const { name, data } of student.parameters) expect([name, data.some((x) => x !== 0)]).toEqual([name, true]);
  });

  it('more positions than the teacher has: INVALID_OPTION', () => {
    const act = () => transformerEncoder(open(513), { fromTeacher: { checkpoint, layers: [0] }, seed: 0 });
    expect(caught(act)).toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(/teacher's 512 positions .* got 513/),
    });
  });
});

describe('options', () => {
  it.each([
    [{ heads: 3 }, /option heads: expected a divisor of hidden = 8, got 3\.$/],
    [{ layers: 0 }, /option layers: expected a whole number ≥ 1: the number of layers, got 0\.$/],
    [{ hidden: undefined }, /expected layers, heads and hidden, or fromTeacher, got no hidden\.$/],
    [{ seed: 0.5 }, /option seed: .*got 0\.5/],
    [{ width: 3 } as never, /unknown option "width"/],
  ])('%o: INVALID_OPTION', (wrong, message) => {
    expect(caught(() => build(wrong))).toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(message),
    });
  });

  it('sizes beside fromTeacher: INVALID_OPTION', () => {
    const act = () => build({ fromTeacher: { checkpoint, layers: [0], oldIds } });
    expect(caught(act)).toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(
        /no sizes beside it, since it brings them, got layers, heads, hidden, intermediate\.$/,
      ),
    });
  });

  it('intermediate is four times hidden by default; decay spares norms, biases and tables; only words are sparse', () => {
    const student = build({ intermediate: undefined });
    expect(student.parameters.find(({ name }) => name.endsWith('0.intermediate.dense.weight'))?.shape).toEqual([8, 32]);
    for (const { name, shape, decay, sparse } of student.parameters) {
      expect([name, decay]).toEqual([name, shape.length > 1 && !name.startsWith('embeddings.')]);
      expect([name, sparse]).toEqual([name, name === 'embeddings.word_embeddings.weight']);
    }
  });
});
