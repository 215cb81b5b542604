/** The results table and the verdict as HTML: a real table with headers, which a narrow page lays out as cards. */
import { type Html, html } from './html.ts';
import type { ResultsCell, ResultsTable } from './results-table.ts';
import { VERDICT_RULE, type Verdict } from './verdict.ts';

const TONES: Record<Verdict['outcome'], string> = {
  beats: 'good',
  'loses to': 'bad',
  'no clear difference': 'even',
  'not judged': 'even',
};

/** Method rows and measure columns, with what each measure means beneath. Roles are spelt out because CSS that turns rows into cards would take them away. */
export function resultsSection(table: ResultsTable): Html {
  if (table.rows.length === 0) return html`${table.notes.map((note) => html`<p>${note}</p>`)}`;
  const cell = ({ text, spread }: ResultsCell, j: number) =>
    html`<td role="cell" data-label="${table.columns[j].label}"><span>${text}</span>${
      spread === null ? '' : html` <span class="spread">± ${spread}</span>`
    }</td>`;
  return html`<table role="table" class="results">
<caption>Held-out quality, size and speed of each model</caption>
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Model</th>${table.columns.map(
    ({ label, description }) => html`<th role="columnheader" scope="col" title="${description}">${label}</th>`,
  )}</tr></thead>
<tbody role="rowgroup">${table.rows.map(
    (
      row,
    ) => html`<tr role="row" class="method-${row.method === 'teacher' || row.method === 'untrained' ? 'reference' : 'trained'}"><th role="rowheader" scope="row">${row.label}${
      row.count > 1 ? html` <span class="count">${row.count} seeds</span>` : ''
    }</th>${row.cells.map(cell)}</tr>
`,
  )}</tbody>
</table>
${table.notes.filter((note) => note !== VERDICT_RULE).map((note) => html`<p class="note">${note}</p>`)}
<details><summary>What the columns mean</summary><dl class="meaning">${table.columns.map(
    ({ label, description }) => html`<div><dt>${label}</dt><dd>${description}</dd></div>`,
  )}</dl></details>`;
}

/** A line for every metric: who is ahead, by how much, on how many seeds, and how that was decided. */
export function verdictSection({ comparison }: ResultsTable): Html {
  if (comparison === null) {
    return html`<p>No verdict yet: the two methods have no finished run of the same seed.</p>`;
  }
  const { challenger, baseline, verdicts } = comparison;
  return html`<p>Does <b>${challenger}</b> beat <b>${baseline}</b>, trained on the same texts for as many epochs?</p>
<ul class="verdicts">${verdicts.map(
    ({
      label,
      outcome,
      detail,
    }) => html`<li><span class="metric">${label}</span><span class="pill ${TONES[outcome]}">${outcome}</span><span class="detail">${detail}</span></li>
`,
  )}</ul>
<p class="note">${VERDICT_RULE}</p>`;
}
