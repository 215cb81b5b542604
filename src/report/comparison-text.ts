/** A comparison for a terminal: for every student a table of the methods, and how far each is from the baseline. */
import { formatScore } from '../evaluation/metrics.ts';
import type { ComparisonSummary, MethodSummary, StudentSummary } from './comparison-summary.ts';
import { formatCount, formatDifference, formatMegabytes, formatSeconds, formatSpread } from './format.ts';
import type { PairedDifference } from './paired-difference.ts';
import type { ResultsRow, ResultsTable } from './results-table.ts';
import { renderTextTable, wrap } from './text-table.ts';

/**
 * @param options `width` in characters, at least 30; default 80; `unit`: what samples are called
 * @returns lines of at most that width, with a line end after every line
 */
export function renderComparisonText(
  summary: ComparisonSummary,
  { width = 80, unit }: { readonly width?: number; readonly unit: 'texts' | 'images' },
): string {
  const { name, students, baseline, samples, measuredOn, notes } = summary;
  const lines = [
    ...wrap(
      `${name}: ${students.length} student${students.length === 1 ? '' : 's'}, ${formatCount(samples)} ${measuredOn} ${unit}`,
      width,
    ),
    '',
  ];
  for (const student of students) {
    lines.push(...wrap(`${student.name}: ${studentFacts(student, unit)}`, width));
    lines.push(renderTextTable(tableOf(student, summary), { width, split: true }).trimEnd(), '');
    const differences = differenceLines(student, summary, width);
    if (differences.length > 0) {
      lines.push(...wrap(`Difference to ${baseline}, with its 95 % interval:`, width), ...differences, '');
    }
  }
  lines.push(...notes.flatMap((note) => wrap(note, width)));
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}

/** "static embeddings, 12,345 parameters, 0.1 MB, 41,000 texts/s". */
export function studentFacts(
  { architecture, parameters, sizeBytes, samplesPerSecond }: StudentSummary,
  unit: 'texts' | 'images',
): string {
  const facts = [
    architecture,
    `${formatCount(parameters)} parameters`,
    ...(sizeBytes === null ? [] : [`${formatMegabytes(sizeBytes)} MB`]),
    ...(samplesPerSecond === null ? [] : [`${formatCount(samplesPerSecond)} ${unit}/s`]),
  ];
  return facts.join(', ');
}

/** The methods of one student as rows; first the teacher, where its own rows were measured. */
export function tableOf(student: StudentSummary, { metrics, teacher }: ComparisonSummary): ResultsTable {
  const timed = student.methods.some(({ trainingSeconds }) => trainingSeconds !== null);
  const rowOf = (method: MethodSummary): ResultsRow => ({
    method: method.name,
    label: `${method.name}${method.differs.length > 0 ? ' *' : ''}`,
    count: method.seeds.length,
    cells: [
      ...metrics.map(({ key }) => {
        const found = method.metrics[key];
        if (!found) return { text: method.failures.length > 0 ? 'failed' : '–', spread: null };
        const { mean, standardDeviation } = found;
        return { text: formatScore(mean), spread: standardDeviation === null ? null : formatSpread(standardDeviation) };
      }),
      ...(timed
        ? [{ text: method.trainingSeconds === null ? '–' : formatSeconds(method.trainingSeconds), spread: null }]
        : []),
    ],
  });
  const known = teacher && metrics.some(({ key }) => key in teacher.metrics) ? teacher : null;
  const ofTeacher = known && {
    method: 'teacher',
    label: 'teacher',
    count: 1,
    cells: [
      ...metrics.map(({ key }) => ({
        text: key in known.metrics ? formatScore(known.metrics[key]) : '–',
        spread: null,
      })),
      ...(timed ? [{ text: '–', spread: null }] : []),
    ],
  };
  return {
    columns: [
      ...metrics,
      ...(timed
        ? [{ key: 'trainingSeconds', label: 'train', description: 'time that training took, without the teacher pass' }]
        : []),
    ],
    rows: [...(ofTeacher ? [ofTeacher] : []), ...student.methods.map(rowOf)],
    comparison: null,
    notes: [],
  };
}

/** "+0.031 [+0.022, +0.040]". */
export function formatInterval({ mean, low, high }: PairedDifference): string {
  const interval = low === null || high === null ? '' : ` [${bound(low)}, ${bound(high)}]`;
  return `${formatDifference(mean)}${interval}`;
}

/** With as many digits as its sign takes, since that decides. */
function bound(value: number): string {
  const text = formatDifference(value);
  if (text !== '0.000' || Math.abs(value) < 1e-9) return text;
  return `${value < 0 ? '−' : '+'}${Math.abs(value)
    .toFixed(9)
    .replace(/(\.0*[1-9]).*$/, '$1')}`;
}

/** Metric by metric, a line for each method. */
function differenceLines({ methods }: StudentSummary, { metrics }: ComparisonSummary, width: number): string[] {
  const entries = metrics.flatMap(({ key, label }) =>
    methods.flatMap(({ name, differences }) =>
      differences[key] ? [{ label, name, difference: differences[key] }] : [],
    ),
  );
  const widest = (texts: readonly string[]) => Math.max(0, ...texts.map((text) => text.length));
  const labels = widest(entries.map(({ label }) => label));
  const names = widest(entries.map(({ name }) => name));
  const intervals = widest(entries.map(({ difference }) => formatInterval(difference)));
  return entries.flatMap(({ label, name, difference }, i) => {
    const shown = entries[i - 1]?.label === label ? '' : label;
    const start = `  ${shown.padEnd(labels)}  ${name.padEnd(names)}`;
    const interval = formatInterval(difference);
    const line = `${start}  ${interval.padEnd(intervals)}  ${difference.outcome}`;
    return line.length <= width ? [line] : [start.trimEnd(), `    ${interval}`, `    ${difference.outcome}`];
  });
}
