/**
 * One anchor direction of the modes that contrast cosines, by a softmax over the keys or key by key: a selection of keys as numbers
 * for the graph, and read back as symbolic terms.
 */
import { type Dimension, gather, type Shape, type SymbolicTensor, stopGradient } from '../graph/index.ts';
import type { ContrastiveTerms, KeyBlock } from '../losses/contrastive.ts';
import { type FloatArray, Matrix } from '../matrix/matrix.ts';
import type { BankView } from '../negatives/key-bank.ts';
import type { Selection } from '../negatives/selection.ts';
import { int32Tensor, matrixTensor } from '../runtime/tensors.ts';
import type { BatchFacts, Pair, Prepared } from './batch.ts';

/** Student anchors and teacher keys, or the other way round. */
export type AnchorSide = keyof Pair<unknown>;

/** What the graph of a direction looks like. */
export interface AnchorDirection {
  readonly anchors: AnchorSide;
  readonly ownApart: boolean;
  /** Whether rows of the batch are keys. */
  readonly batch: boolean;
  /** Whether bank rows are keys. */
  readonly bank: boolean;
  /** Whether an anchor's own key is fed, since it is a bank row that differs from the batch's. */
  readonly ownFed: boolean;
  /** Whether targets follow the teacher's similarities. */
  readonly soft: boolean;
  /** Whether the loss is read off the own keys' shares of a softmax. */
  readonly byShares: boolean;
}

/** Names of run-time sizes: of the anchors at hand, and of the batch, whose rows are keys. */
export interface RowNames {
  readonly anchors: string;
  readonly batch: string;
}

/** The names under which a direction's arrays are fed. */
export const directionData = (anchors: AnchorSide, what: string): string => `${anchors} anchors: ${what}`;

/** What a selection is made for. */
export interface DirectionRequest {
  readonly anchors: AnchorSide;
  readonly selection: Selection;
  readonly bank: BankView | undefined;
  /** Bank rows of the anchors at hand. */
  readonly rowOfAnchor: Int32Array;
  readonly facts: BatchFacts;
  /** Width of the compared rows. */
  readonly width: Dimension;
  readonly names: RowNames;
  readonly soft: boolean;
  /** Whether the loss asks how many negatives each anchor has. */
  readonly counted: boolean;
  /** Whether the loss may be read off the own keys' shares of a softmax, where targets are those keys. */
  readonly byShares: boolean;
}

/** A selection as numbers for the graph, and the form that they give it; {@link directionTerms} reads them back. */
export function prepareDirection(request: DirectionRequest): {
  readonly data: Prepared['data'];
  readonly direction: AnchorDirection;
} {
  const { anchors, selection, bank, rowOfAnchor, facts, width, names, soft, counted } = request;
  const { ownApart, ownTarget, ownColumns, negatives, candidates } = selection;
  const { batch, bank: inBank } = selection;
  const byShares = request.byShares && !soft && !batch?.targets && !inBank?.targets;
  const rows = rowOfAnchor.length;
  const data: Record<string, Prepared['data'][string]> = {};
  const put = (what: string, array: FloatArray | undefined, shape: Shape): void => {
    if (!array) return;
    const matrix = new Matrix(rows, array.length / rows, array).as(facts.dtype);
    data[directionData(anchors, what)] = { shape, tensor: matrixTensor(matrix) };
  };
  put('own target', ownTarget, [names.anchors, 1]);
  if (byShares)
    data[directionData(anchors, 'own columns')] = {
      shape: [names.anchors, 1],
      tensor: int32Tensor(ownColumns, [rows, 1]),
    };
  if (counted)
    put('negatives', negatives ? Float64Array.from(negatives) : new Float64Array(rows).fill(candidates), [
      names.anchors,
      1,
    ]);
  // Where only some rows of the batch are keys, they are gathered.
  const drawn = selection.batch?.rows;
  const batchKeys = drawn ? `${anchors} anchors' batch keys` : names.batch;
  const bankKeys = `${anchors} anchors' bank keys`;
  if (drawn)
    data[directionData(anchors, 'batch rows')] = { shape: [batchKeys], tensor: int32Tensor(drawn, [drawn.length]) };
  put('batch mask', selection.batch?.mask, [names.anchors, batchKeys]);
  put('batch targets', selection.batch?.targets, [names.anchors, batchKeys]);
  put('bank mask', selection.bank?.mask, [names.anchors, bankKeys]);
  put('bank targets', selection.bank?.targets, [names.anchors, bankKeys]);
  for (const which of ['batch', 'bank'] as const) {
    const hidden = selection[which]?.hidden;
    if (!hidden) continue;
    // Some column for anchors that nothing is hidden from.
    const tensor = int32Tensor(
      hidden.map((column) => Math.max(0, column)),
      [rows, 1],
    );
    data[directionData(anchors, `${which} hidden columns`)] = { shape: [names.anchors, 1], tensor };
    put(
      `${which} hidden`,
      Float32Array.from(hidden, (column) => (column < 0 ? 0 : Number.NEGATIVE_INFINITY)),
      [names.anchors, 1],
    );
  }
  const all = bank?.rows(facts.dtype);
  if (all && selection.bank) {
    // The bank is handed over as it is, without a copy; drawn rows are gathered in the graph.
    const drawnBank = selection.bank.rows;
    const bankRows = drawnBank ? `${anchors} anchors' bank rows` : bankKeys;
    data[directionData(anchors, 'bank')] = { shape: [bankRows, width], tensor: matrixTensor(all) };
    if (drawnBank) {
      const tensor = int32Tensor(drawnBank, [drawnBank.length]);
      data[directionData(anchors, 'bank rows')] = { shape: [bankKeys], tensor };
    }
  }
  const ownFed = bank?.holdsPositives === true;
  if (all && ownFed) put('own keys', all.gather(rowOfAnchor).data, [names.anchors, width]);
  const direction = {
    anchors,
    ownApart,
    batch: selection.batch !== undefined,
    bank: selection.bank !== undefined,
    ownFed,
    soft,
    byShares,
  };
  return { data, direction };
}

