// What one comparison was, from its record, and what came out, from its results: the same tables as `limbeck compare` prints.
import { formatInterval, studentFacts, tableOf } from '../../dist/report/comparison-text.js';
import { formatCount, formatMegabytes } from '../../dist/report/format.js';
import { samplesName } from '../../dist/report/names.js';
import { DIFFERENCE_RULE } from '../../dist/report/paired-difference.js';
import { table } from './markdown.mjs';

/** Lines of Markdown, an empty one between any two paragraphs. */
export function comparisonSection({ finished, option }) {
  const { record, summary, results } = finished;
  const unit = samplesName(record);
  return [
    `**Run.** ${runsSentence(record)} ${machineSentence(record, results)}`,
    `**Data.** ${dataSentence(record, unit)} **Teacher.** ${teacherSentence(record)}`,
    ['**Methods.**', ...record.methods.map((method) => `- ${methodText(method, record)}`)]
      .join('\n')
      .replace('\n', '\n\n'),
    ...summary.students.flatMap((student) => studentTables(student, { summary, record, option, unit })),
    summary.notes.filter((note) => note !== DIFFERENCE_RULE).join(' '),
  ];
}

function runsSentence({ seeds, runs }) {
  return `${runs.length} runs over ${seeds.length} seed${seeds.length === 1 ? '' : 's'}.`;
}

function machineSentence({ machine, startedAt }, results) {
  const { cpu, cores, memoryBytes, platform, node, onnxruntime } = machine;
  const versions = [...new Set(results.map(({ limbeck }) => limbeck))].sort();
  return (
    `Begun ${startedAt.slice(0, 10)} on ${cores} core${cores === 1 ? '' : 's'} of ${cpu} (${platform}, ${(memoryBytes / 2 ** 30).toFixed(0)} GiB), ` +
    `Limbeck ${versions.join(', ')}, Node ${node}, ONNX Runtime ${onnxruntime}.`
  );
}

function dataSentence({ data, measuredOn }, unit) {
  const { name, train, heldOut = 0, classes, fingerprint, heldOutFingerprint, skipped = {} } = data;
  const left = Object.entries(skipped).map(([reason, number]) => `${formatCount(number)} × ${reason}`);
  return (
    `\`${name}\`: ${formatCount(train)} ${unit} to train on (digest ${fingerprint.slice(0, 12)}), ${formatCount(heldOut)} ${measuredOn} ${unit} ` +
    `to measure on (${heldOutFingerprint.slice(0, 12)})${classes === undefined ? '' : `, ${classes} classes`}` +
    `${left.length > 0 ? `; left out: ${left.join(', ')}` : ''}.`
  );
}

function teacherSentence({ teacher }) {
  if (!teacher) return 'None.';
  const { name, dimension, parameters, sizeBytes } = teacher;
  const facts = [
    `${dimension} numbers a row`,
    ...(parameters === undefined ? [] : [`${formatCount(parameters)} parameters`]),
    ...(sizeBytes === undefined ? [] : [`${formatMegabytes(sizeBytes)} MB`]),
  ];
  return `${name}: ${facts.join(', ')}.`;
}

/** What it is, and what it has different: its options as its file says them. */
function methodText({ name, description, differs }, { config, baseline }) {
  const { strategy } = config.methods[name] ?? {};
  const options = [...leaves(strategy), ...differs];
  return `\`${name}\`${name === baseline ? ' (the baseline)' : ''}: ${description}${options.length > 0 ? ` (${options.join(', ')})` : ''}`;
}

function leaves(value, path = '') {
  if (value === undefined || value === null) return [];
  if (typeof value !== 'object' || Array.isArray(value)) return [`${path}: ${JSON.stringify(value)}`];
  return Object.entries(value).flatMap(([key, entry]) => leaves(entry, path === '' ? key : `${path}.${key}`));
}

function studentTables(student, { summary, record, option, unit }) {
  const { columns, rows } = tableOf(student, summary);
  const cell = ({ text, spread }) => (spread === null ? text : `${text} ± ${spread}`);
  const numbered = (method) => (option === undefined ? [] : [numberOf(method, option, record)]);
  const inOrder = (list, nameOf) =>
    option === undefined
      ? list
      : [...list].sort((a, b) => rank(nameOf(a), option, record) - rank(nameOf(b), option, record));
  const head = ['method', ...(option === undefined ? [] : [option])];
  const { baseline, metrics } = summary;
  const shown = metrics.filter(({ key }) => student.methods.some(({ differences }) => differences[key]));
  const others = student.methods.filter(({ differences }) => Object.keys(differences).length > 0);
  const difference = (found) => {
    if (!found) return '–';
    const outcome = found.outcome === 'better' || found.outcome === 'worse' ? `**${found.outcome}**` : found.outcome;
    return `${formatInterval(found)} ${outcome}${found.seeds === record.seeds.length ? '' : ` (${found.seeds} seeds)`}`;
  };
  return [
    `**${student.name}**: ${studentFacts(student, unit)}.`,
    table(
      [...head, ...columns.map(({ label }) => label)],
      inOrder(rows, ({ method }) => method).map(({ method, label, cells }) => [
        label,
        ...numbered(method),
        ...cells.map(cell),
      ]),
    ),
    ...(others.length === 0
      ? []
      : [
          `Difference to \`${baseline}\` with its 95 % interval, over ${record.seeds.length} seed${record.seeds.length === 1 ? '' : 's'}:`,
          table(
            [...head, ...shown.map(({ label }) => label)],
            inOrder(others, ({ name }) => name).map(({ name, differences }) => [
              ...[name, ...numbered(name)],
              ...shown.map(({ key }) => difference(differences[key])),
            ]),
          ),
        ]),
  ];
}

/** What a method has for an option such as strategy.temperature; keys of training are those of the whole comparison where it has no own. */
function optionOf(method, option, { config }) {
  const at = (from) => option.split('.').reduce((value, key) => value?.[key], from);
  if (!config.methods[method]) return undefined;
  return at(config.methods[method]) ?? (option.startsWith('training.') ? at(config) : undefined);
}

function numberOf(method, option, record) {
  const value = optionOf(method, option, record);
  return value === undefined ? '–' : typeof value === 'number' && value >= 1000 ? formatCount(value) : String(value);
}

/** Those without the number stand first, as they are in the file. */
function rank(method, option, record) {
  const value = optionOf(method, option, record);
  return typeof value === 'number' ? value : Number.NEGATIVE_INFINITY;
}
