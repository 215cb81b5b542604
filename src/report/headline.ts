/** What happened, in one to three plain sentences, for a reader who reads nothing else. */
import { summary } from '../evaluation/summary.ts';
import { formatCount, formatMegabytes, formatPercent } from './format.ts';
import { samplesName } from './names.ts';
import type { MethodResult, RunRecord } from './run-record.ts';

/** The headline of a run; of an unfinished one, that it is unfinished. */
export function headline(record: RunRecord): string {
  const { results } = record;
  const of = (method: string) => results.filter((result) => result.method === method);
  const [trained] = [of('student'), of('ntxent-bank'), of('cosine')].filter((found) => found.length > 0);
  if (!trained) return `This run has no trained student yet.${ending(record)}`;
  const sentences = [made(record, trained[0]), ...found(record, trained, of)];
  // A number and its unit stay on one line.
  return `${sentences.join(' ')}${ending(record)}`.replace(/(\d) (?=%|MB)/g, '$1\u00a0');
}

/** What was made of what. */
function made({ teacher }: RunRecord, { sizeBytes, parameters }: MethodResult): string {
  const size = sizeBytes === null ? `${formatCount(parameters ?? 0)} parameters` : `${formatMegabytes(sizeBytes)} MB`;
  if (!teacher) return `A student of ${size} was trained from labels.`;
  const facts = [
    ...(teacher.parameters ? [`${formatCount(teacher.parameters / 1e6)} million parameters`] : []),
    ...(teacher.sizeBytes ? [`${formatMegabytes(teacher.sizeBytes)} MB`] : []),
  ].join(' in ');
  const times = teacher.sizeBytes && sizeBytes ? teacher.sizeBytes / sizeBytes : 0;
  const smaller = times >= 1.1 ? `, ${times.toFixed(1)} times smaller` : '';
  return `${teacher.name}${facts === '' ? ' ' : `, ${facts}, `}was distilled into a student of ${size}${smaller}.`;
}

/** What it can do, by what was measured. */
function found(record: RunRecord, trained: readonly MethodResult[], of: (method: string) => MethodResult[]): string[] {
  const { heldOut } = record.data;
  const them = `${heldOut === undefined ? '' : `${formatCount(heldOut)} `}${samplesName(record)} that it never saw`;
  const beside = (key: string, others: readonly (readonly [string, string])[]): string => {
    const known = others.flatMap(([method, words]) => {
      const score = mean(of(method), key);
      return score === undefined || of(method) === trained ? [] : [words.replace('…', formatPercent(score))];
    });
    return known.length > 0 ? ` (${known.join(', ')})` : '';
  };
  const recall = mean(trained, 'recallAt1');
  const right = mean(trained, 'accuracy');
  const cosine = trained[0].method === 'cosine' ? [] : ([['cosine', '… with plain cosine regression']] as const);
  return [
    ...(recall === undefined
      ? []
      : [
          `For ${formatPercent(recall)} of ${them}, the student's row finds the teacher's row of the same ` +
            `${samplesName(record).slice(0, -1)} first${beside('recallAt1', [...cosine, ['untrained', '… before training']])}.`,
        ]),
    ...(right === undefined
      ? []
      : [
          `It classifies ${formatPercent(right)} of ${recall === undefined ? them : 'them'} as they are labelled` +
            `${beside('accuracy', [
              ['teacher', 'the teacher …'],
              ['untrained', '… before training'],
            ])}.`,
        ]),
  ];
}

function ending({ status }: RunRecord): string {
  if (status === 'complete') return '';
  return { running: ' The run is not complete.', interrupted: ' The run was interrupted.', failed: ' The run failed.' }[
    status
  ];
}

function mean(results: readonly MethodResult[], key: string): number | undefined {
  const values = results.flatMap(({ metrics }) => (key in metrics ? [metrics[key]] : []));
  return values.length === 0 ? undefined : summary(values).mean;
}