/**
 * The symbolic terms of one direction.
 *
 * @param anchorRows the anchors at hand [anchors, D], of both networks
 * @param batchRows the whole batch [batch, D], whose rows are keys; the same as the anchors where they are not taken in tiles
 */
export function directionTerms(
  anchorRows: Pair<SymbolicTensor>,
  batchRows: Pair<SymbolicTensor>,
  data: Readonly<Record<string, SymbolicTensor>>,
  { anchors, ownApart, batch, bank, ownFed, soft, byShares }: AnchorDirection,
): ContrastiveTerms {
  const keySide = anchors === 'student' ? 'teacher' : 'student';
  const read = (what: string): SymbolicTensor | undefined => data[directionData(anchors, what)];
  const hiddenIn = (which: string): KeyBlock['hidden'] => {
    const [columns, values] = [read(`${which} hidden columns`), read(`${which} hidden`)];
    return columns && values ? { columns, values } : undefined;
  };
  const blocks: KeyBlock[] = [];
  if (batch) {
    const drawn = read('batch rows');
    const keysOf = (rows: SymbolicTensor): SymbolicTensor => (drawn ? gather(rows, drawn) : rows);
    const keys = keysOf(batchRows[keySide]);
    const teacherKeys = soft ? stopGradient(keysOf(batchRows.teacher)) : undefined;
    const targets = read('batch targets');
    blocks.push({ keys, mask: read('batch mask'), hidden: hiddenIn('batch'), targets, teacherKeys });
  }
  if (bank) {
    const all = read('bank') as SymbolicTensor;
    const drawn = read('bank rows');
    const keys = drawn ? gather(all, drawn) : all;
    const targets = read('bank targets');
    blocks.push({ keys, mask: read('bank mask'), hidden: hiddenIn('bank'), targets, teacherKeys: keys });
  }
  const ownKeys = ownFed ? (read('own keys') as SymbolicTensor) : undefined;
  return {
    anchors: anchorRows[anchors],
    own: ownKeys ?? anchorRows[keySide],
    ownApart,
    ownTarget: read('own target'),
    blocks,
    // Targets are data: a head on the teacher must not learn to make them easy.
    teacherAnchors: soft ? stopGradient(anchorRows.teacher) : undefined,
    // Soft targets are for student anchors where keys are fed, so those are teacher rows.
    teacherOwn: soft ? ownKeys : undefined,
    temperature: data.temperature,
    ownColumns: byShares ? read('own columns') : undefined,
  };
}
