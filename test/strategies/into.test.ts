/** Gradients written to a matrix that is given, and large arrays that evaluations take over from one another. */
import { describe, expect, it } from 'vitest';
import { LimbeckError } from '../../src/errors.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { ContrastiveDistillationStrategy } from '../../src/strategies/contrastive-distillation-strategy.ts';
import { SpareArrays } from '../../src/strategies/spare-arrays.ts';
import { randomMatrix } from './support.ts';

const random = new Random(5);
const [B, D] = [6, 3];
const student = randomMatrix(random, B, D);
const teacher = randomMatrix(random, B, D);

describe.each([
  ['at once', 5 * 2 ** 18],
  ['in tiles', 2 * B],
])('the gradient of a batch %s', (_, maxLogits) => {
  it.each(['ntxent', 'infonce', 'triplet', 'crd'] as const)(
    '%s: written to the given matrix, to the last bit',
    async (mode) => {
      const strategy = new ContrastiveDistillationStrategy({ mode, maxLogits, projection: 'none' });
      for (const dtype of ['float32', 'float64'] as const) {
        const [s, t] = [student.as(dtype), teacher.as(dtype)];
        await strategy.computeContrastiveLoss(s, t); // CRD's normalizer comes from the first batch
        const fresh = await strategy.computeContrastiveLossAndGradient(s, t);
        const into = new Matrix(B, D, s.data.slice().fill(Number.NaN));
        const given = await strategy.computeContrastiveLossAndGradient(s, t, undefined, { into });
        expect(given.gradient.data).toBe(into.data);
        expect(given).toEqual(fresh);
        expect(await strategy.computeContrastiveGradient(s, t, undefined, { into })).toEqual(fresh.gradient);
      }
      await strategy.release();
    },
  );
});

describe('a matrix for the gradient', () => {
  const strategy = new ContrastiveDistillationStrategy();
  const expectRefused = async (into: unknown, code: string): Promise<void> => {
    const given = strategy.computeContrastiveGradient(student, teacher, undefined, { into: into as Matrix });
    const error = await given.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(LimbeckError);
    expect(error).toMatchObject({ code, message: expect.stringMatching(/^into: expected /) });
  };

  it('has the form of the student’s rows, and memory of its own', async () => {
    const { dtype } = student;
    const otherDtype = dtype === 'float32' ? 'float64' : 'float32';
    await expectRefused([1, 2], 'INVALID_ARGUMENT');
    await expectRefused(Matrix.zeros(B + 1, D, dtype), 'SHAPE_MISMATCH');
    await expectRefused(Matrix.zeros(B, D + 1, dtype), 'SHAPE_MISMATCH');
    await expectRefused(Matrix.zeros(B, D, otherDtype), 'SHAPE_MISMATCH');
    for (const rows of [student, teacher]) await expectRefused(new Matrix(B, D, rows.data), 'INVALID_ARGUMENT');
  });
});

describe('arrays that are taken over', () => {
  it('two evaluations at a time do not share any', async () => {
    const strategy = new ContrastiveDistillationStrategy({ mode: 'infonce', maxLogits: 2 * B });
    const others = randomMatrix(random, B, D);
    const one = () => strategy.computeContrastiveLossAndGradient(student, teacher);
    const other = () => strategy.computeContrastiveLossAndGradient(others, student);
    const expected = [await one(), await other()];
    expect(await Promise.all([one(), other()])).toEqual(expected);
    expect(await Promise.all([other(), one(), other()])).toEqual([expected[1], expected[0], expected[1]]);
    await strategy.release();
  });

  it('are of the asked length and type, and let go of when sizes change', () => {
    const spare = new SpareArrays();
    const first = spare.take('float32', 4);
    const second = spare.take('float32', 4);
    expect(second).not.toBe(first);
    spare.giveBack([first, second]);
    expect(spare.take('float64', 4)).toBeInstanceOf(Float64Array);
    expect(spare.take('float32', 5)).toHaveLength(5);
    expect([first, second]).toContain(spare.take('float32', 4));
    spare.giveBack([new Float32Array(6)]);
    expect([first, second]).not.toContain(spare.take('float32', 4));
  });
});
