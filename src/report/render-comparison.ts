/**
 * A comparison as one HTML file: what was compared on what, for every student the table of its methods and their differences to the
 * baseline, drawn with their intervals, the sections of comparison-sections.ts, and what it takes to repeat it. It loads nothing from
 * anywhere and is complete without script.
 *
 * A pure function of the record and what was kept of the runs; who writes the file is not its business.
 */
import type { ComparisonRecord, ComparisonResult } from './comparison-record.ts';
import type { ComparisonSamples } from './comparison-samples.ts';
import { comparisonSections } from './comparison-sections.ts';
import type { ComparisonSummary, StudentSummary } from './comparison-summary.ts';
import { formatInterval, studentFacts, tableOf } from './comparison-text.ts';
import { facts } from './facts.ts';
import { formatCount, formatSeconds } from './format.ts';
import { Html, html } from './html.ts';
import { intervalPlot } from './interval-plot.ts';
import { samplesName } from './names.ts';
import { REPORT_STYLE } from './report-style.ts';
import { resultsSection } from './results-section.ts';
import type { ReportDocument } from './svg.ts';

export interface ComparisonPage {
  readonly record: ComparisonRecord;
  readonly summary: ComparisonSummary;
  /** What the summary is of. */
  readonly results: readonly ComparisonResult[];
  /** Undefined where none were kept, as by older versions. */
  readonly samples?: ComparisonSamples | undefined;
  /** A DOM document to draw with: `parseHTML('<html></html>').document` of linkedom, or a page's own. */
  readonly document: ReportDocument;
}

const TONES = { better: 'good', worse: 'bad', 'no difference seen': 'even', 'not judged': 'even' } as const;

/**
 * @returns a complete HTML document, UTF-8, without references to other files
 *
 * @example
 * await writeFile('report.html', renderComparison({ ...parts, summary: summarizeComparison(parts), document }));
 */
export function renderComparison(page: ComparisonPage): string {
  const { record, summary, document } = page;
  const { name, students, notes } = summary;
  const { sections, script } = comparisonSections(page);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${name} · comparison · Limbeck</title>
<style>${new Html(REPORT_STYLE)}</style>
</head>
<body>
<main>
<header>
<p class="eyebrow">Limbeck comparison of ${record.startedAt.slice(0, 10)} · ${record.data.name}</p>
<h1>${name}</h1>
<p class="lede">${lede(record, summary)}</p>
</header>
${students.length === 0 ? html`<p>No run is done yet.</p>` : students.map((student) => studentSection(student, record, summary, document))}
${sections}
<h2>How to read it</h2>
${notes.map((note) => html`<p class="note">${note}</p>`)}
<h2>Methods</h2>
<dl class="meaning methods">${record.methods.map(
    (method) =>
      html`<div><dt>${method.name}</dt><dd>${method.description}${
        method.differs.length > 0 ? html` <span class="count">(${method.differs.join(', ')})</span>` : ''
      }</dd></div>`,
  )}</dl>
<h2>How to repeat it</h2>
${facts(record)}
</main>
${script}</body>
</html>
`.text;
}

/** What happened, for a reader who reads nothing else. */
function lede(record: ComparisonRecord, summary: ComparisonSummary): string {
  const { data, methods, students, seeds, teacher } = record;
  const unit = samplesName(record);
  const counted = (n: number, what: string) => `${formatCount(n)} ${what}${n === 1 ? '' : 's'}`;
  const { done, planned, trainingSeconds, samples, measuredOn } = summary;
  const unfinished = done < planned ? ` ${done} of ${planned} runs are done.` : '';
  return (
    `${counted(methods.length, 'method')} on ${counted(students.length, 'student')} with ${counted(seeds.length, 'seed')}, ` +
    `${teacher ? `distilling ${teacher.name}, ` : ''}each trained on the same ${formatCount(data.train)} ${unit} and measured on ` +
    `${formatCount(samples)} ${measuredOn} ${unit} that no training saw: ${formatSeconds(trainingSeconds)} of training.${unfinished}`
  );
}

function studentSection(
  student: StudentSummary,
  record: ComparisonRecord,
  summary: ComparisonSummary,
  document: ReportDocument,
): Html {
  const { metrics, baseline } = summary;
  const plots = metrics.flatMap((metric) => intervalPlot(metric, student.methods, baseline, document) ?? []);
  return html`<h2>${student.name}</h2>
<p>${studentFacts(student, samplesName(record)).replaceAll(' MB', '\u00a0MB')}</p>
${resultsSection(tableOf(student, summary))}
${
  plots.length === 0
    ? ''
    : html`<h3 class="apart">Difference to ${baseline}, with its 95 % interval</h3>
<div class="panels small">${plots}</div>
${differencesTable(student, summary)}`
}
`;
}

/** The same as text, for those who cannot see the picture, and for numbers. */
function differencesTable({ name: student, methods }: StudentSummary, { metrics, baseline }: ComparisonSummary): Html {
  const shown = metrics.filter(({ key }) => methods.some(({ differences }) => differences[key]));
  const others = methods.filter(({ differences }) => Object.keys(differences).length > 0);
  return html`<details><summary>The differences as numbers</summary><div class="wide" tabindex="0" role="group" aria-label="Differences, ${student}"><table class="differences">
<caption>Difference of each method to ${baseline}</caption>
<thead><tr><th scope="col">Method</th>${shown.map(({ label }) => html`<th scope="col">${label}</th>`)}</tr></thead>
<tbody>${others.map(
    ({ name, differences }) => html`<tr><th scope="row">${name}</th>${shown.map(({ key }) => {
      const found = differences[key];
      return found
        ? html`<td>${formatInterval(found)}<br><span class="pill ${TONES[found.outcome]}">${found.outcome}</span></td>`
        : html`<td>–</td>`;
    })}</tr>
`,
  )}</tbody></table></div></details>`;
}
