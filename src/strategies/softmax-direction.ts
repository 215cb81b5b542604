/** One anchor direction of the softmax modes: a selection of keys as numbers for the graph, and read back as symbolic terms. */
import type { Dimension, Shape, SymbolicTensor } from '../graph/index.ts';
import type { ContrastiveTerms, KeyBlock } from '../losses/contrastive.ts';
import { type FloatArray, Matrix } from '../matrix/matrix.ts';
import type { Selection } from '../negatives/selection.ts';
import type { TeacherBank } from '../negatives/teacher-bank.ts';
import { matrixTensor } from '../runtime/tensors.ts';
import type { BatchFacts, Prepared } from './batch.ts';

/** Student anchors and teacher keys, or the other way round. */
export type SoftmaxMode = 'ntxent' | 'infonce';

/** What the graph of a direction looks like. */
export interface SoftmaxDirection {
  readonly mode: SoftmaxMode;
  readonly ownApart: boolean;
  /** Whether the batch's rows are keys. */
  readonly batch: boolean;
  /** Whether bank rows are keys. */
  readonly bank: boolean;
  /** Whether targets follow the teacher's similarities. */
  readonly soft: boolean;
}

type PreparedTensor = Prepared['data'][string];

/** The names under which a selection's arrays are fed. */
const dataName = (mode: SoftmaxMode, what: string): string => `${mode} ${what}`;

/** A selection as numbers for the graph; {@link softmaxTerms} reads them back by the same names. */
export function softmaxData(
  mode: SoftmaxMode,
  { ownTarget, batch, bank }: Selection,
  { rows, dtype }: BatchFacts,
  width: Dimension,
  teacherBank: TeacherBank | undefined,
): Record<string, PreparedTensor> {
  const data: Record<string, PreparedTensor> = {};
  const put = (what: string, array: FloatArray | undefined, shape: Shape): void => {
    if (!array) return;
    const matrix = new Matrix(rows, array.length / rows, array).as(dtype);
    data[dataName(mode, what)] = { shape, tensor: matrixTensor(matrix) };
  };
  put('own target', ownTarget, ['batch', 1]);
  put('batch mask', batch?.mask, ['batch', 'batch']);
  put('batch targets', batch?.targets, ['batch', 'batch']);
  put('bank mask', bank?.mask, ['batch', 'bank']);
  put('bank targets', bank?.targets, ['batch', 'bank']);
  if (bank && teacherBank) {
    const all = teacherBank.rows(dtype);
    data[dataName(mode, 'bank keys')] = {
      shape: ['bank', width],
      tensor: matrixTensor(bank.rows ? all.gather(bank.rows) : all),
    };
  }
  return data;
}

/** The symbolic terms of one anchor direction. */
export function softmaxTerms(
  student: SymbolicTensor,
  teacher: SymbolicTensor,
  data: Readonly<Record<string, SymbolicTensor>>,
  { mode, ownApart, batch, bank, soft }: SoftmaxDirection,
): ContrastiveTerms {
  const [anchors, own] = mode === 'ntxent' ? [student, teacher] : [teacher, student];
  const read = (what: string): SymbolicTensor | undefined => data[dataName(mode, what)];
  const blocks: KeyBlock[] = [];
  if (batch) {
    blocks.push({ keys: own, mask: read('batch mask'), targets: read('batch targets'), teacherKeys: teacher });
  }
  if (bank) {
    const keys = read('bank keys') as SymbolicTensor;
    blocks.push({ keys, mask: read('bank mask'), targets: read('bank targets'), teacherKeys: keys });
  }
  return {
    anchors,
    own,
    ownApart,
    ownTarget: read('own target'),
    blocks,
    teacherAnchors: soft ? teacher : undefined,
    temperature: data.temperature,
  };
}
