/**
 * How alike pairs of samples are to the teacher and to a student: a dot a pair. Pairs that are drawn at random are nearly all unalike, so
 * that each sample stands there with its nearest by the teacher as well.
 */
import * as Plot from '@observablehq/plot';
import { pearson } from '../evaluation/correlation.ts';
import { otherNeighbours } from '../evaluation/nearest-neighbours.ts';
import { pairsOf } from '../evaluation/similarity-correlation.ts';
import { rowProduct } from '../evaluation/similarity-tiles.ts';
import type { Matrix } from '../matrix/matrix.ts';
import { unitRows } from '../matrix/unit-rows.ts';
import { formatCount, formatScore } from './format.ts';
import { type Html, html } from './html.ts';
import { numberAxis } from './number-axis.ts';
import { AXIS_WIDTH, legend, seriesColour, smallPlot } from './small-plot.ts';
import { drawSvg, type ReportDocument } from './svg.ts';

/** More dots would only be more ink. */
const DRAWN_PAIRS = 600;
const NEAR_PAIRS = 400;
const SEED = 0;

export interface PairCosines {
  readonly kind: 'drawn' | 'near';
  readonly teacher: number;
  readonly student: number;
}

/**
 * The cosines of pairs in two spaces, of any widths.
 *
 * @param teacher n × d, n ≥ 2
 * @param student n × e
 */
export function pairCosines(teacher: Matrix, student: Matrix): PairCosines[] {
  const [x, y] = [unitRows(teacher, 'teacher'), unitRows(student, 'student')];
  const found: PairCosines[] = [];
  const add = (kind: PairCosines['kind'], i: number, j: number): void => {
    found.push({
      kind,
      teacher: rowProduct(x.data, i, x.data, j, x.columns),
      student: rowProduct(y.data, i, y.data, j, y.columns),
    });
  };
  pairsOf(x.rows, DRAWN_PAIRS, SEED).visit((i, j) => add('drawn', i, j));
  const { k, indices } = otherNeighbours(x, 1);
  for (let i = 0; i < Math.min(NEAR_PAIRS, x.rows); i++) add('near', i, indices[i * k]);
  return found;
}

/** Legend and a picture a student. */
export function similarityScatter(
  teacher: Matrix,
  students: readonly { readonly name: string; readonly rows: Matrix }[],
  document: ReportDocument,
): Html {
  const all = students.map(({ name, rows }) => ({ name, pairs: pairCosines(teacher, rows) }));
  const values = all.flatMap(({ pairs }) => pairs.flatMap((pair) => [pair.teacher, pair.student]));
  const domain: [number, number] = [Math.min(...values, 0), Math.max(...values, 1)];
  const axis = { ...numberAxis(domain, { ticks: 'round', width: AXIS_WIDTH }), domain };
  const panels = all.map(({ name, pairs }) => {
    const of = (kind: PairCosines['kind']): PairCosines[] => pairs.filter((pair) => pair.kind === kind);
    const correlation = (some: readonly PairCosines[]): string =>
      formatScore(
        pearson(
          some.map((pair) => pair.teacher),
          some.map((pair) => pair.student),
        ),
      );
    const marks = [
      Plot.lineY(domain, { x: domain, y: domain, stroke: 'currentColor', strokeDasharray: '5 4' }),
      ...(['drawn', 'near'] as const).map((kind, i) =>
        Plot.dot(of(kind), { x: 'teacher', y: 'student', fill: seriesColour(i), fillOpacity: 0.55, r: 2.2 }),
      ),
    ];
    const caption =
      `Pearson’s correlation ${correlation(of('drawn'))} over ${formatCount(of('drawn').length)} drawn pairs, ` +
      `${correlation(of('near'))} over ${formatCount(of('near').length)} near ones.`;
    const frame = {
      ...{ x: axis, xLabel: 'cosine by the teacher', yLabel: 'cosine by the student', yDomain: domain },
      height: 320,
    };
    const picture = drawSvg(
      smallPlot(marks, frame),
      document,
      `Cosines of pairs by the teacher and by ${name}. ${caption}`,
    );
    return html`<figure class="panel"><h3>${name}</h3>${picture}<figcaption>${caption}</figcaption></figure>`;
  });
  const keys = [
    { name: 'drawn pairs', colour: seriesColour(0) },
    { name: 'each with its nearest by the teacher', colour: seriesColour(1) },
    { name: 'as the teacher', colour: 'currentColor', shape: 'dash' as const },
  ];
  return html`${legend(keys)}
<div class="panels small">${panels}</div>`;
}
