/** What happened, in one or two plain sentences, for a reader who reads nothing else. */
import { summary } from '../evaluation/summary.ts';
import { formatCount, formatMegabytes, formatPercent } from './format.ts';
import type { MethodResult, RunRecord } from './run-record.ts';

/** The headline of a run; of an unfinished one, that it is unfinished. */
export function headline({ results, teacher, data, status }: RunRecord): string {
  const of = (method: string) => results.filter((result) => result.method === method);
  const [bank, cosine, untrained] = [of('ntxent-bank'), of('cosine'), of('untrained')];
  const student = bank[0] ?? cosine[0];
  if (!student) return 'This run has no trained student yet.';
  const smaller = teacher.sizeBytes / student.sizeBytes;
  const size = `${formatMegabytes(student.sizeBytes)} MB`;
  const others = [
    bank.length > 0 && cosine.length > 0 ? `${recall(cosine)} with plain cosine regression` : '',
    untrained.length > 0 ? `${recall(untrained)} before training` : '',
  ].filter((text) => text !== '');
  const text =
    `${teacher.name}, ${formatCount(teacher.parameters / 1e6)} million parameters in ${formatMegabytes(teacher.sizeBytes)} MB, ` +
    `was distilled into a student of ${size}${smaller >= 1.1 ? `, ${smaller.toFixed(1)} times smaller` : ''}. ` +
    `For ${recall(bank.length > 0 ? bank : cosine)} of ${formatCount(data.heldOut)} texts that it never saw, the student's ` +
    `row finds the teacher's row of the same text first${others.length > 0 ? ` (${others.join(', ')})` : ''}.` +
    (status === 'running' ? ' The run is not complete.' : '');
  // A number and its unit stay on one line.
  return text.replace(/(\d) (?=%|MB)/g, '$1\u00a0');
}

function recall(results: readonly MethodResult[]): string {
  return formatPercent(summary(results.map((result) => result.metrics.recallAt1)).mean);
}
