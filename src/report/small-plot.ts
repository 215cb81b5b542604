/** The frame of the small pictures of a comparison: drawn about as wide as a phone shows them, so that their text is not scaled down. */
import type * as Plot from '@observablehq/plot';
import type { MetricDescription } from '../evaluation/metrics.ts';
import { type Html, html } from './html.ts';
import { formatNumber, type NumberAxis } from './number-axis.ts';

const WIDTH = 340;
const LEFT = 50;
const RIGHT = 16;

/** How long the horizontal axis of a small picture is. */
export const AXIS_WIDTH = WIDTH - LEFT - RIGHT;

export interface SmallFrame {
  readonly x: NumberAxis;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly yDomain?: readonly [number, number];
  readonly height?: number;
}

export function smallPlot(
  marks: Plot.Markish[],
  { x, xLabel, yLabel, yDomain, height = 250 }: SmallFrame,
): Plot.PlotOptions {
  const names = new Map(x.ticks.map((value) => [x.place(value), formatNumber(value)]));
  return {
    ...{ width: WIDTH, height, marginTop: 30, marginLeft: LEFT, marginRight: RIGHT, marginBottom: 42 },
    style: { fontSize: '13px' },
    x: {
      domain: [...x.domain],
      ticks: [...names.keys()],
      tickFormat: (place: number) => names.get(place) ?? '',
      ...{ label: xLabel, labelAnchor: 'center', labelArrow: 'none' },
    },
    y: {
      ...(yDomain ? { domain: [...yDomain] } : { nice: true }),
      ...{ label: yLabel, ticks: 5, grid: true, labelArrow: 'none' },
    },
    marks,
  };
}

/** "R@1 (share)", and which way is the better one where that is down. */
export function metricTitle({ label, unit, better }: Pick<MetricDescription, 'label' | 'unit' | 'better'>): string {
  const notes = [...(unit === '' || unit === label ? [] : [unit]), ...(better === 'lower' ? ['lower is better'] : [])];
  return notes.length === 0 ? label : `${label} (${notes.join(', ')})`;
}

/** A name with the colour that it has, for a legend above pictures. */
export interface Key {
  readonly name: string;
  readonly colour: string;
  /** How it is drawn; default a dot. */
  readonly shape?: 'dash' | 'ring' | 'diamond';
}

export function legend(keys: readonly Key[]): Html {
  return html`<ul class="keys">${keys.map(
    ({ name, colour, shape = 'swatch' }) =>
      html`<li><span class="${shape}" style="${shape === 'dash' || shape === 'ring' ? 'border-color' : 'background'}:${colour}"></span> ${name}</li>`,
  )}</ul>`;
}

/** Of students, methods, or whatever else there are several of; beyond seven they begin anew. */
export const seriesColour = (place: number): string => `var(--class-${place % 7})`;
