/** The computations of test/goldens/contrastive.json: in Node, and in a browser (test/web). */
import { Matrix } from '../../src/matrix/matrix.ts';
import { TeacherBank } from '../../src/negatives/teacher-bank.ts';
import {
  type ContrastiveContext,
  ContrastiveDistillationStrategy,
} from '../../src/strategies/contrastive-distillation-strategy.ts';

export type Rows = number[][];

export interface Golden {
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

type Dtype = 'float64' | 'float32';
type Computed = Promise<{ loss: number; gradient: Matrix }>;

export const newStrategy = () => new ContrastiveDistillationStrategy({ contrastiveWeight: 1 });

/** @param strategy one for all cases: options and bank are assigned, so its compiled programs are shared and retargeted */
export function contrastiveCase(
  golden: Golden,
  c: Golden['contrastive'][number],
  dtype: Dtype,
  strategy: ContrastiveDistillationStrategy,
): Computed {
  const matrix = (rows: Rows): Matrix => Matrix.from(rows, dtype);
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
  return strategy.computeContrastiveLossAndGradient(
    matrix(rows.student),
    matrix(rows.teacher),
    c.positives ? labels.batch : undefined,
    context,
  );
}

/** @param strategy as of {@link contrastiveCase} */
export function outputCase(
  golden: Golden,
  c: Golden['output'][number],
  dtype: Dtype,
  strategy: ContrastiveDistillationStrategy,
): Computed {
  const matrix = (rows: Rows): Matrix => Matrix.from(rows, dtype);
  strategy.outputTemperature = c.outputTemperature;
  strategy.alpha = c.alpha;
  strategy.contrastiveWeight = c.contrastiveWeight;
  const labels = c.labels ? matrix(golden.targets[c.labels]) : undefined;
  return strategy.computeLossAndGradient(matrix(golden.logits.student), matrix(golden.logits.teacher), labels);
}
