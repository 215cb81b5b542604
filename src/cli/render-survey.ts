/**
 * A survey of an ONNX file for a terminal. Names are shortened in the middle where a line would be too long; numbers never are,
 * and neither are names that the reader of the table will want to copy.
 */
import type { Dimension, OnnxSurvey, SurveyedNode, SurveyedTensor } from '../graph/index.ts';
import { wrap } from '../report/text-table.ts';

const GAP = '  ';
/** Narrower than this, what a name says is lost: the table then takes two lines a layer. */
const NARROWEST_NAME = 24;
/** Names of sizes are shortened to this before the table changes its form. */
const SHORT_SIZE = 12;
/** So many tensors that could be embeddings are named without `all`: the last, which are the likeliest. */
const FEW = 6;

const HEADINGS = {
  name: 'layer',
  operator: 'operator',
  shape: 'output',
  parameters: 'parameters',
  trainable: 'trainable',
};
type Row = Readonly<Record<Exclude<keyof typeof HEADINGS, 'shape'>, string>> & {
  readonly shape: readonly Dimension[] | undefined;
};

const count = (n: number) => n.toLocaleString('en');
const plural = (n: number, noun: string) => `${count(n)} ${noun}${n === 1 ? '' : 's'}`;

/**
 * @param options `all`: every node and every candidate; `width` in characters, at least 40
 * @returns lines of at most `width` characters, unless a single name that must stay whole is longer
 *
 * @example
 * process.stdout.write(renderSurvey(surveyOnnx(bytes), { file: 'model.onnx', all: false, width: 80 }));
 */
export function renderSurvey(
  survey: OnnxSurvey,
  { file, all, width }: { readonly file: string; readonly all: boolean; readonly width: number },
): string {
  const lines = [
    ...wrap(`${file}: opset ${survey.opset}, ${plural(survey.nodes.length, 'node')}`, width),
    ...tensors('Inputs', survey.inputs, width),
    ...tensors('Outputs', survey.outputs, width),
    ...layers(survey, all, width),
    ...totals(survey, width),
    ...problems(survey, width),
    ...frozen(survey, width),
    ...embeddings(survey, all, width),
  ];
  return lines.map((line) => `${printable(line).trimEnd()}\n`).join('');
}

/** Names come from the file: one with an escape sequence must not steer the terminal. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '�');
}

/** The middle gives way to "…", with all of a number that the cut would go through; of the end more stays than of the start. */
export function shorten(text: string, width: number): string {
  if (text.length <= width) return text;
  const start = Math.floor((width - 1) / 3);
  const end = width - 1 - start;
  return `${text.slice(0, start)}…${end > 0 ? text.slice(-end) : ''}`.replace(/\d*…\d*/, '…');
}

/** A shape in at most `width` characters: names of sizes are shortened, as little as will do, numbers stay. */
export function shapeText(shape: readonly Dimension[] | undefined, width: number): string {
  if (!shape) return 'unknown';
  const text = (limit: number) => `[${shape.map((d) => (typeof d === 'number' ? d : shorten(d, limit))).join(', ')}]`;
  let limit = Math.max(1, ...shape.map((d) => String(d).length));
  while (limit > 1 && text(limit).length > width) limit--;
  return text(limit);
}

function tensors(title: string, found: readonly SurveyedTensor[], width: number): string[] {
  const longest = Math.max(0, ...found.map(({ name }) => name.length));
  const nameWidth = Math.min(longest, Math.floor(width / 2));
  return [
    '',
    title,
    ...found.map(({ name, type, shape }) => {
      const start = `${GAP}${shorten(name, nameWidth).padEnd(nameWidth)}${GAP}${type ?? 'unknown'}`;
      return `${start}${shape ? shapeText(shape, width - start.length) : ''}`;
    }),
  ];
}

function layers({ nodes, outputs }: OnnxSurvey, all: boolean, width: number): string[] {
  const given = new Set(outputs.map(({ name }) => name));
  const shown = all
    ? nodes
    : nodes.filter((node) => node.weights > 0 || node.outputs.some(({ name }) => given.has(name)));
  const reasons = [...new Set(shown.map(({ reason }) => reason))].filter((reason) => reason !== '');
  const rows = shown.map((node) => rowOf(node, reasons));
  const others = nodes.length - shown.length;
  const notes = reasons.flatMap((reason, i) => hang(`(${i + 1}) `, reason, width));
  return [
    '',
    ...(rows.length > 0 ? (oneLineEach(rows, width) ?? twoLinesEach(rows, width)) : []),
    ...(others > 0 ? wrap(`… and ${plural(others, 'other node')} without weights (--all)`, width) : []),
    ...(notes.length > 0 ? ['', ...notes] : []),
  ];
}

function rowOf({ type, name, outputs, weights, reason }: SurveyedNode, reasons: readonly string[]): Row {
  return {
    ...{ name, operator: type, shape: outputs[0]?.shape, parameters: weights === 0 ? '' : count(weights) },
    trainable: reason === '' ? 'yes' : `no (${reasons.indexOf(reason) + 1})`,
  };
}

const widest = (rows: readonly Row[], key: 'name' | 'operator' | 'parameters' | 'trainable') =>
  Math.max(HEADINGS[key].length, ...rows.map((row) => row[key].length));

