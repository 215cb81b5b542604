/** Every case of test/goldens/contrastive.json: PyTorch's losses and gradients, in float64 and in float32. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Matrix } from '../../src/matrix/matrix.ts';
import { TeacherBank } from '../../src/negatives/teacher-bank.ts';
import {
  type ContrastiveContext,
  ContrastiveDistillationStrategy,
} from '../../src/strategies/contrastive-distillation-strategy.ts';
import { expectNear, worstError } from './support.ts';

type Rows = number[][];

interface Golden {
  readonly embeddings: Record<string, { student: Rows; teacher: Rows; bank: Rows; memberBank: Rows }>;
  readonly labels: { batch: number[]; bank: number[]; memberBank: number[]; batchRowsInMemberBank: number[] };
  readonly contrastive: readonly {
    readonly embeddings: string;
    readonly mode: 'ntxent' | 'infonce';
    readonly symmetric: boolean;
    readonly temperature: number;
    readonly positives: 'class' | 'instance' | null;
    readonly bank: 'apart' | 'member' | null;
    readonly loss: number;
    readonly gradient: Rows;
  }[];
  readonly logits: { student: Rows; teacher: Rows };
  readonly targets: Record<string, Rows>;
  readonly output: readonly {
    readonly labels: 'oneHot' | 'soft' | null;
    readonly outputTemperature: number;
    readonly alpha: number;
    readonly contrastiveWeight: number;
    readonly loss: number;
    readonly gradient: Rows;
  }[];
}

const golden = JSON.parse(
  readFileSync(new URL('../goldens/contrastive.json', import.meta.url), 'utf8'),
) as unknown as Golden;

/** Largest allowed errors: of the loss relative to max(1, |loss|), of the gradient relative to max(1, its largest entry). */
const BOUNDS = {
  float64: { loss: 1e-12, gradient: 1e-10 },
  float32: { loss: 2e-6, gradient: 2e-5 },
} as const;

describe.each(['float64', 'float32'] as const)('PyTorch’s numbers in %s', (dtype) => {
  const bound = BOUNDS[dtype];
  const matrix = (rows: Rows): Matrix => Matrix.from(rows, dtype);

  // One strategy for all cases: options and bank are assigned, so its compiled programs are shared and retargeted.
  const strategy = new ContrastiveDistillationStrategy({ contrastiveWeight: 1 });
  const name = (c: Golden['contrastive'][number]) =>
    `${c.embeddings} ${c.mode}${c.symmetric ? ' symmetric' : ''}, τ ${c.temperature}, positives ${c.positives}, bank ${c.bank}`;

  it(`all 168 contrastive cases: loss < ${bound.loss}, gradient < ${bound.gradient}`, async () => {
    expect(golden.contrastive).toHaveLength(168);
    for (const c of golden.contrastive) {
      const rows = golden.embeddings[c.embeddings];
      const { labels } = golden;
      strategy.mode = c.mode;
      strategy.symmetric = c.symmetric;
      strategy.temperature = c.temperature;
      strategy.positives = c.positives ?? 'class';
      let context: ContrastiveContext = {};
      strategy.bank = undefined;
      if (c.bank) {
        const member = c.bank === 'member';
        const bankLabels = Int32Array.from(member ? labels.memberBank : labels.bank);
        strategy.bank = new TeacherBank(
          matrix(member ? rows.memberBank : rows.bank),
          c.positives ? { labels: bankLabels } : {},
        );
        if (member) context = { sampleIds: Int32Array.from(labels.batchRowsInMemberBank) };
      }
      const { loss, gradient } = await strategy.computeContrastiveLossAndGradient(
        matrix(rows.student),
        matrix(rows.teacher),
        c.positives ? labels.batch : undefined,
        context,
      );
      expect(gradient.dtype).toBe(dtype);
      expect(Math.abs(loss - c.loss) / Math.max(1, c.loss), `loss of ${name(c)}`).toBeLessThan(bound.loss);
      expect(worstError(gradient.data, c.gradient.flat()), `gradient of ${name(c)}`).toBeLessThan(bound.gradient);
    }
    await strategy.release();
  });

  it(`all 42 output cases: loss < ${bound.loss}, gradient < ${bound.gradient}`, async () => {
    expect(golden.output).toHaveLength(42);
    const [student, teacher] = [matrix(golden.logits.student), matrix(golden.logits.teacher)];
    for (const c of golden.output) {
      strategy.outputTemperature = c.outputTemperature;
      strategy.alpha = c.alpha;
      strategy.contrastiveWeight = c.contrastiveWeight;
      const labels = c.labels ? matrix(golden.targets[c.labels]) : undefined;
      const { loss, gradient } = await strategy.computeLossAndGradient(student, teacher, labels);
      expectNear(loss, c.loss, bound.loss);
      expect(worstError(gradient.data, c.gradient.flat()), JSON.stringify(c)).toBeLessThan(bound.gradient);
    }
    await strategy.release();
  });
});
