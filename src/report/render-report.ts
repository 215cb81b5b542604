/**
 * The report of a run as one HTML file: what happened, the verdict, the table, the curves, the maps, and what it takes to
 * repeat it. It loads nothing from anywhere and is complete without script.
 *
 * A pure function of the run record, the curves and the map; who writes the file is not its business.
 */
import { embeddingMaps, MAP_SCRIPT } from './embedding-maps.ts';
import { facts } from './facts.ts';
import { headline } from './headline.ts';
import type { EmbeddingMap } from './held-out.ts';
import { Html, html } from './html.ts';
import { lossCurves } from './loss-curves.ts';
import type { MetricsLine } from './metrics-lines.ts';
import { samplesName } from './names.ts';
import type { XY } from './project-together.ts';
import { REPORT_STYLE } from './report-style.ts';
import { resultsSection, verdictSection } from './results-section.ts';
import { resultsTable } from './results-table.ts';
import type { RunRecord } from './run-record.ts';
import type { ReportDocument } from './svg.ts';
import { trainingCurves } from './training-curves.ts';

export interface ReportParts {
  readonly record: RunRecord;
  readonly curves: readonly MetricsLine[];
  /** Null when there is nothing to draw, as in a run that is not complete. */
  readonly map: EmbeddingMap | null;
  /** A DOM document to draw with: `parseHTML('<html></html>').document` of linkedom, or a page's own. */
  readonly document: ReportDocument;
}

/**
 * Draws the report.
 *
 * @returns a complete HTML document, UTF-8, without references to other files
 * @throws LimbeckError SHAPE_MISMATCH when the parts of the map do not belong together, NON_FINITE for a NaN in a result
 *
 * @example
 * const { document } = parseHTML('<html></html>'); // linkedom
 * await writeFile('run/report.html', renderReport({ record, curves, map, document }));
 */
export function renderReport({ record, curves, map, document }: ReportParts): string {
  const table = resultsTable(record);
  const labels = new Map(record.results.map((result) => [result.method, result.label]));
  // The demo trains several methods to compare them; a run of limbeck distill trains one student.
  const compares = record.student === undefined;
  const panels = compares ? lossCurves(curves, labels, document) : trainingCurves(record, curves, document);
  const title = record.teacher ? `Distilling ${record.teacher.name}` : `Training a student on ${record.data.name}`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Limbeck</title>
<style>${new Html(REPORT_STYLE)}</style>
</head>
<body>
<main>
<header>
<p class="eyebrow">Limbeck run of ${record.startedAt.slice(0, 10)} · ${record.data.name}</p>
<h1>${title}</h1>
<p class="lede">${headline(record)}</p>
</header>
${compares ? html`<h2>Verdict</h2>\n${verdictSection(table)}\n` : ''}<h2>Results</h2>
${resultsSection(table)}
<h2>${compares ? 'Training loss' : 'Training'}</h2>
${
  panels.length === 0
    ? html`<p>No training curves were recorded.</p>`
    : html`${
        compares ? html`<p>Each objective has a scale of its own: compare the shapes, not the heights.</p>\n` : ''
      }<div class="panels">${panels}</div>`
}
${mapSection(record, map, document)}
<h2>How to repeat it</h2>
${facts(record)}
</main>
<script>${new Html(MAP_SCRIPT)}
</script>
</body>
</html>
`.text;
}

/** A run that trains one student may well have no rows to draw, and needs no word on it. */
function mapSection(record: RunRecord, map: EmbeddingMap | null, document: ReportDocument): Html {
  const title = html`<h2>The embedding space, teacher and student</h2>`;
  if (map === null || map.texts.length === 0) {
    return record.student ? html`` : html`${title}\n<p>No map was drawn.</p>`;
  }
  const panel = (name: string, points: readonly XY[]) => ({ title: name, points });
  return html`${title}
<p>One joint projection (UMAP, cosine distance) of the held-out ${samplesName(record)} in the teacher's and the student's embedding:
the same place in both maps is the same place in the space. Near and apart mean something here; exact distances do not.</p>
${embeddingMaps({ ...map, panels: [panel('Teacher', map.teacher), panel('Student', map.student)] }, document)}`;
}
