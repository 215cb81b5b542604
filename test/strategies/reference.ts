/**
 * The contrastive losses of mathematics.md, section 2, as nested loops over anchors, candidates and coordinates: obvious,
 * slow, and without a line of the library. The negatives drawn for an anchor are given, since a draw has no formula.
 */

export type Rows = readonly ArrayLike<number>[];

export interface ReferenceCase {
  readonly student: Rows;
  readonly teacher: Rows;
  readonly mode: 'ntxent' | 'infonce';
  readonly symmetric?: boolean;
  readonly temperature: number;
  readonly labels?: ArrayLike<number> | undefined;
  readonly positives?: 'class' | 'instance';
  readonly bank?:
    | {
        readonly rows: Rows;
        readonly labels?: ArrayLike<number> | undefined;
        /** The bank row of each batch row's sample, or −1. */
        readonly rowOf: ArrayLike<number>;
      }
    | undefined;
  /** Whether a negative of anchor i was drawn: `batch 3`, `bank 7`. Without it all are used. */
  readonly drawn?: (mode: 'ntxent' | 'infonce', i: number, key: string) => boolean;
}

/** Deliberate mistakes, one at a time, that the comparison has to notice. */
export type Mutation =
  | 'own pair left out of the sum'
  | 'anchors and keys swapped'
  | 'same-class negatives kept'
  | 'mean of positives inside the logarithm'
  | 'bank row of the own sample kept as a negative'
  | 'dot products instead of cosines'
  | 'temperature multiplied'
  | 'sum over anchors'
  | 'first negative dropped';

export function referenceLoss(given: ReferenceCase, mutation?: Mutation): number {
  if (!given.symmetric) return direction(given, given.mode, mutation);
  return (direction(given, 'ntxent', mutation) + direction(given, 'infonce', mutation)) / 2;
}

function direction(given: ReferenceCase, mode: 'ntxent' | 'infonce', mutation: Mutation | undefined): number {
  const { student, teacher, temperature, labels, positives = 'class', drawn } = given;
  const bank = mode === 'ntxent' ? given.bank : undefined;
  const swapped = (mode === 'infonce') !== (mutation === 'anchors and keys swapped');
  const [anchors, keys] = swapped ? [teacher, student] : [student, teacher];
  let total = 0;
  for (let i = 0; i < anchors.length; i++) {
    const logit = (key: ArrayLike<number>): number => {
      const similarity =
        mutation === 'dot products instead of cosines' ? dot(anchors[i], key) : cosine(anchors[i], key);
      return mutation === 'temperature multiplied' ? similarity * temperature : similarity / temperature;
    };
    const own = logit(keys[i]);
    const sameClass: number[] = [];
    const negatives: number[] = [];
    const candidate = (key: ArrayLike<number>, label: number | undefined, name: string): void => {
      const same = labels !== undefined && label === labels[i];
      if (same && positives === 'class') sameClass.push(logit(key));
      else if (same && mutation !== 'same-class negatives kept') return;
      else if (same || !drawn || drawn(mode, i, name)) negatives.push(logit(key));
    };
    for (let j = 0; j < keys.length; j++) {
      // A sample that is also in the bank counts once, as its bank row.
      if (j !== i && (!bank || bank.rowOf[j] < 0)) candidate(keys[j], labels?.[j], `batch ${j}`);
    }
    for (let m = 0; bank && m < bank.rows.length; m++) {
      if (bank.rowOf[i] !== m) candidate(bank.rows[m], bank.labels?.[m], `bank ${m}`);
      else if (mutation === 'bank row of the own sample kept as a negative') negatives.push(logit(bank.rows[m]));
    }
    if (mutation === 'first negative dropped') negatives.shift();
    const chosen = [own, ...sameClass];
    const seen = mutation === 'own pair left out of the sum' ? [...sameClass, ...negatives] : [...chosen, ...negatives];
    const normalizer = logSumExp(seen);
    if (mutation === 'mean of positives inside the logarithm') {
      total += normalizer - logSumExp(chosen) + Math.log(chosen.length);
    } else {
      let sum = 0;
      for (const positive of chosen) sum += normalizer - positive;
      total += sum / chosen.length;
    }
  }
  return mutation === 'sum over anchors' ? total : total / anchors.length;
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += a[d] * b[d];
  return sum;
}

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [normA, normB] = [Math.sqrt(dot(a, a)), Math.sqrt(dot(b, b))];
  return normA < 1e-12 || normB < 1e-12 ? 0 : dot(a, b) / normA / normB;
}

function logSumExp(values: readonly number[]): number {
  const highest = Math.max(...values);
  let sum = 0;
  for (const value of values) sum += Math.exp(value - highest);
  return highest + Math.log(sum);
}
