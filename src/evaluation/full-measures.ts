/** What is measured of a model's rows where there is time for it: agreement of spaces of any width, probes, retrieval by class. */
import { everyNumber } from '../matrix/every-number.ts';
import type { Matrix } from '../matrix/matrix.ts';
import { Random } from '../matrix/random.ts';
import type { RowSource } from '../matrix/row-source.ts';
import { fewShot } from './few-shot.ts';
import { linearCka } from './linear-cka.ts';
import { crossValidatedProbe } from './linear-probe.ts';
import type { Metrics } from './metrics.ts';
import { neighbourOverlap } from './neighbour-overlap.ts';
import { rankedRetrieval } from './ranked-retrieval.ts';
import { similarityCorrelation } from './similarity-correlation.ts';
import { classAlignment, uniformity } from './uniformity.ts';

/** Samples that are compared with all others, and that whole spaces are compared on: more are drawn from, by a fixed seed. */
const MOST_SAMPLES = 5000;
/** How many of so many samples the measures look at. */
export const measuredSamples = (samples: number): number => Math.min(samples, MOST_SAMPLES);

const WAYS = 5;
const SHOTS = [1, 5, 20];
const QUERIES = 15;

/**
 * `uniformity` of at least two rows. With a teacher `neighbourOverlap`, `linearCka` and of at least three rows `similarityCorrelation`.
 * With labels `probeAccuracy` (five folds), `classNdcgAt10` and `classAlignment` where a class has two rows, with a teacher of the same
 * width `teacherNdcgAt10`; `fewShot1Accuracy`, `fewShot5Accuracy` and `fewShot20Accuracy` where five classes have enough rows. Of more
 * than 5000 rows, 5000 that are drawn (the same ones each time) are probed and compared with all.
 *
 * @param task `rows`: n × d; `labels`: n class numbers; `teacher`: n rows of the same samples
 * @throws LimbeckError as the measures
 *
 * @example
 * await fullMeasures({ rows: Matrix.from([[1, 0], [-1, 0]]) }); // { uniformity: −8 }
 */
export async function fullMeasures({
  rows,
  labels,
  teacher,
}: {
  readonly rows: Matrix;
  readonly labels?: ArrayLike<number> | undefined;
  readonly teacher?: RowSource | undefined;
}): Promise<Metrics> {
  if (rows.rows < 2) return {};
  const numbers =
    measuredSamples(rows.rows) === rows.rows
      ? everyNumber(rows.rows)
      : Random.forPurpose(0, 'evaluated samples').sample(rows.rows, measuredSamples(rows.rows)).sort();
  const some = rows.gather(numbers);
  const metrics: Record<string, number> = {};
  if (teacher) {
    const theirs = teacher.gather(numbers);
    metrics.neighbourOverlap = neighbourOverlap(rows, teacher, { numbers });
    metrics.linearCka = linearCka(some, theirs);
    if (some.rows > 2) metrics.similarityCorrelation = similarityCorrelation(some, theirs).spearman;
  }
  if (labels) Object.assign(metrics, await byClass(rows, some, numbers, labels, teacher));
  metrics.uniformity = uniformity(some);
  return metrics;
}

async function byClass(
  rows: Matrix,
  some: Matrix,
  numbers: Int32Array,
  labels: ArrayLike<number>,
  teacher: RowSource | undefined,
): Promise<Metrics> {
  const own = Array.from(numbers, (number) => labels[number]);
  const metrics: Record<string, number> = {};
  metrics.probeAccuracy = (await crossValidatedProbe({ rows: some, labels: own })).accuracy;
  for (const shots of SHOTS) {
    if (classesWith(own, shots + QUERIES) < WAYS) continue;
    const { accuracy } = await fewShot({ rows: some, labels: own, ways: WAYS, shots, queries: QUERIES });
    metrics[`fewShot${shots}Accuracy`] = accuracy;
  }
  const spread = classAlignment(rows, labels);
  // Without two rows of a class nothing is relevant to anything; the drawn rows may be such.
  if (spread === undefined || !own.some((label, i) => isElsewhere(labels, label, numbers[i]))) return metrics;
  const relevance = { queryLabels: own, indexLabels: labels };
  const search = (index: RowSource) =>
    rankedRetrieval({ queries: some, index, relevance, own: numbers, ks: [10] }).ndcgAt[10];
  metrics.classNdcgAt10 = search(rows);
  if (teacher?.columns === rows.columns) metrics.teacherNdcgAt10 = search(teacher);
  metrics.classAlignment = spread;
  return metrics;
}

function classesWith(labels: readonly number[], least: number): number {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts.values()].filter((count) => count >= least).length;
}

/** Whether a label is there elsewhere than at a place. */
function isElsewhere(labels: ArrayLike<number>, label: number, place: number): boolean {
  for (let i = 0; i < labels.length; i++) if (i !== place && labels[i] === label) return true;
  return false;
}
