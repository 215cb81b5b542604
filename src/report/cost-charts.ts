/** What quality costs: a point for every student and method, by the size of the model file and by how many samples it embeds a second. */
import * as Plot from '@observablehq/plot';
import { formatScore, type MetricDescription } from '../evaluation/metrics.ts';
import type { ComparisonRecord } from './comparison-record.ts';
import type { ComparisonSummary, MethodSummary, StudentSummary } from './comparison-summary.ts';
import { formatCount, formatMegabytes } from './format.ts';
import { type Html, html } from './html.ts';
import { samplesName } from './names.ts';
import { formatNumber, numberAxis } from './number-axis.ts';
import type { ShownStudent } from './shown-runs.ts';
import { AXIS_WIDTH, type Key, legend, metricTitle, seriesColour, smallPlot } from './small-plot.ts';
import { drawSvg, type ReportDocument } from './svg.ts';

const OTHERS = 'var(--soft)';
const TEACHER = 'currentColor';

interface CostPoint {
  /** Undefined of the teacher. */
  readonly student: string | undefined;
  readonly method: string;
  readonly megabytes: number | null;
  readonly perSecond: number | null;
  /** Milliseconds. */
  readonly latency: number | null;
  readonly score: number;
}

export interface CostParts {
  readonly record: ComparisonRecord;
  readonly summary: ComparisonSummary;
  readonly shown: ShownStudent;
  readonly document: ReportDocument;
}

/** Pictures and the same as a table, of the metric of the shown methods and of one more, if there is one that the teacher has too. */
export function costCharts({ record, summary, shown, document }: CostParts): Html {
  const { students } = summary;
  const unit = samplesName(record);
  const others = summary.metrics.filter(({ key }) => key !== shown.metric.key);
  const second = others.find(({ key }) => record.teacher?.metrics?.[key] !== undefined) ?? others[0];
  const metrics = second ? [shown.metric, second] : [shown.metric];
  const names = shown.methods.map(({ name }) => name);
  const colourOf = (method: string): string => (names.includes(method) ? seriesColour(names.indexOf(method)) : OTHERS);
  const drawn = metrics.map((metric) => {
    const points = students.flatMap((student) => student.methods.flatMap((method) => costOf(student, method, metric)));
    return { metric, points: [...points, ...teacherCost(record, metric)] };
  });
  const charts = drawn.flatMap(({ metric, points }) => {
    const draw = (cost: Cost) => costChart(points, metric, { cost, colourOf, names, document });
    return [
      ...draw({ of: 'megabytes', what: 'size', unit: 'MB' }),
      ...draw({ of: 'perSecond', what: 'speed', unit: `${unit} a second` }),
      ...draw({ of: 'latency', what: 'latency', unit: 'ms for one' }),
    ];
  });
  const withTeacher = drawn.some(({ points }) =>
    points.some((one) => isTeacher(one) && (one.megabytes ?? one.perSecond)),
  );
  const keys: Key[] = [
    ...names.map((name) => ({ name, colour: colourOf(name) })),
    ...(students.some(({ methods }) => methods.length > names.length)
      ? [{ name: 'other methods', colour: OTHERS, shape: 'ring' as const }]
      : []),
    ...(withTeacher ? [{ name: 'teacher', colour: TEACHER, shape: 'diamond' as const }] : []),
  ];
  return html`<p>A dot for every method on every student; lines join the students of a method. Speed is measured with the saved student on this
machine while it is evaluated: ${unit} a second in batches, and milliseconds for one alone (the median).</p>
${legend(keys)}
<div class="panels small">${charts}</div>
${costTable(summary, metrics, unit)}`;
}

function costOf(student: StudentSummary, method: MethodSummary, { key }: MetricDescription): CostPoint[] {
  const found = method.metrics[key];
  if (!found) return [];
  return [
    {
      ...{ student: student.name, method: method.name, score: found.mean },
      megabytes: student.sizeBytes === null ? null : student.sizeBytes / 1e6,
      perSecond: method.samplesPerSecond,
      latency: method.latency,
    },
  ];
}

