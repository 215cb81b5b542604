/** Training loss over steps: one panel an objective, because losses of different objectives have no common scale. */
import * as Plot from '@observablehq/plot';
import { formatCount } from './format.ts';
import { type Html, html } from './html.ts';
import { isStep, type MetricsLine, type StepLine } from './metrics-lines.ts';
import { drawSvg, type ReportDocument } from './svg.ts';

/** Points a line at most: about one every two units of the drawing, beyond which a line only gets thicker. */
export const MOST_POINTS = 240;

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
  const lines = curves.filter(isStep);
  const methods = [...new Set(lines.map((line) => line.method))];
  return methods.map((method, place) => {
    const mine = lines.filter((line) => line.method === method && Number.isFinite(line.loss));
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
    const marks = [
      Plot.lineY(points, {
        x: 'step',
        y: 'loss',
        z: 'seed',
        stroke: `var(--curve-${place % 4})`,
        strokeWidth: 1.4,
        strokeOpacity: 0.8,
      }),
    ];
    const picture = drawSvg(
      curvePlot(marks, { label: 'loss' }),
      document,
      `Training loss of ${name} over ${formatCount(steps)} steps, ${seeds.length} line(s). ${caption}`,
    );
    return html`<figure class="panel"><h3>${name}</h3>${picture}<figcaption>${caption}</figcaption></figure>`;
  });
}

/** The frame of every curve: drawn small, so that the text is still legible when a phone scales the picture down. */
export function curvePlot(
  marks: Plot.Markish[],
  {
    label,
    domain,
    tick,
  }: { readonly label: string; readonly domain?: readonly [number, number]; readonly tick?: (value: number) => string },
): Plot.PlotOptions {
  return {
    width: 430,
    height: 260,
    marginTop: 30,
    marginLeft: 46,
    marginBottom: 38,
    style: { fontSize: '13px' },
    x: { label: 'step', ticks: 5, labelArrow: 'none', labelAnchor: 'right', ...(domain && { domain: [...domain] }) },
    y: { label, ticks: 5, grid: true, nice: true, labelArrow: 'none', ...(tick && { tickFormat: tick }) },
    marks,
  };
}

/** Means of equally long stretches of what is sorted, so that a long run stays a small file and a noisy one stays legible. */
export function meansOfStretches<T>(
  sorted: readonly T[],
  x: (entry: T) => number,
  y: (entry: T) => number,
  most = MOST_POINTS,
): { readonly points: [number, number][]; readonly bucket: number } {
  const bucket = Math.max(1, Math.ceil(sorted.length / most));
  const points: [number, number][] = [];
  for (let start = 0; start < sorted.length; start += bucket) {
    const stretch = sorted.slice(start, start + bucket);
    const mean = (value: (entry: T) => number) =>
      stretch.reduce((sum, entry) => sum + value(entry), 0) / stretch.length;
    points.push([mean(x), mean(y)]);
  }
  return { points, bucket };
}

function thin(lines: readonly StepLine[]): { points: Point[]; bucket: number } {
  const sorted = [...lines].sort((a, b) => a.step - b.step);
  const { points, bucket } = meansOfStretches(
    sorted,
    (line) => line.step,
    (line) => line.loss,
  );
  return { points: points.map(([step, loss]) => ({ seed: sorted[0].seed, step, loss })), bucket };
}
