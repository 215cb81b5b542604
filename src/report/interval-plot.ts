/** Differences to a baseline as dots with their intervals: one panel a metric, one row a method, 0 the line that decides. */
import * as Plot from '@observablehq/plot';
import type { MetricDescription } from '../evaluation/metrics.ts';
import type { MethodSummary } from './comparison-summary.ts';
import { formatInterval } from './comparison-text.ts';
import { type Html, html } from './html.ts';
import { formatNumber, numberAxis } from './number-axis.ts';
import type { DifferenceOutcome } from './paired-difference.ts';
import { metricTitle } from './small-plot.ts';
import { drawSvg, type ReportDocument } from './svg.ts';

const COLOURS: Readonly<Record<DifferenceOutcome, string>> = {
  better: 'var(--good-ink)',
  worse: 'var(--bad-ink)',
  'no difference seen': 'var(--even-ink)',
  'not judged': 'var(--even-ink)',
};

/** Wide enough for the names, and small enough that a phone shows the text at its size. */
const WIDTH = 340;
const ROW = 26;
const MARGIN_RIGHT = 14;

/** A panel; undefined where no method has a difference of the metric. */
export function intervalPlot(
  { key, label, unit, better }: MetricDescription,
  methods: readonly MethodSummary[],
  baseline: string,
  document: ReportDocument,
): Html | undefined {
  const rows = methods.flatMap(({ name, differences }) => (differences[key] ? [{ name, ...differences[key] }] : []));
  if (rows.length === 0) return undefined;
  const ends = rows.flatMap(({ mean, low, high }) => [mean, low ?? mean, high ?? mean, 0]);
  const marginLeft = Math.min(170, 18 + 7 * Math.max(...rows.map(({ name }) => name.length)));
  // With 0 among the ends the axis is linear.
  const axis = numberAxis([Math.min(...ends), Math.max(...ends)], {
    ticks: 'round',
    width: WIDTH - marginLeft - MARGIN_RIGHT,
  });
  const options: Plot.PlotOptions = {
    width: WIDTH,
    height: 62 + ROW * rows.length,
    marginLeft,
    marginRight: MARGIN_RIGHT,
    marginTop: 8,
    marginBottom: 44,
    style: { fontSize: '13px' },
    x: {
      domain: [...axis.domain],
      label: metricTitle({ label: 'difference', unit, better }),
      labelAnchor: 'center',
      labelArrow: 'none',
      ticks: [...axis.ticks],
      tickFormat: formatNumber,
      grid: true,
    },
    y: { domain: rows.map(({ name }) => name), label: null, tickSize: 0 },
    marks: [
      Plot.ruleX([0], { stroke: 'currentColor', strokeWidth: 1.2 }),
      ...rows.flatMap((row) => [
        ...(row.low === null || row.high === null
          ? []
          : [
              Plot.ruleY([row], {
                y: 'name',
                x1: row.low,
                x2: row.high,
                stroke: COLOURS[row.outcome],
                strokeWidth: 2.5,
              }),
            ]),
        Plot.dot([row], {
          y: 'name',
          x: 'mean',
          r: 4.5,
          fill: COLOURS[row.outcome],
          title: () => `${row.name}: ${formatInterval(row)}, ${row.outcome}`,
        }),
      ]),
    ],
  };
  const words = rows.map((row) => `${row.name} ${formatInterval(row)}: ${row.outcome}`).join('; ');
  return html`<figure class="panel"><h3>${label}</h3>${drawSvg(options, document, `${label}, difference to ${baseline}. ${words}.`)}</figure>`;
}
