/** What a reader needs to repeat the run: data, teacher, student, configuration and machine, as lists of names and values. */
import { formatCount, formatMegabytes, formatPercent, formatSeconds } from './format.ts';
import { type Html, html } from './html.ts';
import { samplesName } from './names.ts';
import type { JsonValue, RunRecord } from './run-record.ts';

type RepeatableRecord = Pick<
  RunRecord,
  'command' | 'config' | 'data' | 'finishedAt' | 'limbeck' | 'machine' | 'startedAt' | 'student' | 'teacher'
>;

/** Short lists, what was not recorded left out, and the command. */
export function facts(record: RepeatableRecord): Html {
  const { data, teacher, student, machine, config } = record;
  const samples = samplesName(record);
  const megabytes = (bytes: number | undefined) => bytes !== undefined && `${formatMegabytes(bytes)} MB`;
  const count = (value: number | undefined) => value !== undefined && formatCount(value);
  return html`<p>Command: <code>${record.command}</code></p>
<div class="facts">
${list('Data', [
  ['name', data.name],
  [`training ${samples}`, formatCount(data.train)],
  [`held-out ${samples}`, count(data.heldOut)],
  ['classes', count(data.classes)],
  ['largest class', data.majorityClass && `${data.majorityClass.name}, ${formatPercent(data.majorityClass.share)}`],
  ['vocabulary', count(data.vocabulary)],
  ...leftOut(data.skipped),
  ['fingerprint', data.fingerprint],
])}
${
  teacher
    ? list('Teacher', [
        ['name', teacher.name],
        ['dimension', formatCount(teacher.dimension)],
        ['parameters', count(teacher.parameters)],
        ['size', megabytes(teacher.sizeBytes)],
        ['rows computed', rowsComputed(record)],
        ['rows from the cache', count(teacher.rowsReused)],
        ['fingerprint', teacher.fingerprint],
      ])
    : ''
}
${
  student
    ? list('Student', [
        ['kind', student.kind],
        ['parameters', formatCount(student.parameters)],
        ['dimension', formatCount(student.dimension)],
        ['size', megabytes(student.sizeBytes)],
      ])
    : ''
}
${list('Configuration', settings(config))}
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

type Entry = readonly [string, string | false | undefined];

function rowsComputed(record: RepeatableRecord): string | undefined {
  const { rowsComputed: rows, seconds, samplesPerSecond } = record.teacher ?? {};
  if (rows === undefined) return undefined;
  const time = seconds === undefined ? '' : ` in ${formatSeconds(seconds)}`;
  return `${formatCount(rows)}${time}${samplesPerSecond ? ` (${formatCount(samplesPerSecond)} ${samplesName(record)}/s)` : ''}`;
}

/** How many samples were left out, by reason. */
function leftOut(skipped: Readonly<Record<string, number>> | undefined): Entry[] {
  const reasons = Object.entries(skipped ?? {}).sort(([, a], [, b]) => b - a);
  return reasons.map(([reason, number]) => [`left out: ${reason}`, formatCount(number)]);
}

/** Nested settings as paths: "optimizer.learningRate". */
function settings(config: JsonValue, path = ''): Entry[] {
  if (typeof config !== 'object' || config === null) return [[path, String(config ?? 'none')]];
  if (Array.isArray(config)) {
    const plain = config.every((entry) => typeof entry !== 'object' || entry === null);
    return plain ? [[path, config.join(', ')]] : config.flatMap((entry, i) => settings(entry, `${path}[${i}]`));
  }
  if (Object.keys(config).length === 0) return path === '' ? [] : [[path, '{}']];
  return Object.entries(config).flatMap(([name, value]) => settings(value, path === '' ? name : `${path}.${name}`));
}

function list(title: string, entries: readonly Entry[]): Html {
  const known = entries.filter((entry): entry is readonly [string, string] => typeof entry[1] === 'string');
  return html`<section><h3>${title}</h3><dl>${known.map(
    ([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`,
  )}</dl></section>`;
}