/** Where its size or speed is known, and what its own rows score. */
function teacherCost({ teacher }: ComparisonRecord, { key }: MetricDescription): CostPoint[] {
  const score = teacher?.metrics?.[key];
  if (!teacher || score === undefined) return [];
  const megabytes = teacher.sizeBytes === undefined ? null : teacher.sizeBytes / 1e6;
  const perSecond = teacher.samplesPerSecond ?? null;
  return [{ student: undefined, method: 'teacher', megabytes, perSecond, latency: null, score }];
}

const isTeacher = ({ student }: CostPoint): boolean => student === undefined;

interface Cost {
  readonly of: 'megabytes' | 'perSecond' | 'latency';
  readonly what: string;
  readonly unit: string;
}

function costChart(
  all: readonly CostPoint[],
  metric: MetricDescription,
  {
    cost,
    colourOf,
    names,
    document,
  }: {
    readonly cost: Cost;
    readonly colourOf: (method: string) => string;
    readonly names: readonly string[];
    readonly document: ReportDocument;
  },
): Html[] {
  const points = all.flatMap((point) => {
    const value = point[cost.of];
    return value === null || value <= 0 ? [] : [{ ...point, value }];
  });
  if (points.length === 0) return [];
  const axis = numberAxis(
    points.map(({ value }) => value),
    { ticks: 'round', width: AXIS_WIDTH },
  );
  const options = {
    x: ({ value }: { readonly value: number }) => axis.place(value),
    y: 'score',
    title: ({ student, method, value, score }: (typeof points)[number]) =>
      `${[method, student ?? []].flat().join(', ')}: ${metric.label} ${formatScore(score)}, ${formatNumber(value)} ${cost.unit}`,
  };
  const students = points.filter((point) => !isTeacher(point));
  const others = students.filter(({ method }) => !names.includes(method));
  const marks = [
    Plot.dot(others, { ...options, stroke: OTHERS, strokeWidth: 1.6, r: 3.5 }),
    ...names.flatMap((name) => {
      const mine = students.filter(({ method }) => method === name).sort((a, b) => a.value - b.value);
      return [
        Plot.lineY(mine, { x: options.x, y: 'score', stroke: colourOf(name), strokeWidth: 1.4 }),
        Plot.dot(mine, { ...options, fill: colourOf(name), r: 4.5 }),
      ];
    }),
    Plot.dot(points.filter(isTeacher), { ...options, fill: TEACHER, r: 5, symbol: 'diamond' }),
  ];
  const words = students.map(
    ({ student, method, score, value }) => `${method}, ${student}: ${formatScore(score)} at ${formatNumber(value)}`,
  );
  const xLabel = `${cost.what}, ${cost.unit}${axis.logarithmic ? ', logarithmic' : ''}`;
  return [
    html`<figure class="panel"><h3>${metric.label} by ${cost.what}</h3>${drawSvg(
      smallPlot(marks, { x: axis, xLabel, yLabel: metricTitle(metric) }),
      document,
      `${metric.label} by ${cost.what} in ${cost.unit}. ${words.join('; ')}.`,
    )}</figure>`,
  ];
}

function costTable({ students }: ComparisonSummary, metrics: readonly MetricDescription[], unit: string): Html {
  const number = (value: number | null, format: (value: number) => string): string =>
    value === null ? '–' : format(value);
  const rows = students.flatMap(({ name, parameters, sizeBytes, methods }) =>
    methods.map(
      (
        method,
      ) => html`<tr><th scope="row">${method.name}</th><td>${name}</td><td>${formatCount(parameters)}</td><td>${number(
        sizeBytes,
        formatMegabytes,
      )}</td><td>${number(method.samplesPerSecond, formatCount)}</td><td>${number(method.latency, (ms) => formatNumber(ms))}</td>${metrics.map(
        ({ key }) => html`<td>${method.metrics[key] ? formatScore(method.metrics[key].mean) : '–'}</td>`,
      )}</tr>
`,
    ),
  );
  return html`<details><summary>Size, speed and quality as numbers</summary><div class="wide" tabindex="0" role="group" aria-label="Size, speed and quality"><table>
<caption>Size, speed and quality of every method on every student</caption>
<thead><tr><th scope="col">Method</th><th scope="col">Student</th><th scope="col">parameters</th><th scope="col">MB</th><th scope="col">${unit}/s</th><th scope="col">ms for one</th>${metrics.map(
    ({ label }) => html`<th scope="col">${label}</th>`,
  )}</tr></thead>
<tbody>${rows}</tbody></table></div></details>`;
}
