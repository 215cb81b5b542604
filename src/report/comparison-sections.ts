/** What the page of a comparison shows beside tables and intervals, each from what the runs have kept; what was not kept is left out. */
import { comparisonLosses } from './comparison-losses.ts';
import { comparisonMaps } from './comparison-maps.ts';
import type { ComparisonSamples } from './comparison-samples.ts';
import { costCharts } from './cost-charts.ts';
import { embeddingMaps, MAP_SCRIPT } from './embedding-maps.ts';
import { formatCount } from './format.ts';
import { Html, html } from './html.ts';
import { samplesName } from './names.ts';
import { neighbourExamples, neighbourSection } from './neighbour-examples.ts';
import { optionCharts } from './option-charts.ts';
import { optionSweeps } from './option-sweeps.ts';
import type { ComparisonPage } from './render-comparison.ts';
import { type ShownRows, type ShownStudent, shownRows, shownStudent } from './shown-runs.ts';
import { similarityScatter } from './similarity-scatter.ts';

/** Fewer samples have neither neighbours nor pairs to speak of. */
const LEAST_SAMPLES = 5;

/** `script` goes to the end of the page. */
export function comparisonSections(page: ComparisonPage): { readonly sections: Html; readonly script: Html } {
  const { record, summary, results, samples, document } = page;
  const shown = shownStudent(summary);
  const curves = optionCharts(optionSweeps(record, results), summary, document);
  const losses = comparisonLosses(record, results, document);
  const rows = shown && samples ? shownRows(record, shown, samples) : [];
  const ofSamples = shown && samples && rows.length > 0 ? sampleSections(page, { shown, samples, rows }) : undefined;
  const sections = html`${curves.length === 0 ? '' : html`<h2>Curves over a number</h2>\n${curves}\n`}${
    shown ? html`<h2>Size, quality and speed</h2>\n${costCharts({ record, summary, shown, document })}\n` : ''
  }${ofSamples ?? ''}${
    losses
      ? html`<h2>Training loss</h2>
<p>Each method has a scale of its own: compare the shapes, not the heights. A line for every student and seed, of mean losses of stretches of the training.</p>
${losses}
`
      : ''
  }`;
  return { sections, script: ofSamples ? html`<script>${new Html(MAP_SCRIPT)}\n</script>\n` : html`` };
}

interface Kept {
  readonly shown: ShownStudent;
  readonly samples: ComparisonSamples;
  readonly rows: readonly ShownRows[];
}

/** Maps, neighbours and pairs of the kept samples. */
function sampleSections({ record, document }: ComparisonPage, { shown, samples, rows }: Kept): Html | undefined {
  const { texts, teacher } = samples;
  const unit = samplesName(record);
  const maps = comparisonMaps(samples, rows);
  if (!maps) return undefined;
  const count = formatCount(texts.length);
  const drawn = texts.length < (record.data.heldOut ?? 0) ? ', drawn once,' : '';
  const students = rows.map(({ method, rows: matrix }) => ({ name: method.name, rows: matrix }));
  const names = students.map(({ name }) => name);
  const best = rows.length > 1 ? `, the best of the others by ${shown.metric.label}` : '';
  return html`<h2>The embedding spaces</h2>
<p>${count} ${record.measuredOn} ${unit}${drawn} and the student ${shown.student.name}, trained with seed ${rows[0].seed} by ${names.join(' and by ')}${best}.
One joint projection (UMAP, cosine distance) for everything that is in the teacher’s space: there the same place is the same place in the space. Near and
apart mean something here; exact distances do not.</p>
${embeddingMaps(maps, document)}
${
  teacher && texts.length >= LEAST_SAMPLES
    ? html`<h2>Where neighbours differ</h2>
${neighbourSection(
  samples,
  neighbourExamples(
    teacher,
    students.map((student) => student.rows),
  ),
  names,
)}
<h2>Similarity of pairs</h2>
<p>The cosine of two ${unit} by the teacher and by the student, for the same ${count} ${unit}.</p>
${similarityScatter(teacher, students, document)}
`
    : ''
}`;
}
