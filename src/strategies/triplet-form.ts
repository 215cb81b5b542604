/** Triplet mode: a selection of keys as numbers for the graph, and read back as symbolic terms. */
import { concat, type Dimension, type SymbolicTensor } from '../graph/index.ts';
import { l2Normalize } from '../losses/cosine.ts';
import type { TripletMining, TripletTerms } from '../losses/triplet.ts';
import { Matrix } from '../matrix/matrix.ts';
import type { Selection } from '../negatives/selection.ts';
import type { TeacherBank } from '../negatives/teacher-bank.ts';
import { tripletKeys } from '../negatives/triplet-keys.ts';
import { matrixTensor, scalarTensor } from '../runtime/tensors.ts';
import type { BatchFacts, Pair, Prepared } from './batch.ts';

/** What the graph looks like. */
export interface TripletForm {
  readonly mining: TripletMining;
  readonly normalize: boolean;
  /** Whether bank rows are keys. */
  readonly bank: boolean;
}

/** The run-time size of the list of keys, named as concatenation names it. */
const KEYS_WITH_BANK = 'batch+bank';

/** The data of triplet mode, and whether any anchor has a negative. */
export function tripletData(
  selection: Selection,
  { rows, dtype, sampleIds }: BatchFacts,
  { bank, width, margin }: { bank: TeacherBank | undefined; width: Dimension; margin: number },
): { readonly data: Prepared['data']; readonly usable: boolean; readonly bank: boolean } {
  const rowOfAnchor = Array.from({ length: rows }, (_, i) => bank?.rowOf(sampleIds?.[i] ?? -1) ?? -1);
  const keys = tripletKeys(selection, { anchors: rows, bankSize: bank?.size ?? 0, rowOfAnchor });
  const withBank = bank !== undefined && selection.bank !== undefined;
  const shape = ['batch', withBank ? KEYS_WITH_BANK : 'batch'];
  const matrix = (array: Float32Array) => ({
    shape,
    tensor: matrixTensor(new Matrix(rows, array.length / rows, array).as(dtype)),
  });
  const all = withBank ? bank.rows(dtype) : undefined;
  return {
    data: {
      margin: { shape: [], tensor: scalarTensor(margin, dtype) },
      'triplet positives': matrix(keys.positives),
      'triplet negatives': matrix(keys.negatives),
      ...(all && {
        'triplet bank': {
          shape: ['bank', width],
          tensor: matrixTensor(keys.bankRows ? all.gather(keys.bankRows) : all),
        },
      }),
    },
    usable: keys.negatives.some((value) => value !== 0),
    bank: withBank,
  };
}

export function tripletTerms(
  { student, teacher }: Pair<SymbolicTensor>,
  data: Readonly<Record<string, SymbolicTensor>>,
  { mining, normalize, bank }: TripletForm,
): TripletTerms {
  const rows = normalize ? l2Normalize(teacher) : teacher;
  return {
    anchors: normalize ? l2Normalize(student) : student,
    keys: bank ? concat([rows, data['triplet bank']], 0) : rows,
    positives: data['triplet positives'],
    negatives: data['triplet negatives'],
    margin: data.margin,
    mining,
  };
}
