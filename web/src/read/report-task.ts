/** The task that draws a run's report, in the worker: what `limbeck report` writes, by the same code and with the same document. */
import { renderReport } from 'limbeck';
import { parseHTML } from 'linkedom/worker';
import { heldOutMap } from '../../../src/report/held-out.ts';
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
  const { document } = parseHTML('<!doctype html><html></html>');
  const html = renderReport({ record, curves, map: heldOut ? heldOutMap(heldOut) : null, document });
  return { html, title: record.teacher?.name ?? record.data.name, status: record.status };
}
