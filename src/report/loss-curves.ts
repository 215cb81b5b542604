/** Training loss over steps: one panel an objective, because losses of different objectives have no common scale. */
import * as Plot from '@observablehq/plot';
import { formatCount } from './format.ts';
import { type Html, html } from './html.ts';
import type { MetricsLine } from './run-record.ts';
import { drawSvg, type ReportDocument } from './svg.ts';

/** Points a line at most: about one every two units of the drawing, beyond which a line only gets thicker. */
const MOST_POINTS = 240;

interface Point {
  readonly seed: number;
  readonly step: number;
  readonly loss: number;
}

/**
 * A figure for every method among the lines, in order of appearance, with a thin line for every seed.
 *
 * @param labels the readable name of each method
 */
export function lossCurves(
  curves: readonly MetricsLine[],
  labels: ReadonlyMap<string, string>,
  document: ReportDocument,
): Html[] {
  const methods = [...new Set(curves.map((line) => line.method))];
  return methods.map((method, place) => {
    const mine = curves.filter((line) => line.method === method && Number.isFinite(line.loss));
    const seeds = [...new Set(mine.map((line) => line.seed))].sort((a, b) => a - b);
    const series = seeds.map((seed) => thin(mine.filter((line) => line.seed === seed)));
    const every = Math.max(1, ...series.map(({ bucket }) => bucket));
    const points = series.flatMap((one) => one.points);
    const name = labels.get(method) ?? method;
    const ends = series.map((one) => one.points.at(-1)?.loss.toPrecision(3)).join(', ');
    const steps = Math.max(0, ...mine.map((line) => line.step));
    const caption =
      `${seeds.length === 1 ? 'Seed' : 'Seeds'} ${seeds.join(', ')}; ends at ${ends}` +
      (every > 1 ? `; each point is the mean of ${every} recorded steps.` : '.');
    const picture = drawSvg(
      options(points, place),
      document,
      `Training loss of ${name} over ${formatCount(steps)} steps, ${seeds.length} line(s). ${caption}`,
    );
    return html`<figure class="panel"><h3>${name}</h3>${picture}<figcaption>${caption}</figcaption></figure>`;
  });
}

function options(points: readonly Point[], place: number): Plot.PlotOptions {
  return {
    // Drawn small, so that the text is still legible when a phone scales the picture down.
    width: 430,
    height: 260,
    marginTop: 30,
    marginLeft: 46,
    marginBottom: 38,
    style: { fontSize: '13px' },
    x: { label: 'step', ticks: 5, labelArrow: 'none', labelAnchor: 'right' },
    y: { label: 'loss', ticks: 5, grid: true, nice: true, labelArrow: 'none' },
    marks: [
      Plot.lineY(points, {
        x: 'step',
        y: 'loss',
        z: 'seed',
        stroke: `var(--curve-${place % 4})`,
        strokeWidth: 1.4,
        strokeOpacity: 0.8,
      }),
    ],
  };
}

/** Means of equally long stretches, so that a long run stays a small file and a noisy one stays legible. */
function thin(lines: readonly MetricsLine[]): { points: Point[]; bucket: number } {
  const sorted = [...lines].sort((a, b) => a.step - b.step);
  const bucket = Math.max(1, Math.ceil(sorted.length / MOST_POINTS));
  const points: Point[] = [];
  for (let start = 0; start < sorted.length; start += bucket) {
    const stretch = sorted.slice(start, start + bucket);
    const mean = (value: (line: MetricsLine) => number) =>
      stretch.reduce((sum, x) => sum + value(x), 0) / stretch.length;
    points.push({ seed: sorted[0].seed, step: mean((line) => line.step), loss: mean((line) => line.loss) });
  }
  return { points, bucket };
}