/** Undefined where it does not fit. */
function oneLineEach(rows: readonly Row[], width: number): string[] | undefined {
  const [operator, parameters, trainable] = (['operator', 'parameters', 'trainable'] as const).map((key) =>
    widest(rows, key),
  );
  const rest = width - operator - parameters - trainable - 4 * GAP.length;
  const size = (limit: number) => Math.max(6, ...rows.map(({ shape }) => sizeOfShape(shape, limit)));
  const name = Math.min(widest(rows, 'name'), Math.max(NARROWEST_NAME, rest - size(Number.MAX_SAFE_INTEGER)));
  const shape = rest - name;
  if (shape < size(SHORT_SIZE)) return undefined;
  const shapeWidth = Math.min(shape, size(Number.MAX_SAFE_INTEGER));
  const line = (row: Omit<Row, 'shape'>, middle: string) =>
    [
      ...[shorten(row.name, name).padEnd(name), row.operator.padEnd(operator), middle.padEnd(shapeWidth)],
      ...[row.parameters.padStart(parameters), row.trainable],
    ].join(GAP);
  const taken = name + operator + shapeWidth + parameters + trainable + 4 * GAP.length;
  return [
    line(HEADINGS, HEADINGS.shape),
    '─'.repeat(taken),
    ...rows.map((row) => line(row, shapeText(row.shape, shapeWidth))),
  ];
}

/** Characters that a shape takes when names of sizes have at most `limit`. */
function sizeOfShape(shape: readonly Dimension[] | undefined, limit: number): number {
  if (!shape) return 'unknown'.length;
  const sizes = shape.map((d) => (typeof d === 'number' ? String(d).length : Math.min(d.length, limit)));
  return sizes.reduce((a, b) => a + b, 2 + 2 * Math.max(0, shape.length - 1));
}

/** Name and numbers, and beneath them operator and shape. */
function twoLinesEach(rows: readonly Row[], width: number): string[] {
  const [parameters, trainable] = [widest(rows, 'parameters'), widest(rows, 'trainable')];
  const name = Math.min(widest(rows, 'name'), width - parameters - trainable - 2 * GAP.length);
  const line = (row: Omit<Row, 'shape'>) =>
    [shorten(row.name, name).padEnd(name), row.parameters.padStart(parameters), row.trainable].join(GAP);
  return [
    line(HEADINGS),
    '─'.repeat(name + parameters + trainable + 2 * GAP.length),
    ...rows.flatMap((row) => {
      const start = `${GAP}${row.operator} `;
      return [line(row), `${start}${shapeText(row.shape, width - start.length)}`];
    }),
  ];
}

function totals({ parameters: { total, trainable }, readable, mustBeFrozen }: OnnxSurvey, width: number): string[] {
  const stay = readable && mustBeFrozen.length === 0 && trainable < total;
  const why = stay ? '; running statistics and single numbers stay as they are' : '';
  return ['', ...wrap(`${plural(total, 'parameter')} in all, ${count(trainable)} can be trained${why}`, width)];
}

function problems({ problems: found, readable, inputs }: OnnxSurvey, width: number): string[] {
  if (found.length === 0) return [];
  const open = [...new Set(inputs.flatMap(({ shape = [] }) => shape.slice(1)))].filter((d) => typeof d === 'string');
  const options = open.map((name) => `--size ${name}=…`).join(' ');
  const title = readable
    ? 'No output needs these, which cannot be read:'
    : 'OnnxStudent cannot read the file, because of:';
  return [
    '',
    ...wrap(title, width),
    ...found.flatMap((text) => hang(GAP, text, width)),
    ...(readable || open.length === 0 ? [] : wrap(`It may help to fix sizes: ${options}`, width)),
  ];
}

function frozen({ mustBeFrozen, readable }: OnnxSurvey, width: number): string[] {
  if (mustBeFrozen.length === 0 || !readable) return [];
  const text =
    `${plural(mustBeFrozen.length, 'weight')} before nodes without a gradient must be left alone by the option trainable of ` +
    'OnnxStudent (mustBeFrozen in --json):';
  const shown = mustBeFrozen.slice(0, FEW).map((name) => `${GAP}${name}`);
  const others = mustBeFrozen.length - shown.length;
  return ['', ...wrap(text, width), ...shown, ...(others > 0 ? [`${GAP}… and ${count(others)} others`] : [])];
}

function embeddings({ embeddings: found, readable, inputs }: OnnxSurvey, all: boolean, width: number): string[] {
  if (!readable) return [];
  const batch = inputs[0]?.shape?.[0];
  if (typeof batch === 'number') {
    return [
      '',
      ...wrap(`The batch is fixed at ${batch}: export the model with a dynamic batch axis to train it.`, width),
    ];
  }
  const [rows, pooled] = [2, 3].map((rank) => found.filter(({ shape }) => shape.length === rank));
  return [
    ...candidates('Could be the embedding layer', rows, all, width),
    ...candidates('With pooling also', pooled, all, width),
  ];
}

function candidates(title: string, found: OnnxSurvey['embeddings'], all: boolean, width: number): string[] {
  if (found.length === 0) return [];
  const shown = all ? found : found.slice(-FEW);
  const others = found.length - shown.length;
  return [
    '',
    ...wrap(others > 0 ? `${title}, the last ${shown.length} of ${count(found.length)} (--all):` : `${title}:`, width),
    ...shown.flatMap(({ name, shape }) => {
      const room = width - GAP.length - name.length - 1;
      const beside = shapeText(shape, room);
      // The name is what an option wants: it stays whole.
      return beside.length <= room
        ? [`${GAP}${name} ${beside}`]
        : [`${GAP}${name}`, `${GAP}${GAP}${shapeText(shape, width - 2 * GAP.length)}`];
    }),
  ];
}

/** Text after a mark, its further lines beneath its first. */
function hang(mark: string, text: string, width: number): string[] {
  return wrap(text, width - mark.length).map((line, i) => (i === 0 ? mark : ' '.repeat(mark.length)) + line);
}
