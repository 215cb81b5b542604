/** The flags of commands that run a configuration: the most used keys by short names, any key by `--set`; described by the schema. */
import { existsSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { pathText } from '../config/check-config.ts';
import type { RunConfig } from '../config/complete-config.ts';
import type { Override } from '../config/overrides.ts';
import { readConfig } from '../config/read-config.ts';
import { configSchema } from '../config/schema.ts';
import { type ChoiceNode, type Field, type SchemaNode, type SectionNode, sectionOf } from '../config/schema-tree.ts';
import { LimbeckError } from '../errors.ts';

/** Used when no file is named and no data are. */
export const DEFAULT_FILE = 'limbeck.yaml';

/** Flag, what it takes, and the key that it sets. */
const FLAGS = [
  ['texts', 'file', 'data.texts'],
  ['images', 'path', 'data.images'],
  ['column', 'name', 'data.column'],
  ['label-column', 'name', 'data.labelColumn'],
  ['teacher-bert', 'directory', 'teacher.bert'],
  ['teacher-onnx', 'file', 'teacher.onnx'],
  ['teacher-transformers', 'id', 'teacher.transformers'],
  ['teacher-embeddings', 'file', 'teacher.embeddings'],
  ['student', 'kind', 'student.kind'],
  ['strategy', 'kind', 'strategy.kind'],
  ['epochs', 'n', 'training.epochs'],
  ['batch-size', 'n', 'training.batchSize'],
  ['learning-rate', 'x', 'training.optimizer.learningRate'],
  ['seed', 'n', 'training.seed'],
  ['cache', 'directory', 'cache.directory'],
  ['out', 'directory', 'output.directory'],
] as const;

export type ConfigFlag = (typeof FLAGS)[number][0];

/** Adds the flags, but those of `without`. */
export function addConfigFlags(command: Command, without: readonly ConfigFlag[] = []): Command {
  for (const [name, value, key] of FLAGS) {
    if (!without.includes(name)) command.option(`--${name} <${value}>`, descriptionOf(key.split('.')));
  }
  return command.option(
    '--set <key=value>',
    'set any key of docs/configuration.md, for instance training.warmup=0.1; can be repeated',
    collectSetting,
  );
}

export interface Setting {
  readonly path: readonly string[];
  readonly text: string;
}

/** The parser of a `--set` flag. */
export function collectSetting(text: string, sofar: readonly Setting[] = []): readonly Setting[] {
  const cut = text.indexOf('=');
  const key = text.slice(0, cut).trim();
  if (cut < 1 || !/^[^.\s]+(\.[^.\s]+)*$/.test(key)) {
    throw new InvalidArgumentError('Expected a key and a value: training.epochs=5.');
  }
  return [...sofar, { path: key.split('.'), text: text.slice(cut + 1) }];
}

export function settingOverrides(settings: readonly Setting[]): Override[] {
  return settings.map(({ path, text }) => ({ path, text, flag: `--set ${pathText(path)}` }));
}

/** Flags by commander's names. */
export type GivenFlags = Readonly<Record<string, unknown>>;

export interface Purpose {
  /** Whether the run is trained; else student, strategy and training may be anything. */
  readonly training: boolean;
  /** Put in place of the teacher that the file names. */
  readonly teacher?: string;
}

/**
 * The run that a file and flags say.
 *
 * @param command how the command is called, for messages
 * @throws LimbeckError INVALID_OPTION, FILE_UNREADABLE, NOT_TEXT
 */
export function configOf(
  file: string | undefined,
  flags: GivenFlags,
  command: string,
  { training, teacher }: Purpose = { training: true },
): Promise<RunConfig> {
  const overrides: Override[] = FLAGS.flatMap(([name, , key]) => {
    const value = flags[camelCase(name)];
    return typeof value === 'string'
      ? [{ path: key.split('.'), text: value, flag: `--${name}`, chooses: name.startsWith('teacher-') }]
      : [];
  });
  overrides.push(...settingOverrides((flags.set ?? []) as readonly Setting[]));
  if (teacher !== undefined) overrides.push({ path: ['teacher'], text: teacher, flag: '--student' });
  const namesData = overrides.some(
    ({ path: [section, key] }) => section === 'data' && (key === 'texts' || key === 'images'),
  );
  const implied = !namesData && existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined;
  if (file === undefined && implied === undefined && !namesData) {
    throw new LimbeckError(
      'INVALID_OPTION',
      `limbeck ${command}: expected a configuration file, a ${DEFAULT_FILE} in this directory, or data by --texts or --images, got none. ` +
        'limbeck init writes a file.',
    );
  }
  return readConfig({ file: file ?? implied, overrides, training });
}

function camelCase(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** What the schema says of a key; of the key that chooses among sections, which there are. */
function descriptionOf(path: readonly string[]): string {
  let node: SchemaNode = sectionOf(configSchema);
  let field: Field | undefined;
  let choice: ChoiceNode | undefined;
  for (const key of path) {
    choice = node.type === 'choice' ? node : undefined;
    const sections: readonly SectionNode[] =
      node.type === 'choice' ? [...node.options.values()] : node.type === 'section' ? [node] : [];
    field = sections.map(({ fields }) => fields.get(key)).find((found) => found !== undefined);
    if (!field) throw new Error(`${path.join('.')} is not in the schema`);
    node = field.node;
  }
  // The first key of a section that has one of its own: other sections may have a key of the name.
  if (choice?.discriminator === undefined) {
    const own = choice?.options.get(path[path.length - 1])?.fields.get(path[path.length - 1]);
    if (own) return own.description;
  }
  if (choice?.discriminator === path[path.length - 1]) return `one of ${[...choice.options.keys()].join(', ')}`;
  const { description, default: value } = field as Field;
  return value === undefined ? description : `${description} (default: ${JSON.stringify(value)})`;
}
