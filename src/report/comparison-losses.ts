/** The course of every training of a comparison: a small picture a method, since losses of different methods have no common scale. */
import * as Plot from '@observablehq/plot';
import type { ComparisonRecord, ComparisonResult } from './comparison-record.ts';
import { formatCount } from './format.ts';
import { type Html, html } from './html.ts';
import { numberAxis } from './number-axis.ts';
import { AXIS_WIDTH, legend, seriesColour, smallPlot } from './small-plot.ts';
import { drawSvg, type ReportDocument } from './svg.ts';

/** Legend and pictures, with a line for every student and seed; undefined where no curve was recorded. */
export function comparisonLosses(
  { methods, students, runs }: ComparisonRecord,
  results: readonly ComparisonResult[],
  document: ReportDocument,
): Html | undefined {
  const digests = new Set(runs.map(({ digest }) => digest));
  const recorded = results.filter(({ digest, curve = [] }) => digests.has(digest) && curve.length > 0);
  const panels = methods.flatMap(({ name }) => {
    const mine = recorded.filter(({ method }) => method === name);
    return mine.length === 0 ? [] : [panel(name, mine, students, document)];
  });
  if (panels.length === 0) return undefined;
  const keys = students.map((name, i) => ({ name, colour: seriesColour(i) }));
  return html`${legend(keys.filter(({ name }) => recorded.some(({ student }) => student === name)))}
<div class="panels small">${panels}</div>`;
}

function panel(
  method: string,
  results: readonly ComparisonResult[],
  students: readonly string[],
  document: ReportDocument,
): Html {
  const lines = results.map(({ student, seed, curve = [] }) => ({ student, seed, curve }));
  const last = Math.max(...results.map(({ steps }) => steps));
  const axis = numberAxis([0, last], { ticks: 'round', width: AXIS_WIDTH });
  const marks = lines.map(({ student, curve }) =>
    Plot.lineY(curve, {
      ...{ x: ([step]: readonly number[]) => axis.place(step), y: ([, loss]: readonly number[]) => loss },
      ...{ stroke: seriesColour(students.indexOf(student)), strokeWidth: 1.4, strokeOpacity: 0.85 },
    }),
  );
  const ends = students.flatMap((name) => {
    const of = lines.filter(({ student }) => student === name);
    const mean = of.reduce((sum, { curve }) => sum + curve[curve.length - 1][1], 0) / of.length;
    return of.length === 0 ? [] : [`${name} ${mean.toPrecision(3)}`];
  });
  const caption = `Ends at: ${ends.join(', ')}.`;
  const picture = drawSvg(
    smallPlot(marks, { x: axis, xLabel: 'step', yLabel: 'training loss', height: 220 }),
    document,
    `Training loss of ${method} over ${formatCount(last)} steps, ${lines.length} line(s). ${caption}`,
  );
  return html`<figure class="panel"><h3>${method}</h3>${picture}<figcaption>${caption}</figcaption></figure>`;
}
