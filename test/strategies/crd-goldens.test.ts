/** Every case of test/goldens/crd.json: PyTorch's losses, Z/M and gradients of the CRD objective, in float64 and in float32. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Matrix } from '../../src/matrix/matrix.ts';
import { MomentumBanks } from '../../src/negatives/momentum-banks.ts';
import { TeacherBank } from '../../src/negatives/teacher-bank.ts';
import { ContrastiveDistillationStrategy } from '../../src/strategies/contrastive-distillation-strategy.ts';
import { expectNear, worstError } from './support.ts';

type Rows = number[][];
type Name = 'first' | 'later';
type Pair<T> = Record<'student' | 'teacher', T>;

interface Golden {
  readonly batches: Record<Name, Pair<Rows> & { narrow: Rows }>;
  readonly samples: Record<Name, number[]>;
  readonly banks: Record<string, Pair<Rows>>;
  readonly bankLabels: number[];
  readonly teacherBank: { rows: Rows; labels: number[] };
  readonly heads: Record<string, Record<string, Rows | number[]>>;
  readonly cases: readonly {
    readonly projection: 'none' | 'student' | 'both';
    readonly bank: 'banks' | 'teacher' | null;
    readonly positives: 'class' | 'instance' | null;
    readonly temperature: number;
    readonly batch: Name;
    readonly labels: number[] | null;
    readonly loss: number;
    readonly meanScores: Pair<number>;
    readonly gradients: Record<string, Rows | number[]>;
  }[];
}

const golden = JSON.parse(readFileSync(new URL('../goldens/crd.json', import.meta.url), 'utf8')) as unknown as Golden;

/** Largest allowed errors: of loss and Z/M relative to max(1, value), of gradients relative to max(1, their largest entry). */
const BOUNDS = {
  float64: { loss: 1e-12, gradient: 1e-10 },
  float32: { loss: 4e-6, gradient: 4e-5 },
} as const;

/** A strategy with the golden's heads and bank, before its first batch. */
function strategyOf({ projection, bank, positives, temperature }: Golden['cases'][number]) {
  const width = projection === 'both' ? 3 : 4;
  const strategy = new ContrastiveDistillationStrategy({
    ...{ mode: 'crd', projection, projectionDimension: width, positives: positives ?? 'class', temperature },
    contrastiveWeight: 1,
  });
  const widths = { width: projection === 'none' ? 4 : 3, teacherWidth: 4 };
  for (const { name, data } of strategy.parametersFor(new Map([['embeddings', widths]]))) {
    data.set(golden.heads[projection][name].flat());
  }
  if (bank === 'teacher') {
    const { rows, labels } = golden.teacherBank;
    strategy.bank = new TeacherBank(Matrix.from(rows, 'float64'), { labels: Int32Array.from(labels) });
  } else if (bank === 'banks') {
    const { student, teacher } = golden.banks[width];
    const labels = Int32Array.from(golden.bankLabels);
    const banks = new MomentumBanks({ samples: student.length, dimension: width, labels });
    banks.restore({
      'student bank': Float32Array.from(student.flat()),
      'teacher bank': Float32Array.from(teacher.flat()),
    });
    strategy.bank = banks;
  }
  return strategy;
}

describe.each(['float64', 'float32'] as const)('PyTorch’s numbers in %s', (dtype) => {
  const bound = BOUNDS[dtype];

  it(`all 96 cases: loss and Z/M < ${bound.loss}, gradients < ${bound.gradient}`, async () => {
    expect(golden.cases).toHaveLength(96);
    let strategy: ContrastiveDistillationStrategy | undefined;
    for (const c of golden.cases) {
      if (c.batch === 'first') {
        await strategy?.release();
        strategy = strategyOf(c);
      }
      if (!strategy) throw new Error('a later batch without a first one');
      const rows = golden.batches[c.batch];
      const student = Matrix.from(c.projection === 'none' ? rows.student : rows.narrow, dtype);
      const context = c.bank === 'banks' ? { sampleIds: Int32Array.from(golden.samples[c.batch]) } : {};
      const { loss, gradient, parameterGradients } = await strategy.computeContrastiveLossAndGradient(
        ...([student, Matrix.from(rows.teacher, dtype), c.labels ?? undefined, context] as const),
      );
      const name = JSON.stringify({ ...c, gradients: undefined });
      expect(Math.abs(loss - c.loss) / Math.max(1, c.loss), `loss of ${name}`).toBeLessThan(bound.loss);
      const found: Record<string, ArrayLike<number>> = {
        rows: gradient.data,
        ...Object.fromEntries(parameterGradients),
      };
      expect(Object.keys(found).sort()).toEqual(Object.keys(c.gradients).sort());
      for (const [key, expected] of Object.entries(c.gradients)) {
        expect(worstError(found[key], expected.flat()), `${key} of ${name}`).toBeLessThan(bound.gradient);
      }
      for (const side of ['student', 'teacher'] as const) {
        expectNear(Number(strategy.meanScores[side]) / c.meanScores[side], 1, bound.loss);
      }
    }
    await strategy?.release();
  });
});
