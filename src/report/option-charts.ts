/** What an option does, where a comparison has one method with several values of it: a small picture a metric, a line a student. */
import * as Plot from '@observablehq/plot';
import { formatScore, type MetricDescription } from '../evaluation/metrics.ts';
import type { ComparisonSummary, StudentSummary } from './comparison-summary.ts';
import { formatSpread } from './format.ts';
import { type Html, html } from './html.ts';
import { formatNumber, numberAxis } from './number-axis.ts';
import type { OptionSweep } from './option-sweeps.ts';
import { AXIS_WIDTH, legend, metricTitle, seriesColour, smallPlot } from './small-plot.ts';
import { drawSvg, type ReportDocument } from './svg.ts';

/** What options count, by the last word of their path; others have no unit. */
const UNITS: Readonly<Record<string, string>> = {
  accumulate: 'batches a step',
  bank: 'teacher rows, 0: none',
  batchSize: 'samples',
  epochs: 'passes over the data',
  microBatchSize: 'samples',
  negativesSampleSize: 'negatives an anchor',
  warmup: 'share of the steps',
};

/** "batchSize (samples)". */
function optionTitle(option: string): string {
  const unit = UNITS[option.slice(option.lastIndexOf('.') + 1)];
  return unit === undefined ? option : `${option} (${unit})`;
}

interface Point {
  readonly value: number;
  readonly mean: number;
  /** Sample standard deviation over seeds; 0 with one seed. */
  readonly spread: number;
  readonly title: string;
}

/** A part of the page for every option. */
export function optionCharts(
  sweeps: readonly OptionSweep[],
  { students, metrics, baseline }: ComparisonSummary,
  document: ReportDocument,
): Html[] {
  return sweeps.map((sweep) => {
    const charts = metrics.flatMap((metric) => chart(sweep, metric, { students, baseline, document }) ?? []);
    const names = sweep.methods.map(({ name }) => name).join(', ');
    const keys = students.map(({ name }, i) => ({ name, colour: seriesColour(i) }));
    return html`<h3 class="apart">${sweep.option}</h3>
<p>${names}: alike in everything but ${sweep.option}. Dots are means over the seeds, with a bar of one sample standard deviation to both sides; the
dashed line is ${baseline}.</p>
${legend([...keys, { name: baseline, colour: 'currentColor', shape: 'dash' }])}
<div class="panels small">${charts}</div>`;
  });
}

function chart(
  { option, methods }: OptionSweep,
  metric: MetricDescription,
  {
    students,
    baseline,
    document,
  }: { readonly students: readonly StudentSummary[]; readonly baseline: string; readonly document: ReportDocument },
): Html | undefined {
  const axis = numberAxis(
    methods.map(({ value }) => value),
    { width: AXIS_WIDTH },
  );
  const series = students.map((student, i) => ({
    student: student.name,
    colour: seriesColour(i),
    points: methods.flatMap(({ name, value }) => pointOf(student, { name, value, key: metric.key })),
    baseline: student.methods.find(({ name }) => name === baseline)?.metrics[metric.key]?.mean,
  }));
  if (series.every(({ points }) => points.length === 0)) return undefined;
  const marks = series.flatMap(({ points, colour, baseline: level }) => {
    const x = ({ value }: Point): number => axis.place(value);
    return [
      ...(level === undefined
        ? []
        : [Plot.ruleY([level], { stroke: colour, strokeWidth: 1.4, strokeDasharray: '5 4' })]),
      Plot.lineY(points, { x, y: 'mean', stroke: colour, strokeWidth: 1.6 }),
      Plot.ruleX(points, {
        ...{ x, y1: ({ mean, spread }: Point) => mean - spread, y2: ({ mean, spread }: Point) => mean + spread },
        ...{ stroke: colour, strokeWidth: 2 },
      }),
      Plot.dot(points, { x, y: 'mean', fill: colour, r: 4, title: 'title' }),
    ];
  });
  const words = series.map(
    ({ student, points, baseline: level }) =>
      `${student}: ${points.map(({ value, mean }) => `${formatNumber(value)} ${formatScore(mean)}`).join(', ')}` +
      `${level === undefined ? '' : `; ${baseline} ${formatScore(level)}`}`,
  );
  const title = optionTitle(option);
  const frame = { x: axis, xLabel: `${title}${axis.logarithmic ? ', logarithmic' : ''}`, yLabel: metricTitle(metric) };
  return html`<figure class="panel"><h3>${metric.label}</h3>${drawSvg(
    smallPlot(marks, frame),
    document,
    `${metric.label} by ${title}. ${words.join('. ')}.`,
  )}</figure>`;
}

function pointOf(
  student: StudentSummary,
  { name, value, key }: { readonly name: string; readonly value: number; readonly key: string },
): Point[] {
  const found = student.methods.find((method) => method.name === name)?.metrics[key];
  if (!found) return [];
  const { mean, standardDeviation } = found;
  const spread = standardDeviation === null ? '' : ` ± ${formatSpread(standardDeviation)}`;
  return [
    {
      ...{ value, mean, spread: standardDeviation ?? 0 },
      title: `${name}, ${student.name}: ${formatScore(mean)}${spread}`,
    },
  ];
}
