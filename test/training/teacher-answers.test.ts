/** What distill() makes of the ways to give a teacher: asked at once, cached on disk, handed in as rows. */
import { mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { imageDataset } from '../../src/data/image-dataset.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import type { RowSource } from '../../src/matrix/row-source.ts';
import { ContrastiveDistillationStrategy } from '../../src/strategies/contrastive-distillation-strategy.ts';
import { FeatureDistillationStrategy } from '../../src/strategies/feature-distillation-strategy.ts';
import { mlp } from '../../src/students/images/mlp.ts';
import type { ImageSample } from '../../src/students/images/pixels.ts';
import type { StaticEmbeddingStudent } from '../../src/students/static-embedding-student.ts';
import type { Teacher } from '../../src/teachers/teacher.ts';
import { distill } from '../../src/training/distill.ts';
import type { DistillEvent, DistillOptions, TeacherEvent } from '../../src/training/distill-options.ts';
import { bagOfWordsRows, tinyStudent, wordNetTexts } from './tiny-problem.ts';

const DIMENSION = 12;
const data = wordNetTexts(90);
const rows = bagOfWordsRows(data.texts, DIMENSION);
let asked: number;
const teacher: Teacher = {
  fingerprint: 'bag of words',
  dimension: DIMENSION,
  embed: async (texts) => {
    asked += texts.length;
    return bagOfWordsRows(texts, DIMENSION);
  },
};

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'limbeck-answers-'));
  asked = 0;
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const run = (options: Partial<DistillOptions<StaticEmbeddingStudent>> = {}) =>
  distill({
    teacher,
    student: tinyStudent(data.texts, { width: 8, dimension: DIMENSION, seed: 0 }),
    data,
    strategy: new FeatureDistillationStrategy(),
    epochs: 2,
    batchSize: 20,
    ...options,
  });
const bits = ({ parameters }: { parameters: readonly { data: Float32Array }[] }) =>
  parameters.map(({ data: values }) => Array.from(new Uint32Array(values.buffer, values.byteOffset, values.length)));

describe('a cache', () => {
  it('gives the bits of a run without one, and asks the teacher once for all runs', async () => {
    const plain = await run();
    expect([plain.teacher?.computed, asked]).toEqual([90, 90]);
    const events: TeacherEvent[] = [];
    const first = await run({
      cache: { directory, shardRows: 32 },
      onEvent: (event) => event.type === 'teacher' && events.push(event),
    });
    expect(bits(first.student)).toEqual(bits(plain.student));
    expect(first.teacher).toMatchObject({ reused: 0, computed: 90 });
    expect(events.map(({ what, doneRows, totalRows }) => [what, doneRows, totalRows])).toEqual(
      [0, 32, 64, 90].map((done) => ['training', done, 90]),
    );
    asked = 0;
    const second = await run({ cache: { directory, shardRows: 32 } });
    expect(bits(second.student)).toEqual(bits(plain.student));
    expect([asked, second.teacher?.reused]).toEqual([0, 90]);
  });

  it('of float16 comes near, and is another run to a checkpoint', async () => {
    const plain = await run();
    const half = await run({ cache: { directory, dtype: 'float16' }, checkpoint: { directory: join(directory, 'c') } });
    expect(bits(half.student)).not.toEqual(bits(plain.student));
    expect(half.loss).toBeCloseTo(plain.loss, 3);
    await expect(
      run({ cache: { directory, dtype: 'float32' }, checkpoint: { directory: join(directory, 'c') } }),
    ).rejects.toMatchObject({ code: 'CHECKPOINT_MISMATCH', details: { different: ['teacher'] } });
  });

  it('with a damaged shard: a warning, computed again, the same bits', async () => {
    const plain = await run({ cache: { directory, shardRows: 32 } });
    const [folder] = readdirSync(directory);
    truncateSync(join(directory, folder, 'rows-00001.safetensors'), 200);
    asked = 0;
    const events: DistillEvent[] = [];
    const again = await run({ cache: { directory, shardRows: 32 }, onEvent: (event) => events.push(event) });
    expect(asked).toBe(32);
    expect(events.filter(({ type }) => type === 'warning')).toEqual([
      { type: 'warning', message: expect.stringMatching(/rows-00001/) },
    ]);
    expect(bits(again.student)).toEqual(bits(plain.student));
  });

  it('interrupted in the teacher pass: ABORTED, and the next run goes on', async () => {
    const controller = new AbortController();
    const stopped = run({
      cache: { directory, shardRows: 32 },
      signal: controller.signal,
      onEvent: (event) => event.type === 'teacher' && event.doneRows >= 32 && controller.abort(),
    });
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' });
    asked = 0;
    expect((await run({ cache: { directory, shardRows: 32 } })).teacher?.reused).toBe(32);
    expect(asked).toBe(58);
  });
});

