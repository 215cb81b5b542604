/** The report of a run as a file: the page, with a map of held-out samples where the run kept their rows. */
import { parseHTML } from 'linkedom';
import type { EmbeddingMap } from '../report/embedding-maps.ts';
import type { MetricsLine } from '../report/metrics-lines.ts';
import { projectTogether } from '../report/project-together.ts';
import { renderReport } from '../report/render-report.ts';
import type { RunRecord } from '../report/run-record.ts';
import { writeFileAtomic } from '../runtime/files.ts';
import type { HeldOutRows } from './read-run.ts';

/** Seeds the layout of the map. */
const MAP_SEED = 0;

export interface DrawnRun {
  readonly record: RunRecord;
  readonly curves: readonly MetricsLine[];
  readonly heldOut: HeldOutRows | undefined;
}

/** @throws LimbeckError FILE_UNWRITABLE */
export async function drawReport(file: string, { record, curves, heldOut }: DrawnRun): Promise<void> {
  const { document } = parseHTML('<!doctype html><html></html>');
  const map = heldOut ? mapOf(heldOut) : null;
  await writeFileAtomic(file, renderReport({ record, curves, map, document }));
}

/** Null for too few rows to draw. */
function mapOf({ texts, classes, teacher, student }: HeldOutRows): EmbeddingMap | null {
  if (texts.length < 2) return null;
  const classNames = [...new Set(classes.map((name) => name ?? 'without a class'))].sort();
  const { a, b } = projectTogether(teacher, student, { seed: MAP_SEED });
  return {
    classNames,
    labels: classes.map((name) => classNames.indexOf(name ?? 'without a class')),
    texts,
    teacher: a,
    student: b,
  };
}
