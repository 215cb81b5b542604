/** The report of a run as a file: the page, with a map of held-out samples where the run kept their rows. */
import { parseHTML } from 'linkedom';
import { type HeldOutRows, heldOutMap } from '../report/held-out.ts';
import type { MetricsLine } from '../report/metrics-lines.ts';
import { renderReport } from '../report/render-report.ts';
import type { RunRecord } from '../report/run-record.ts';
import { writeFileAtomic } from '../runtime/files.ts';

export interface DrawnRun {
  readonly record: RunRecord;
  readonly curves: readonly MetricsLine[];
  readonly heldOut: HeldOutRows | undefined;
}

/** @throws LimbeckError FILE_UNWRITABLE */
export async function drawReport(file: string, { record, curves, heldOut }: DrawnRun): Promise<void> {
  const { document } = parseHTML('<!doctype html><html></html>');
  const map = heldOut ? heldOutMap(heldOut) : null;
  await writeFileAtomic(file, renderReport({ record, curves, map, document }));
}
