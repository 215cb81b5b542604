/**
 * Maps side by side: the same held-out texts in the teacher's and in a student's embedding, or several students', in shared
 * coordinates and colours. Readable without script: the legend highlights by CSS alone, and every dot has its text as
 * title. The page's few lines of script only mark the same text in the other maps.
 */
import * as Plot from '@observablehq/plot';
import { LimbeckError } from '../errors.ts';
import { type ColourKey, classColours } from './class-colours.ts';
import { formatCount } from './format.ts';
import { Html, html } from './html.ts';
import type { XY } from './project-together.ts';
import { drawSvg, type ReportDocument } from './svg.ts';

export interface EmbeddingMaps {
  /** The name of class i at place i. */
  readonly classNames: readonly string[];
  /** A class number for each text. */
  readonly labels: ArrayLike<number>;
  readonly texts: readonly string[];
  readonly panels: readonly MapPanel[];
}

export interface MapPanel {
  readonly title: string;
  /** A point for each text, from `projectTogether`. */
  readonly points: readonly XY[];
  /** The points are of a projection of their own, and their coordinates not those of the other panels. */
  readonly apart?: boolean;
}

/** Marks the same text in the other maps and shows it in full; without script, titles and legend still work. */
export const MAP_SCRIPT = `
const reading = document.getElementById('reading');
document.querySelector('.maps')?.addEventListener('pointerover', ({ target }) => {
  const i = target.closest?.('circle')?.dataset.i;
  for (const old of document.querySelectorAll('.hit')) old.classList.remove('hit');
  if (i === undefined) return;
  for (const dot of document.querySelectorAll('circle[data-i="' + i + '"]')) dot.classList.add('hit');
  reading.textContent = target.textContent.replace('\\n', ' — ');
});`;

/**
 * Legend and maps as HTML.
 *
 * @throws LimbeckError SHAPE_MISMATCH unless there is one label, and one point in every panel, for each text
 */
export function embeddingMaps(map: EmbeddingMaps, document: ReportDocument): Html {
  const { texts, labels, panels } = map;
  for (const [name, list] of [['labels', labels] as const, ...panels.map((one) => [one.title, one.points] as const)]) {
    if (list.length !== texts.length) {
      throw new LimbeckError(
        'SHAPE_MISMATCH',
        `Embedding map: expected ${texts.length} entries in ${name}, one a text, got ${list.length}.`,
      );
    }
  }
  const keys = classColours(labels, map.classNames);
  const shared = squareDomain(panels.flatMap(({ apart, points }) => (apart ? [] : points)));
  const panel = ({ title, points, apart = false }: MapPanel) =>
    html`<figure class="panel"><h3>${title}</h3>${drawMap(
      { map, points, keys, domain: apart ? squareDomain(points) : shared },
      document,
      `${title}: ${texts.length} held-out samples as dots, coloured by class. ${keys.map(legendText).join(', ')}.`,
    )}${apart ? html`<figcaption>A space of its own: places here are not those of the other maps.</figcaption>` : ''}</figure>`;
  return html`<div class="maps">
<fieldset class="legend"><legend>Highlight a class</legend>
<label><input type="radio" name="key" id="key-all" checked> all <span class="count">${formatCount(texts.length)}</span></label>
${keys.map(
  (
    key,
    i,
  ) => html`<label><input type="radio" name="key" id="key-${i}"><span class="swatch" style="background:var(${key.colour})"></span> ${
    key.label
  } <span class="count">${key.count}</span></label>
`,
)}</fieldset>
${highlightRules(keys)}
<div class="panels${panels.length > 2 ? ' small' : ''}">${panels.map(panel)}</div>
<p class="reading" id="reading" aria-live="polite">Hold the pointer over a dot to read its text.</p>
</div>`;
}

interface Drawing {
  readonly map: EmbeddingMaps;
  readonly points: readonly XY[];
  readonly keys: readonly ColourKey[];
  readonly domain: { readonly x: [number, number]; readonly y: [number, number] };
}

function drawMap({ map, points, keys, domain }: Drawing, document: ReportDocument, label: string): Html {
  // The families of small classes lie beneath, so that the classes with a colour of their own are seen.
  const layers = keys
    .map((key, i) => ({ key, i, members: points.map((_, n) => n).filter((n) => key.classes.has(map.labels[n])) }))
    .reverse();
  const options: Plot.PlotOptions = {
    width: 500,
    height: 500,
    margin: 6,
    x: { domain: domain.x, axis: null },
    y: { domain: domain.y, axis: null },
    marks: layers.map(({ key, i, members }) =>
      Plot.dot(members, {
        x: (n: number) => points[n][0],
        y: (n: number) => points[n][1],
        r: 3,
        fill: `var(${key.colour})`,
        fillOpacity: 0.85,
        title: (n: number) => `${map.texts[n]}\n${map.classNames[map.labels[n]] ?? `class ${map.labels[n]}`}`,
        className: `dots key-${i}`,
      }),
    ),
  };
  return drawSvg(options, document, label, (svg) => {
    for (const { i, members } of layers) {
      const circles = svg.querySelectorAll(`.key-${i} circle`);
      let place = 0;
      for (const circle of circles) circle.setAttribute('data-i', String(members[place++]));
    }
  });
}

/** One square for all of them, with a little air, so that equal places mean equal coordinates. */
function squareDomain(points: readonly XY[]): Drawing['domain'] {
  const side = (axis: 0 | 1) => points.map((point) => point[axis]).sort((a, b) => a - b);
  const [xs, ys] = [side(0), side(1)];
  const extent = (values: number[]) => (values.length > 0 ? values[values.length - 1] - values[0] : 0);
  const half = (Math.max(extent(xs), extent(ys)) || 1) * 0.52;
  const around = (values: number[]): [number, number] => {
    const centre = values.length > 0 ? (values[0] + values[values.length - 1]) / 2 : 0;
    return [centre - half, centre + half];
  };
  return { x: around(xs), y: around(ys) };
}

function highlightRules(keys: readonly ColourKey[]): Html {
  const rules = keys.map((_, i) => `.maps:has(#key-${i}:checked) .dots:not(.key-${i}){opacity:.07}`);
  return new Html(`<style>${rules.join('')}</style>`);
}

function legendText(key: ColourKey): string {
  return `${key.label} ${key.count}`;
}