it('rows from any source, with a name or without, train as a matrix does', async () => {
  const plain = await run({ teacher: rows });
  const source: RowSource = { rows: 90, columns: DIMENSION, gather: (numbers) => rows.gather(numbers) };
  const checkpoint = { directory };
  expect(bits((await run({ teacher: source, checkpoint })).student)).toEqual(bits(plain.student));
  // Without a name the numbers count: the same matrix is the same teacher.
  expect((await run({ teacher: rows, checkpoint })).steps).toBe(plain.steps);
  const named = { ...source, fingerprint: 'mine' };
  await expect(run({ teacher: named, checkpoint })).rejects.toMatchObject({ code: 'CHECKPOINT_MISMATCH' });
  const short = { ...source, rows: 89 };
  await expect(run({ teacher: short })).rejects.toMatchObject({ code: 'SHAPE_MISMATCH' });
  await expect(run({ teacher: { embeddings: 3 } as never })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

it('a teacher that has its rows already is not asked for them', async () => {
  const having: Teacher = { ...teacher, rowsOf: () => rows };
  expect(bits((await run({ teacher: having })).student)).toEqual(bits((await run({ teacher: rows })).student));
  expect(asked).toBe(0);
});

it('widths that do not fit are known before the teacher is asked', async () => {
  const student = tinyStudent(data.texts, { width: 8, dimension: 5, seed: 0 });
  await expect(run({ student })).rejects.toMatchObject({ code: 'SHAPE_MISMATCH' });
  expect(asked).toBe(0);
});

describe('a teacher that classifies', () => {
  const random = new Random(3);
  const images = Array.from({ length: 40 }, () => Float32Array.from({ length: 16 }, () => random.uniform()));
  const labels = images.map((image) => (image[0] > 0.5 ? 1 : 0));
  const data = imageDataset({ images, labels });
  const logits = (samples: readonly ImageSample[]) => Matrix.from(samples.map((image) => [0, 8 * (image[0] - 0.5)]));
  const embeddings = (samples: readonly ImageSample[]) =>
    Matrix.from(samples.map((image) => Array.from(image.slice(0, 3))));
  const teacher: Teacher<ImageSample> = {
    fingerprint: 'the first pixel',
    dimension: 3,
    classes: 2,
    embed: async (samples) => embeddings(samples),
    predict: async (samples) => ({ embeddings: embeddings(samples), outputs: logits(samples) }),
  };
  const train = (options: object) =>
    distill({
      student: mlp({ widths: [8], channels: 1, size: 4, classes: 2, dimension: 3, seed: 0 }),
      data,
      strategy: new ContrastiveDistillationStrategy({ contrastiveWeight: 0.5 }),
      epochs: 3,
      batchSize: 10,
      ...options,
    });

  it('is heard on outputs too, cached or not, as if they were given', async () => {
    const given = { embeddings: embeddings(images), outputs: logits(images) };
    const expected = await train({ teacher: given });
    expect(bits((await train({ teacher })).student)).toEqual(bits(expected.student));
    expect(bits((await train({ teacher, cache: { directory } })).student)).toEqual(bits(expected.student));
    const withoutOutputs = await train({ teacher: given.embeddings });
    expect(bits(withoutOutputs.student)).not.toEqual(bits(expected.student));
  });

  it('validation gives the accuracy', async () => {
    const { validation } = await train({
      teacher,
      useLabels: true,
      validation: { data },
      epochs: 30,
      optimizer: { learningRate: 0.02 },
    });
    expect(Object.keys(validation[0].metrics)).toContain('accuracy');
    expect(validation.at(-1)?.metrics.accuracy).toBeGreaterThan(0.9);
  });
});
