/** What a finished demo run leaves in its directory. */
import { parseHTML } from 'linkedom';
import { SUPERSENSES } from '../data/wordnet.ts';
import type { Matrix } from '../matrix/matrix.ts';
import type { MetricsLine } from '../report/metrics-lines.ts';
import { projectTogether } from '../report/project-together.ts';
import { renderReport } from '../report/render-report.ts';
import type { RunRecord } from '../report/run-record.ts';
import { writeSafetensors } from '../teachers/safetensors.ts';
import type { Corpus, EvaluatedStudent } from './demo-evaluation.ts';
import { RUN_FILES } from './demo-parts.ts';

/** Seeds the layout of the map. */
const MAP_SEED = 0;

/** All files by their path in the run directory. */
export function runFiles(
  record: RunRecord,
  curves: readonly MetricsLine[],
  { heldOut, heldOutRows }: Corpus,
  { student, heldOutRows: studentRows }: EvaluatedStudent,
): Map<string, string | Uint8Array> {
  const labels = heldOut.labels as Int32Array;
  const { a, b } = projectTogether(heldOutRows, studentRows, { seed: MAP_SEED });
  const report = renderReport({
    record,
    curves,
    map: { classNames: SUPERSENSES, labels, texts: heldOut.texts, teacher: a, student: b },
    document: parseHTML('<!doctype html><html></html>').document,
  });
  const lines = (values: readonly unknown[]): string => values.map((value) => `${JSON.stringify(value)}\n`).join('');
  const floats = ({ rows, columns, data }: Matrix) => ({ shape: [rows, columns], data: data as Float32Array });
  const files = new Map<string, string | Uint8Array>([
    [RUN_FILES.record, `${JSON.stringify(record, null, 2)}\n`],
    [RUN_FILES.metrics, lines(curves)],
    [RUN_FILES.report, report],
    [RUN_FILES.heldOutTexts, lines(heldOut.texts.map((text, i) => ({ text, supersense: SUPERSENSES[labels[i]] })))],
    [RUN_FILES.heldOutRows, writeSafetensors({ teacher: floats(heldOutRows), student: floats(studentRows) })],
  ]);
  for (const [name, data] of student.toFiles()) files.set(`${RUN_FILES.student}/${name}`, data);
  return files;
}
