/** What a reader needs to repeat the run: data, teacher, configuration and machine, as lists of names and values. */
import { formatCount, formatMegabytes, formatPercent, formatSeconds } from './format.ts';
import { type Html, html } from './html.ts';
import type { RunRecord } from './run-record.ts';

/** Four short lists and the command. */
export function facts(record: RunRecord): Html {
  const { data, teacher, machine, config } = record;
  const rate = teacher.textsPerSecond === null ? '' : ` (${formatCount(teacher.textsPerSecond)} texts/s)`;
  return html`<p>Command: <code>${record.command}</code></p>
<div class="facts">
${list('Data', [
  ['name', data.name],
  ['training texts', formatCount(data.train)],
  ['held-out texts', formatCount(data.heldOut)],
  ['classes', formatCount(data.classes)],
  ['largest class', `${data.majorityClass.name}, ${formatPercent(data.majorityClass.share)}`],
  ['vocabulary', formatCount(data.vocabulary)],
  ['fingerprint', data.fingerprint],
])}
${list('Teacher', [
  ['name', teacher.name],
  ['dimension', formatCount(teacher.dimension)],
  ['parameters', formatCount(teacher.parameters)],
  ['size', `${formatMegabytes(teacher.sizeBytes)} MB`],
  ['rows computed', `${formatCount(teacher.rowsComputed)} in ${formatSeconds(teacher.seconds)}${rate}`],
  ['rows from the cache', formatCount(teacher.rowsReused)],
  ['fingerprint', teacher.fingerprint],
])}
${list(
  'Configuration',
  Object.entries(config).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(', ') : String(value ?? 'none'),
  ]),
)}
${list('Machine', [
  ['processor', machine.cpu],
  ['cores', String(machine.cores)],
  ['memory', `${(machine.memoryBytes / 2 ** 30).toFixed(1)} GiB`],
  ['platform', machine.platform],
  ['Node', machine.node],
  ['ONNX Runtime', machine.onnxruntime],
  ['Limbeck', record.limbeck],
  ['started', record.startedAt],
  ['finished', record.finishedAt ?? 'not finished'],
])}
</div>`;
}

function list(title: string, entries: readonly (readonly [string, string])[]): Html {
  return html`<section><h3>${title}</h3><dl>${entries.map(
    ([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`,
  )}</dl></section>`;
}
