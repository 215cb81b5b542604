/** The computations of test/goldens/crd.json: in Node, and in a browser (test/web). */
import { Matrix } from '../../src/matrix/matrix.ts';
import { MomentumBanks } from '../../src/negatives/momentum-banks.ts';
import { TeacherBank } from '../../src/negatives/teacher-bank.ts';
import { ContrastiveDistillationStrategy } from '../../src/strategies/contrastive-distillation-strategy.ts';

type Rows = number[][];
type Name = 'first' | 'later';
type Pair<T> = Record<'student' | 'teacher', T>;

export interface Golden {
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

/** A strategy with the golden's heads and bank, before its first batch. */
function strategyOf(golden: Golden, { projection, bank, positives, temperature }: Golden['cases'][number]) {
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

/** What a case gives, after its earlier ones: a later batch goes on with the banks and normalizers of the first. */
export async function* crdCases(golden: Golden, dtype: 'float64' | 'float32') {
  let strategy: ContrastiveDistillationStrategy | undefined;
  for (const c of golden.cases) {
    if (c.batch === 'first') {
      await strategy?.release();
      strategy = strategyOf(golden, c);
    }
    if (!strategy) throw new Error('a later batch without a first one');
    const rows = golden.batches[c.batch];
    const student = Matrix.from(c.projection === 'none' ? rows.student : rows.narrow, dtype);
    const context = c.bank === 'banks' ? { sampleIds: Int32Array.from(golden.samples[c.batch]) } : {};
    const { loss, gradient, parameterGradients } = await strategy.computeContrastiveLossAndGradient(
      ...([student, Matrix.from(rows.teacher, dtype), c.labels ?? undefined, context] as const),
    );
    const gradients: Record<string, ArrayLike<number>> = {
      rows: gradient.data,
      ...Object.fromEntries(parameterGradients),
    };
    yield { c, loss, gradients, meanScores: strategy.meanScores };
  }
  await strategy?.release();
}
