/**
 * The course of one training: the loss and the parts that it is the sum of, what validations found, and the learning rate, over the
 * same steps. Runs that compare several objectives are drawn by loss-curves.ts.
 */
import * as Plot from '@observablehq/plot';
import { describeMetric, formatScore } from '../evaluation/metrics.ts';
import { formatCount } from './format.ts';
import { type Html, html } from './html.ts';
import { curvePlot, MOST_POINTS, meansOfStretches } from './loss-curves.ts';
import { isStep, isValidation, type MetricsLine } from './metrics-lines.ts';
import type { RunRecord } from './run-record.ts';
import { legend } from './small-plot.ts';
import { drawSvg, type ReportDocument } from './svg.ts';

/** Lines that still have colours of their own. */
const MOST_LINES = 7;

interface Series {
  readonly name: string;
  readonly points: readonly { readonly step: number; readonly value: number }[];
}

/** A figure each for what was recorded; none for what was not. */
export function trainingCurves(
  record: Pick<RunRecord, 'validation' | 'best'>,
  curves: readonly MetricsLine[],
  document: ReportDocument,
): Html[] {
  const steps = curves.filter(isStep).sort((a, b) => a.step - b.step);
  const last = Math.max(0, ...[...curves, ...(record.validation ?? [])].map(({ step }) => step));
  const loss = { name: 'loss', points: steps.map((line) => ({ step: line.step, value: line.loss })) };
  const names = [...new Set(steps.flatMap(({ components }) => Object.keys(components)))];
  const parts = names.map((name) => ({
    name,
    points: steps.flatMap(({ step, components }) => (name in components ? [{ step, value: components[name] }] : [])),
  }));
  // A single part is the loss itself, maybe weighted.
  const losses = parts.length > 1 ? [loss, ...parts] : [loss];
  const every = Math.ceil(steps.length / MOST_POINTS);
  const thinned = every > 1 ? ` Each point is the mean of ${every} recorded steps.` : '';
  const rates = {
    name: 'learning rate',
    points: steps.map(({ step, learningRate }) => ({ step, value: learningRate })),
  };
  const found = validations(record, curves);
  const { best } = record;
  const bestWords = best ? ` Best after step ${formatCount(best.step)}.` : '';
  return [
    ...(steps.length === 0
      ? []
      : [
          figure(
            parts.length > 1 ? 'Loss and its parts' : 'Loss',
            losses,
            `Ends at ${loss.points[loss.points.length - 1].value.toPrecision(3)} after ${formatCount(last)} steps.${thinned}`,
            { document, last, label: 'loss' },
          ),
        ]),
    ...(found.length === 0
      ? []
      : [
          figure(
            'Validation',
            found,
            `${found.map(({ name, points }) => `${name} ${formatScore(points[points.length - 1].value)}`).join(', ')} at the end.${bestWords}`,
            { document, last, label: 'score', ...(best && { mark: best.step }), dots: true },
          ),
        ]),
    ...(steps.length === 0
      ? []
      : [
          figure(
            'Learning rate',
            [rates],
            `Highest ${Math.max(...rates.points.map(({ value }) => value)).toPrecision(3)}.`,
            {
              document,
              last,
              label: 'rate',
              tick: (rate) => (rate > 0 && rate < 1e-3 ? rate.toExponential().replace('e-', 'e−') : String(rate)),
            },
          ),
        ]),
  ];
}

/** From the lines, or where there are none, from the record. */
function validations({ validation = [] }: Pick<RunRecord, 'validation'>, curves: readonly MetricsLine[]): Series[] {
  const lines = curves.filter(isValidation).map(({ step, validation: metrics }) => ({ step, metrics }));
  const points = (lines.length > 0 ? lines : validation).toSorted((a, b) => a.step - b.step);
  const keys = [...new Set(points.flatMap(({ metrics }) => Object.keys(metrics)))];
  return keys.map((key) => ({
    name: describeMetric(key).label,
    points: points.flatMap(({ step, metrics }) => (key in metrics ? [{ step, value: metrics[key] }] : [])),
  }));
}

interface Frame {
  readonly document: ReportDocument;
  /** Steps along the axis. */
  readonly last: number;
  readonly label: string;
  /** How numbers stand at the axis. */
  readonly tick?: (value: number) => string;
  /** A step to draw a line at. */
  readonly mark?: number;
  /** Points are few, and are drawn. */
  readonly dots?: boolean;
}

function figure(title: string, series: readonly Series[], caption: string, frame: Frame): Html {
  const colour = (i: number) => `var(--class-${i % MOST_LINES})`;
  const lines = series.map(({ points }) =>
    frame.dots
      ? points
      : meansOfStretches(
          points,
          ({ step }) => step,
          ({ value }) => value,
        ).points.map(([step, value]) => ({ step, value })),
  );
  const marks = lines.flatMap((points, i) => [
    Plot.lineY(points, { x: 'step', y: 'value', stroke: colour(i), strokeWidth: 1.6, strokeOpacity: 0.9 }),
    ...(frame.dots ? [Plot.dot(points, { x: 'step', y: 'value', fill: colour(i), r: 2.5 })] : []),
  ]);
  const picture = drawSvg(
    curvePlot(
      [
        ...(frame.mark === undefined
          ? []
          : [Plot.ruleX([frame.mark], { stroke: 'currentColor', strokeDasharray: '3 3' })]),
        ...marks,
      ],
      { label: frame.label, domain: [0, Math.max(1, frame.last)], ...(frame.tick && { tick: frame.tick }) },
    ),
    frame.document,
    `${title} over ${formatCount(frame.last)} steps: ${series.map(({ name }) => name).join(', ')}. ${caption}`,
  );
  const keys = series.length < 2 ? '' : legend(series.map(({ name }, i) => ({ name, colour: colour(i) })));
  return html`<figure class="panel"><h3>${title}</h3>${keys}${picture}<figcaption>${caption}</figcaption></figure>`;
}
