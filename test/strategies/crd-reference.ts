/**
 * The CRD objective of mathematics.md, section 2, as nested loops over sides, anchors and keys: obvious, slow, and without a line of
 * the library. Which negatives were drawn for an anchor is given, since a draw has no formula.
 */
import type { Rows } from './reference.ts';

export type Side = 'student' | 'teacher';
export const SIDES: readonly Side[] = ['student', 'teacher'];

/** x·W + b. */
export interface Head {
  /** [width in][width out] */
  readonly weight: Rows;
  readonly bias: ArrayLike<number>;
}

export interface CrdCase {
  readonly student: Rows;
  readonly teacher: Rows;
  readonly heads?: { readonly [side in Side]?: Head | undefined };
  readonly temperature: number;
  readonly labels?: ArrayLike<number> | undefined;
  readonly positives?: 'class' | 'instance';
  readonly bank?:
    | {
        readonly teacher: Rows;
        /** Only momentum banks have rows of the student; then rows are taken as they are, and hold the positives. */
        readonly student?: Rows;
        readonly labels?: ArrayLike<number> | undefined;
        /** The bank row of each batch row's sample, or −1. */
        readonly rowOf: ArrayLike<number>;
      }
    | undefined;
  /** Whether a negative of anchor i was drawn: `batch 3`, `bank 7`. Without it all are used. */
  readonly drawn?: (anchors: Side, i: number, key: string) => boolean;
}

/** Deliberate mistakes, one at a time, that the comparison has to notice. */
export type CrdMutation =
  | 'K missing from the noise term'
  | 'K of the option, not of what is seen'
  | 'Z anew from every batch'
  | 'Z a sum, not a mean'
  | 'Z over negatives alone'
  | 'one Z for both sides'
  | 'student anchors alone'
  | 'directions averaged'
  | 'negatives averaged'
  | 'sum over anchors'
  | 'softplus of the positive flipped'
  | 'softplus of the negatives flipped'
  | 'temperature multiplied'
  | 'positive from the batch'
  | 'banks swapped'
  | 'batch rows beside the banks'
  | 'own bank row kept as a negative'
  | 'same-class negatives kept'
  | 'class positives added, not shared'
  | 'own pair the only positive of its class'
  | 'anchors without negatives counted'
  | 'head without its bias'
  | 'head left out of the norm';

/** Z/M of both sides. */
export type Means = Readonly<Record<Side, number>>;

interface Scores {
  /** exp is not taken yet: a·k/τ. */
  readonly positives: readonly number[];
  readonly negatives: readonly number[];
}

/** Mean of exp(a·k/τ) over everything that the anchors of a side see. */
export function meanScores(given: CrdCase, mutation?: CrdMutation): Means {
  const mean = (side: Side): number => {
    let total = 0;
    let count = 0;
    for (let i = 0; i < given.student.length; i++) {
      const { positives, negatives } = scores(given, side, i, mutation);
      for (const score of mutation === 'Z over negatives alone' ? negatives : [...positives, ...negatives]) {
        total += Math.exp(score);
        count += 1;
      }
    }
    return mutation === 'Z a sum, not a mean' ? total : total / count;
  };
  const means = { student: mean('student'), teacher: mean('teacher') };
  return mutation === 'one Z for both sides' ? { student: means.student, teacher: means.student } : means;
}

/**
 * The loss of a batch.
 *
 * @param means Z/M as the first batch set them
 * @param sampleSize the option, which only a mutation reads
 */
export function crdLoss(given: CrdCase, means: Means, mutation?: CrdMutation, sampleSize = 0): number {
  const anchors = given.student.length;
  let total = 0;
  for (const side of mutation === 'student anchors alone' ? SIDES.slice(0, 1) : SIDES) {
    for (let i = 0; i < anchors; i++) {
      const { positives, negatives } = scores(given, side, i, mutation);
      if (negatives.length === 0 && mutation !== 'anchors without negatives counted') continue;
      let K = negatives.length;
      if (mutation === 'K missing from the noise term') K = 1;
      if (mutation === 'K of the option, not of what is seen') K = sampleSize;
      const l = (score: number): number => score - Math.log(means[side] * Math.max(K, 1));
      let chosen = 0;
      for (const score of positives) {
        chosen += softplus(mutation === 'softplus of the positive flipped' ? l(score) : -l(score));
      }
      if (mutation !== 'class positives added, not shared') chosen /= positives.length;
      let noise = 0;
      for (const score of negatives) {
        noise += softplus(mutation === 'softplus of the negatives flipped' ? -l(score) : l(score));
      }
      if (mutation === 'negatives averaged') noise /= negatives.length;
      total += chosen + noise;
    }
  }
  if (mutation === 'directions averaged') total /= 2;
  return mutation === 'sum over anchors' ? total : total / anchors;
}

