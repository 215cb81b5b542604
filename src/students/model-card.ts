/**
 * The model card of a saved student, README.md as Hugging Face reads it. It states what it is given and what the student knows of itself;
 * what nobody gave is left out, and nothing is claimed that was not measured. A pure function; who writes it is not its business.
 */
import { describeMetric, formatScore, type Metrics } from '../evaluation/metrics.ts';
import { usage } from './model-card-usage.ts';
import type { StudentFormat } from './student-format.ts';

/** What whoever trained a student may say of it. */
export interface ModelCardFacts {
  /** The heading. */
  readonly name?: string | undefined;
  /** A license identifier of Hugging Face: "mit", "apache-2.0". */
  readonly license?: string | undefined;
  readonly teacher?:
    | {
        readonly name?: string | undefined;
        readonly fingerprint?: string | undefined;
        readonly dimension?: number | undefined;
        readonly parameters?: number | undefined;
      }
    | undefined;
  readonly data?:
    | {
        readonly name?: string | undefined;
        /** Samples trained on. */
        readonly size?: number | undefined;
        readonly fingerprint?: string | undefined;
        /** Samples left out of training, and counted. */
        readonly skipped?: number | undefined;
      }
    | undefined;
  readonly recipe?:
    | {
        readonly strategy?: string | undefined;
        readonly strategyOptions?: Readonly<Record<string, unknown>> | undefined;
        readonly optimizer?: Readonly<Record<string, unknown>> | string | undefined;
        readonly epochs?: number | undefined;
        readonly steps?: number | undefined;
        readonly batchSize?: number | undefined;
        readonly seed?: number | undefined;
        /** Version of Limbeck. */
        readonly limbeck?: string | undefined;
      }
    | undefined;
  /** What was measured, and on what. */
  readonly evaluation?:
    | {
        /** For instance "1,000 held-out texts". */
        readonly on?: string | undefined;
        readonly student: Metrics;
        readonly teacher?: Metrics | undefined;
      }
    | undefined;
  /** Further limits, a sentence each. */
  readonly limits?: readonly string[] | undefined;
}

/** What the student itself knows. */
export interface ModelCardSubject {
  readonly format: StudentFormat;
  readonly architecture: string;
  readonly parameters: number;
  readonly modelBytes: number;
}

/**
 * @returns Markdown with YAML front matter
 *
 * @example
 * student.toFiles({ card: { teacher: { name: 'all-MiniLM-L6-v2' }, license: 'mit' } }).get('README.md');
 */
