/** Triplet mode: a selection of keys as numbers for the graph, and read back as symbolic terms. */
import { concat, type Dimension, type SymbolicTensor } from '../graph/index.ts';
import type { TripletMining, TripletTerms } from '../losses/triplet.ts';
import { Matrix } from '../matrix/matrix.ts';
import type { BankView } from '../negatives/key-bank.ts';
import type { AnchorRange, Selection } from '../negatives/selection.ts';
import { tripletKeys } from '../negatives/triplet-keys.ts';
import { matrixTensor, scalarTensor } from '../runtime/tensors.ts';
import type { RowNames } from './anchor-direction.ts';
import type { BatchFacts, Pair, Prepared } from './batch.ts';

/** What the graph looks like. */
export interface TripletForm {
  readonly mining: TripletMining;
  /** Whether bank rows are keys. */
  readonly bank: boolean;
}

export interface TripletRequest {
  readonly selection: Selection;
  readonly bank: BankView | undefined;
  readonly range: AnchorRange;
  readonly facts: BatchFacts;
  /** Width of the compared rows. */
  readonly width: Dimension;
  readonly names: RowNames;
  readonly margin: number;
}

/** The data of triplet mode, and whether any anchor has a negative. */
export function tripletData({ selection, bank, range, facts, width, names, margin }: TripletRequest): {
  readonly data: Prepared['data'];
  readonly usable: boolean;
  readonly bank: boolean;
} {
  const { rows, dtype } = facts;
  const keys = tripletKeys(selection, {
    batch: rows,
    range,
    bankSize: bank?.size ?? 0,
    rowOfAnchor: bank?.rowOfAnchor ?? new Int32Array(rows).fill(-1),
  });
  const all = selection.bank && bank?.rows(dtype);
  // The list of keys is named as concatenation names it.
  const shape = [names.anchors, all ? `${names.batch}+bank` : names.batch];
  const matrix = (array: Float32Array) => ({
    shape,
    tensor: matrixTensor(new Matrix(range.to - range.from, array.length / (range.to - range.from), array).as(dtype)),
  });
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
    bank: all !== undefined,
  };
}

/** The terms for the anchors at hand, over the rows of the whole batch as keys. */
export function tripletTerms(
  anchorRows: Pair<SymbolicTensor>,
  batchRows: Pair<SymbolicTensor>,
  data: Readonly<Record<string, SymbolicTensor>>,
  { mining, bank }: TripletForm,
): TripletTerms {
  return {
    anchors: anchorRows.student,
    keys: bank ? concat([batchRows.teacher, data['triplet bank']], 0) : batchRows.teacher,
    positives: data['triplet positives'],
    negatives: data['triplet negatives'],
    margin: data.margin,
    mining,
  };
}
