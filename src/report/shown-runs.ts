/**
 * What of a comparison is shown as an example, where all of it would be too much: the largest student, taught by the baseline and by the
 * best of the other methods. Chosen by one rule from the figures, the same for every comparison.
 */
import type { MetricDescription } from '../evaluation/metrics.ts';
import type { Matrix } from '../matrix/matrix.ts';
import type { ComparisonRecord, PlannedRun } from './comparison-record.ts';
import type { ComparisonSamples } from './comparison-samples.ts';
import type { ComparisonSummary, MethodSummary, StudentSummary } from './comparison-summary.ts';

export interface ShownStudent {
  readonly student: StudentSummary;
  /** What "best" is by: the first metric that the baseline and another trained method have. */
  readonly metric: MetricDescription;
  /** The baseline first, then the best of the others. */
  readonly methods: readonly MethodSummary[];
}

/** Undefined before the baseline and another trained method have a figure on one student. */
export function shownStudent({ students, metrics, baseline }: ComparisonSummary): ShownStudent | undefined {
  const bySize = [...students].sort((a, b) => b.parameters - a.parameters);
  for (const student of bySize) {
    const held = student.methods.find(({ name }) => name === baseline);
    const others = student.methods.filter(({ name, steps }) => name !== baseline && steps > 0);
    const metric = metrics.find(({ key }) => held?.metrics[key] && others.some((one) => one.metrics[key]));
    if (!held || !metric) continue;
    const best = bestBy(metric, others);
    return { student, metric, methods: [held, ...(best ? [best] : [])] };
  }
  return undefined;
}

function bestBy({ key, better }: MetricDescription, methods: readonly MethodSummary[]): MethodSummary | undefined {
  const sign = better === 'higher' ? 1 : -1;
  const measured = methods.filter(({ metrics }) => metrics[key]);
  return measured.sort((a, b) => sign * (b.metrics[key].mean - a.metrics[key].mean))[0];
}

/** The runs of the shown methods, of every seed: one of them has kept its rows. */
export function shownRuns({ runs }: ComparisonRecord, shown: ShownStudent | undefined): PlannedRun[] {
  const names = shown?.methods.map(({ name }) => name) ?? [];
  return runs.filter(({ method, student }) => student === shown?.student.name && names.includes(method));
}

/** A shown method with the rows of its first run that has kept them. */
export interface ShownRows {
  readonly method: MethodSummary;
  readonly rows: Matrix;
  readonly seed: number;
}

/** In the order of the methods. */
export function shownRows(record: ComparisonRecord, shown: ShownStudent, { rows }: ComparisonSamples): ShownRows[] {
  const runs = shownRuns(record, shown);
  return shown.methods.flatMap((method): ShownRows[] => {
    const run = runs.find(({ method: name, digest }) => name === method.name && rows.has(digest));
    return run ? [{ method, rows: rows.get(run.digest) as Matrix, seed: run.seed }] : [];
  });
}