export function modelCard(subject: ModelCardSubject, facts: ModelCardFacts): string {
  const { format, architecture, parameters, modelBytes } = subject;
  const { teacher, data, recipe, name = 'A distilled student' } = facts;
  const of = teacher?.name ? `, distilled from ${inline(teacher.name)}` : '';
  const what = format.kind === 'text' ? 'texts' : 'images';
  const does = format.classes === undefined ? `embeds ${what}` : `embeds and classifies ${what}`;
  const blocks = [
    frontMatter(subject, facts),
    `# ${inline(name)}`,
    `A small model that ${does}${of}, trained with [Limbeck](https://www.npmjs.com/package/limbeck).`,
    section('Model', [
      ['architecture', architecture],
      ['input', inputOf(format)],
      ['embedding', `${count(format.dimension)} numbers, of norm 1`],
      ['classes', format.classes === undefined ? undefined : classesOf(format)],
      ['parameters', count(parameters)],
      ['size of onnx/model.onnx', `${(modelBytes / 1e6).toFixed(modelBytes < 1e5 ? 3 : 1)} MB`],
    ]),
    section('Teacher', [
      ['name', teacher?.name],
      ['dimension', teacher?.dimension],
      ['parameters', teacher?.parameters],
      ['fingerprint', teacher?.fingerprint],
    ]),
    section('Data', [
      ['name', data?.name],
      [`${what} trained on`, data?.size],
      ['left out', data?.skipped],
      ['fingerprint', data?.fingerprint],
    ]),
    section('Recipe', [
      ['strategy', recipe?.strategy],
      ['strategy options', recipe?.strategyOptions],
      ['optimizer', recipe?.optimizer],
      ['epochs', recipe?.epochs],
      ['steps', recipe?.steps],
      ['batch size', recipe?.batchSize],
      ['seed', recipe?.seed === undefined ? undefined : String(recipe.seed)],
      ['Limbeck', recipe?.limbeck],
    ]),
    measured(facts.evaluation),
    usage(format),
    limits(format, facts),
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

function frontMatter({ format }: ModelCardSubject, { license }: ModelCardFacts): string {
  const text = format.kind === 'text';
  const task = text
    ? 'feature-extraction'
    : format.classes === undefined
      ? 'image-feature-extraction'
      : 'image-classification';
  return [
    '---',
    ...(license ? [`license: ${JSON.stringify(license)}`] : []),
    `library_name: ${text ? 'transformers.js' : 'onnx'}`,
    `pipeline_tag: ${task}`,
    'tags:',
    ...['limbeck', 'onnx', 'embeddings', 'knowledge-distillation'].map((tag) => `- ${tag}`),
    '---',
  ].join('\n');
}

type Fact = number | string | Readonly<Record<string, unknown>> | undefined;

/** A list of what is known; nothing when nothing is. */
function section(title: string, entries: readonly (readonly [string, Fact])[]): string {
  const known = entries.flatMap(([name, value]) => {
    if (value === undefined) return [];
    const shown =
      typeof value === 'object'
        ? code(JSON.stringify(value))
        : inline(typeof value === 'number' ? count(value) : value);
    return [`- ${name}: ${shown}`];
  });
  return known.length === 0 ? '' : `## ${title}\n\n${known.join('\n')}`;
}

function measured(evaluation: ModelCardFacts['evaluation']): string {
  if (!evaluation) return '';
  const { student, teacher = {}, on } = evaluation;
  const keys = Object.keys(student);
  if (keys.length === 0) return '';
  const withTeacher = keys.some((key) => key in teacher);
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const score = (value: number | undefined) => (value === undefined ? '–' : formatScore(value));
  const head = ['', 'student', ...(withTeacher ? ['teacher'] : []), 'meaning'];
  const rows = keys.map((key) => {
    const { label, description } = describeMetric(key);
    return line([inline(label), score(student[key]), ...(withTeacher ? [score(teacher[key])] : []), description]);
  });
  const rule = head.map((_, i) => (i === 0 || i === head.length - 1 ? '---' : '--:'));
  const where = on ? `\n\nMeasured on ${inline(on)}, with the files of this directory.` : '';
  return `## Evaluation${where}\n\n${[line(head), line(rule), ...rows].join('\n')}`;
}

function limits(format: StudentFormat, { limits: further = [], teacher }: ModelCardFacts): string {
  const own =
    format.kind === 'text'
      ? [`Texts are cut after ${count(format.maxTokens)} tokens, special ones included.`]
      : [
          `Images are brought to ${format.height} × ${format.width} pixels first, which loses what is smaller than a pixel of that size.`,
        ];
  const inherited = teacher
    ? [
        'It was trained to follow its teacher, and may repeat what the teacher gets wrong; its licence and that of the data may bind you.',
      ]
    : [];
  return `## Limits\n\n${[...own, ...inherited, ...further].map((line) => `- ${inline(line)}`).join('\n')}`;
}

function inputOf(format: StudentFormat): string {
  return format.kind === 'text'
    ? `text of up to ${count(format.maxTokens)} tokens`
    : `images, ${format.channels} × ${format.height} × ${format.width}, pixels from 0 to 1`;
}

function classesOf({ classes, classNames }: StudentFormat): string {
  if (!classNames) return count(classes as number);
  const shown = classNames.slice(0, 20).join(', ');
  return `${count(classNames.length)}: ${shown}${classNames.length > 20 ? ', … (all in config.json)' : ''}`;
}

/** A whole number with commas between thousands. */
function count(value: number): string {
  return Number.isInteger(value) ? String(value).replace(/\B(?=(\d{3})+$)/g, ',') : String(value);
}

/** Text from outside on one line, without meaning for Markdown or HTML. */
function inline(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\\`*_[\]<>|#]/g, (character) => `\\${character}`);
}

/** JSON in a code span; more backticks around it than it holds. */
function code(text: string): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return longest > 0 ? `${fence} ${text} ${fence}` : `${fence}${text}${fence}`;
}
