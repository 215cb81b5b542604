/** Validation, early stopping, the best checkpoint: what is measured, and that it changes no bits. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Dataset } from '../../src/data/dataset.ts';
import { textDataset } from '../../src/data/text-dataset.ts';
import type { Matrix } from '../../src/matrix/matrix.ts';
import { FeatureDistillationStrategy } from '../../src/strategies/feature-distillation-strategy.ts';
import type { StaticEmbeddingStudent } from '../../src/students/static-embedding-student.ts';
import type { Teacher } from '../../src/teachers/teacher.ts';
import { distill } from '../../src/training/distill.ts';
import type { DistillEvent, DistillOptions, ValidationEvent } from '../../src/training/distill-options.ts';
import { bagOfWordsRows, tinyStudent, wordNetTexts } from './tiny-problem.ts';

const DIMENSION = 12;
const all = wordNetTexts(130);
const training = textDataset({ texts: all.texts.slice(0, 100) });
const heldOut = textDataset({ texts: all.texts.slice(100) });
const teacher: Teacher = {
  fingerprint: 'bag of words',
  dimension: DIMENSION,
  embed: async (texts) => bagOfWordsRows(texts, DIMENSION),
};
const rows = bagOfWordsRows(training.texts, DIMENSION);
const heldOutRows = bagOfWordsRows(heldOut.texts, DIMENSION);

type Options = DistillOptions<StaticEmbeddingStudent>;
const newStudent = () => tinyStudent(all.texts, { width: 8, dimension: DIMENSION, seed: 0 });
const run = (options: Partial<Options> = {}) =>
  distill({
    teacher,
    student: newStudent(),
    data: training,
    strategy: new FeatureDistillationStrategy(),
    epochs: 4,
    batchSize: 25,
    optimizer: { learningRate: 0.02 },
    ...options,
  });
const bits = ({ parameters }: StaticEmbeddingStudent) =>
  parameters.map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'));

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'limbeck-validation-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Recall at 1 and mean cosine by loops over every pair. */
function naive(student: Matrix, teacherRows: Matrix): { recallAt1: number; meanCosine: number } {
  const cosine = (i: number, j: number): number => {
    const [a, b] = [student.row(i), teacherRows.row(j)];
    let [dot, x, y] = [0, 0, 0];
    for (let k = 0; k < a.length; k++) [dot, x, y] = [dot + a[k] * b[k], x + a[k] ** 2, y + b[k] ** 2];
    return dot / Math.sqrt(x * y);
  };
  let [right, sum] = [0, 0];
  for (let i = 0; i < student.rows; i++) {
    const own = cosine(i, i);
    sum += own;
    let better = 0;
    for (let j = 0; j < student.rows; j++) if (j !== i && cosine(i, j) > own) better++;
    if (better === 0) right++;
  }
  return { recallAt1: right / student.rows, meanCosine: sum / student.rows };
}

