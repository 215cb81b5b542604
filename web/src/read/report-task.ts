/**
 * Tasks that draw, in a worker: a run's report, which is what `limbeck report` writes, by the same code and with the same document; and the curves
 * of a run under way, which are those of a report.
 */
import { type MetricsLine, renderReport } from 'limbeck';
import { parseHTML } from 'linkedom/worker';
import { heldOutMap } from '../../../src/report/held-out.ts';
import { trainingCurves } from '../../../src/report/training-curves.ts';
import type { ChosenFile } from '../files/chosen-file.ts';
import { readRun } from '../run/read-run.ts';

export interface Report {
  /** A complete HTML document. */
  readonly html: string;
  /** "Distilling all-MiniLM-L6-v2", as the report's heading says. */
  readonly title: string;
  readonly status: string;
}

/** @throws LimbeckError as {@link readRun} and `renderReport` */
export async function reportTask(files: readonly ChosenFile[]): Promise<Report> {
  const { record, curves, heldOut } = await readRun(files);
  const html = renderReport({ record, curves, map: heldOut ? heldOutMap(heldOut) : null, document: emptyDocument() });
  return { html, title: record.teacher?.name ?? record.data.name, status: record.status };
}

/** Figures as HTML. */
export async function curvesTask(lines: readonly MetricsLine[]): Promise<string[]> {
  return trainingCurves({ validation: [] }, lines, emptyDocument()).map(({ text }) => text);
}

function emptyDocument(): Document {
  return parseHTML('<!doctype html><html></html>').document;
}