/** The softmax losses over the same keys: NT-Xent for student anchors, InfoNCE for teacher anchors. */
export function softmaxLoss(given: CrdCase, side: Side): number {
  let total = 0;
  for (let i = 0; i < given.student.length; i++) {
    const { positives, negatives } = scores(given, side, i, undefined);
    let sum = 0;
    for (const score of [...positives, ...negatives]) sum += Math.exp(score);
    for (const score of positives) total += (Math.log(sum) - score) / positives.length;
  }
  return total / given.student.length;
}

/** What anchor i of a side sees. */
function scores(given: CrdCase, side: Side, i: number, mutation: CrdMutation | undefined): Scores {
  const { labels, positives = 'class', drawn, temperature } = given;
  const keySide = side === 'student' ? 'teacher' : 'student';
  const anchor = compared(given, side, i, mutation);
  const score = (key: ArrayLike<number>): number => {
    const product = dot(anchor, key);
    return mutation === 'temperature multiplied' ? product * temperature : product / temperature;
  };
  const bankOf = (which: Side): Rows | undefined =>
    given.bank?.student ? given.bank[which] : which === 'teacher' ? given.bank?.teacher.map(unit) : undefined;
  const bank = bankOf(mutation === 'banks swapped' ? side : keySide);
  const holdsPositives = given.bank?.student !== undefined;
  const rowOf = (j: number): number => (bank ? Number(given.bank?.rowOf[j]) : -1);

  const fromBank = bank && holdsPositives && mutation !== 'positive from the batch';
  const chosen = [score(fromBank ? bank[rowOf(i)] : compared(given, keySide, i, mutation))];
  const negatives: number[] = [];
  const candidate = (key: ArrayLike<number>, label: number | undefined, name: string): void => {
    const same = labels !== undefined && label === labels[i];
    if (same && mutation !== 'same-class negatives kept') {
      const positive = positives === 'class' && mutation !== 'own pair the only positive of its class';
      if (positive) chosen.push(score(key));
    } else if (same || !drawn || drawn(side, i, name)) negatives.push(score(key));
  };
  for (let j = 0; j < given.student.length; j++) {
    // A sample that is also in the bank counts once, as its bank row.
    const apart = rowOf(j) < 0 || mutation === 'batch rows beside the banks';
    if (j !== i && apart) candidate(compared(given, keySide, j, mutation), labels?.[j], `batch ${j}`);
  }
  for (let m = 0; bank && m < bank.length; m++) {
    if (rowOf(i) !== m) candidate(bank[m], given.bank?.labels?.[m], `bank ${m}`);
    else if (mutation === 'own bank row kept as a negative') negatives.push(score(bank[m]));
  }
  return { positives: chosen, negatives };
}

/** A batch row through its head, of length one. */
function compared(given: CrdCase, side: Side, i: number, mutation: CrdMutation | undefined): number[] {
  const row = given[side][i];
  const head = given.heads?.[side];
  if (!head) return unit(row);
  const through = Array.from(head.bias, (bias, to) => {
    let sum = mutation === 'head without its bias' ? 0 : bias;
    for (let from = 0; from < row.length; from++) sum += row[from] * head.weight[from][to];
    return sum;
  });
  return mutation === 'head left out of the norm' ? through : unit(through);
}

function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += a[d] * b[d];
  return sum;
}

function unit(row: ArrayLike<number>): number[] {
  const norm = Math.sqrt(dot(row, row));
  return Array.from(row, (x) => (norm < 1e-12 ? 0 : x / norm));
}