describe('validation', () => {
  it('happens after every so many epochs and after the last, by the student as it then is', async () => {
    const points: ValidationEvent[] = [];
    const student = newStudent();
    const result = await run({
      student,
      epochs: 5,
      validation: { data: heldOut, every: 2 },
      onEvent: (event) => event.type === 'validation' && points.push(event),
    });
    expect(points.map(({ step, epoch }) => [step, epoch])).toEqual([
      [8, 2],
      [16, 4],
      [20, 5],
    ]);
    expect(result.validation).toEqual(points.map(({ step, epoch, metrics }) => ({ step, epoch, metrics })));
    expect(result.best).toBeUndefined();
    expect(points.some(({ best }) => best)).toBe(false);
    const embedder = await student.toEmbedder();
    const expected = naive(await embedder.embed(heldOut.texts), heldOutRows);
    await embedder.release();
    expect(points[2].metrics.recallAt1).toBeCloseTo(expected.recallAt1, 12);
    expect(points[2].metrics.meanCosine).toBeCloseTo(expected.meanCosine, 6);
    expect(points[2].metrics.meanCosine).toBeGreaterThan(points[0].metrics.meanCosine);
    // No labels, no classes: no accuracy.
    expect(Object.keys(points[0].metrics).sort()).toEqual([
      'meanCosine',
      'meanReciprocalRank',
      'recallAt1',
      'recallAt10',
    ]);
  });

  it('changes no bits of the student, also with averaged weights', async () => {
    for (const averaging of [undefined, 0.9]) {
      const optimizer = { learningRate: 0.02, ...(averaging && { averaging }) };
      const plain = bits((await run({ optimizer })).student);
      expect(bits((await run({ optimizer, validation: { data: heldOut } })).student)).toEqual(plain);
    }
  });

  it('takes rows in place of a teacher, of as many samples as are asked for, always the same', async () => {
    const own = await run({ teacher: rows, validation: { data: heldOut, teacher: heldOutRows } });
    expect(own.validation).toEqual((await run({ validation: { data: heldOut } })).validation);
    const few = await run({ validation: { data: heldOut, samples: 5 } });
    expect(few.validation).not.toEqual(own.validation);
    expect((await run({ validation: { data: heldOut, samples: 5 } })).validation).toEqual(few.validation);
  });

  it('refuses what it cannot do', async () => {
    const refused: [Partial<Options>, string, RegExp][] = [
      [{ validation: { data: heldOut, every: 0 } }, 'INVALID_OPTION', /validation: option every/],
      [{ validation: { data: heldOut, evry: 1 } as never }, 'INVALID_OPTION', /Did you mean every/],
      [{ validation: { data: textDataset({ texts: ['one'] }) } }, 'INVALID_ARGUMENT', /at least two samples/],
      [{ validation: { data: heldOut, teacher: rows } }, 'SHAPE_MISMATCH', /each of the 30 samples, got 100/],
      [{ earlyStopping: { metric: 'recallAt1' } }, 'INVALID_OPTION', /validation data for the metric "recallAt1"/],
      [
        { validation: { data: heldOut }, earlyStopping: { metric: 'accuracy' } },
        'INVALID_OPTION',
        /It gives recallAt1/,
      ],
      [
        {
          validation: { data: heldOut },
          earlyStopping: { metric: 'recallAt1' },
          checkpoint: { directory, best: 'meanCosine' },
        },
        'INVALID_OPTION',
        /expected the metric of early stopping, "recallAt1"/,
      ],
      [{ validation: { data: heldOut }, checkpoint: { directory, best: 'loss' } }, 'INVALID_OPTION', /got "loss"/],
    ];
    for (const [options, code, message] of refused) {
      await expect(run(options)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    }
  });
});

describe('early stopping', () => {
  /** So high a rate, without a schedule, that the student gets worse again before long. */
  const restless: Partial<Options> = {
    epochs: 40,
    schedule: 'constant',
    warmup: 0,
    optimizer: { learningRate: 0.3 },
    validation: { data: heldOut },
    earlyStopping: { metric: 'meanCosine', patience: 3 },
  };

  it('ends after its patience, with the student of the best validation', async () => {
    const metrics: number[] = [];
    const result = await run({
      ...restless,
      onEvent: (event) => event.type === 'validation' && metrics.push(event.metrics.meanCosine),
    });
    const best = metrics.indexOf(Math.max(...metrics));
    expect(metrics.length).toBe(best + 1 + 3);
    expect(result).toMatchObject({ stoppedEarly: true, steps: 4 * metrics.length, best: { step: 4 * (best + 1) } });
    // The same as a run that ended there: with a constant rate nothing depends on what was to come.
    const { earlyStopping: _, ...rest } = restless;
    const short = await run({ ...rest, epochs: best + 1 });
    expect(bits(result.student)).toEqual(bits(short.student));
  });

  it('does the same with checkpoints, resumed at any point, and keeps best and last', async () => {
    const expected = await run(restless);
    const stopAt = [2, 9, 4 * 4, 4 * 5 + 1, 10_000];
    let result: Awaited<ReturnType<typeof run>> | undefined;
    for (const stop of stopAt) {
      const controller = new AbortController();
      const attempt = run({
        ...restless,
        student: newStudent(),
        checkpoint: { directory, every: 3 },
        signal: controller.signal,
        onStep: ({ step }) => step >= stop && controller.abort(),
      });
      if (stop < expected.steps) await expect(attempt).rejects.toMatchObject({ code: 'ABORTED' });
      else result = await attempt;
    }
    expect(bits((result as typeof expected).student)).toEqual(bits(expected.student));
    expect(result).toMatchObject({ steps: expected.steps, best: expected.best, validation: expected.validation });
    expect(readdirSync(directory).sort()).toEqual(['best.safetensors', 'last.safetensors']);
    // Once more: nothing is trained, and the result is the same.
    const steps: number[] = [];
    const again = await run({
      ...restless,
      checkpoint: { directory, every: 3 },
      onStep: ({ step }) => steps.push(step),
    });
    expect([steps, bits(again.student), again.stoppedEarly]).toEqual([[], bits(expected.student), true]);
  });

  it('a best checkpoint alone leaves the student as it is at the end', async () => {
    const { earlyStopping: _, ...rest } = restless;
    const options = { ...rest, epochs: 8 };
    const plain = await run(options);
    const kept = await run({ ...options, checkpoint: { directory, best: 'meanCosine' } });
    expect(bits(kept.student)).toEqual(bits(plain.student));
    expect(kept.best?.metrics.meanCosine).toBe(Math.max(...plain.validation.map(({ metrics }) => metrics.meanCosine)));
    expect(readdirSync(directory)).toContain('best.safetensors');
  });

  it('counts only gains that are large enough', async () => {
    const result = await run({ ...restless, earlyStopping: { metric: 'meanCosine', patience: 2, minimumGain: 10 } });
    expect(result).toMatchObject({ steps: 12, best: { step: 4 } });
  });
});

describe('events', () => {
  it('come in the order in which things happen', async () => {
    const events: DistillEvent[] = [];
    await run({
      epochs: 2,
      validation: { data: heldOut },
      checkpoint: { directory, every: 3 },
      onEvent: (event) => events.push(event),
    });
    const told = events.map((event) => ('step' in event ? `${event.type} ${event.step}` : event.type));
    expect(told).toEqual([
      ...['step 1', 'step 2', 'step 3', 'checkpoint 3', 'step 4', 'validation 4', 'step 5', 'step 6', 'checkpoint 6'],
      ...['step 7', 'step 8', 'validation 8', 'checkpoint 8'],
    ]);
    const resumed: DistillEvent[] = [];
    await run({
      epochs: 2,
      validation: { data: heldOut },
      checkpoint: { directory },
      onEvent: (event) => resumed.push(event),
    });
    expect(resumed).toEqual([{ type: 'resume', path: join(directory, 'last.safetensors'), step: 8, steps: 8 }]);
  });
});

describe('augmented data', () => {
  /** Texts that lose a word which depends on the view. */
  const augmented: Dataset<string> = {
    size: training.size,
    augmented: true,
    fingerprint: 'augmented',
    read: async (numbers, view = 0) =>
      Array.from(numbers, (i) => {
        const words = training.texts[i].split(' ');
        return words.length < 2 ? words[0] : words.filter((_, k) => k !== (view + i) % words.length).join(' ');
      }),
  };

  it('is shown to the teacher as the student sees it, another view in every batch', async () => {
    const seen: string[][] = [];
    const encoded: string[][] = [];
    const student = newStudent();
    const encode = student.encode.bind(student);
    student.encode = (texts) => {
      encoded.push([...texts]);
      return encode(texts);
    };
    const asked: Teacher = {
      ...teacher,
      embed: async (texts) => {
        seen.push([...texts]);
        return bagOfWordsRows(texts, DIMENSION);
      },
    };
    await run({ data: augmented, student, teacher: asked, epochs: 2 });
    expect(seen).toEqual(encoded);
    expect(seen.map(({ length }) => length)).toEqual(Array(8).fill(25));
    expect(new Set(seen.flat()).size).toBeGreaterThan(training.size);
  });

  it('resumes to the same bits', async () => {
    const options = { data: augmented, epochs: 2 };
    const expected = bits((await run(options)).student);
    const controller = new AbortController();
    const stopped = run({
      ...options,
      ...{
        checkpoint: { directory },
        signal: controller.signal,
        onStep: ({ step }) => step === 5 && controller.abort(),
      },
    });
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' });
    expect(bits((await run({ ...options, checkpoint: { directory } })).student)).toEqual(expected);
  });

  it('refuses rows, which belong to the plain samples', async () => {
    for (const having of [rows, { ...teacher, rowsOf: () => rows }]) {
      await expect(run({ data: augmented, teacher: having })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(/augmented data, got rows/),
      });
    }
  });

  it('a teacher that gives NaN in the middle stops the run', async () => {
    let calls = 0;
    const failing: Teacher = {
      ...teacher,
      embed: async (texts) => {
        const answer = bagOfWordsRows(texts, DIMENSION);
        if (++calls === 3) answer.row(2)[1] = Number.NaN;
        return answer;
      },
    };
    await expect(run({ data: augmented, teacher: failing })).rejects.toMatchObject({ code: 'NON_FINITE' });
  });
});
