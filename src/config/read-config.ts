/** From a file and flags to a run: read, put together, checked, completed. */
import { LimbeckError } from '../errors.ts';
import { readText } from '../runtime/read-files.ts';
import { type ConfigPath, type ConfigProblem, checkSection, isObject, pathText } from './check-config.ts';
import { checkTogether, completeConfig, type RunConfig } from './complete-config.ts';
import { type ConfigText, parseConfigText } from './config-text.ts';
import { applyOverrides, type Override } from './overrides.ts';
import { configSchema } from './schema.ts';
import { type SchemaNode, type SectionNode, sectionOf } from './schema-tree.ts';

export interface ConfigSource {
  /** YAML or JSON; by default nothing but what the flags say. */
  readonly file?: string | undefined;
  readonly overrides?: readonly Override[];
  /** Whether the run is to be trained; else what only training needs is not held against the rest. Default true. */
  readonly training?: boolean | undefined;
}

const root = sectionOf(configSchema);

/**
 * @throws LimbeckError INVALID_OPTION naming everything that is wrong, each with file and line or with its flag; FILE_UNREADABLE, NOT_TEXT
 *
 * @example
 * const config = await readConfig({ file: 'limbeck.yaml', overrides: [{ path: ['training', 'epochs'], text: '5', flag: '--epochs' }] });
 */
export async function readConfig({ file, overrides = [], training = true }: ConfigSource): Promise<RunConfig> {
  const text = file === undefined ? undefined : await readText(file, 'the configuration of a run');
  return parseConfig(text === undefined ? undefined : parseConfigText(text, file ?? ''), { file, overrides, training });
}

/**
 * {@link readConfig} of a text that was read.
 *
 * @param source.file how it is called in messages
 */
export function parseConfig(
  text: ConfigText | undefined,
  { file = 'config', overrides = [], training = true }: ConfigSource = {},
): RunConfig {
  const value = withImageStudent(applyOverrides(root, text?.value ?? {}, overrides));
  const fail = (problems: readonly ConfigProblem[]): void => {
    if (problems.length === 0) return;
    // Flags first, then from the top of the file.
    const lineOf = ({ path }: ConfigProblem) => (overrideOf(path, overrides) ? 0 : (text?.line(path) ?? 0));
    const inOrder = [...problems].sort((a, b) => lineOf(a) - lineOf(b));
    const lines = inOrder.map(({ path, key, message }) => {
      const where = placeOf(path, { text, file, overrides });
      return `${where}${where === '' ? '' : ': '}${pathText(path)}${path.length > 0 ? ': ' : ''}${sentence(key ? elsewhere(path, message) : message)}`;
    });
    throw new LimbeckError('INVALID_OPTION', lines.join('\n'));
  };
  fail(checkSection(root, value));
  const parsed = configSchema.safeParse(value);
  if (!parsed.success) {
    fail(parsed.error.issues.map(({ path, message }) => ({ path: path as ConfigPath, key: false, message })));
    throw parsed.error;
  }
  fail(checkTogether(parsed.data, { training }));
  // Parsed once more for the order of the schema: a run reads the same wherever it was written.
  return configSchema.parse(completeConfig(parsed.data)) as RunConfig;
}

/** The student's default is one for texts; data of images say that another is meant. */
function withImageStudent(value: unknown): unknown {
  if (!isObject(value) || !isObject(value.data) || value.data.images === undefined) return value;
  const student = value.student ?? {};
  return isObject(student) && student.kind === undefined
    ? { ...value, student: { kind: 'resnet', ...student } }
    : value;
}

/** The flag that set a key, or something around or inside it. */
function overrideOf(path: ConfigPath, overrides: readonly Override[]): Override | undefined {
  return overrides.findLast(
    (override) =>
      override.path.every((key, i) => path[i] === key) ||
      (path.length > 0 && path.every((key, i) => override.path[i] === key)),
  );
}

function placeOf(
  path: ConfigPath,
  { text, file, overrides }: { text: ConfigText | undefined; file: string; overrides: readonly Override[] },
): string {
  const set = overrideOf(path, overrides);
  if (set) return set.flag;
  return text ? `${file}, line ${text.line(path)}` : '';
}

const sentence = (text: string): string => (/[.?]$/.test(text) ? text : `${text}.`);

/** An unknown key may be a known one of another section: epochs belongs into training. */
function elsewhere(path: ConfigPath, message: string): string {
  if (message.includes('Did you mean')) return message;
  const name = path[path.length - 1];
  const found = placesOf(root, String(name)).filter((place) => place !== pathText(path));
  return found.length === 0 ? message : `unknown key. Did you mean ${found.slice(0, 3).join(' or ')}?`;
}

function placesOf(section: SectionNode, name: string, prefix = ''): string[] {
  const places = [...section.fields].flatMap(([key, { node }]) => {
    const place = `${prefix}${key}`;
    return [
      ...(key === name ? [place] : []),
      ...sectionsOf(node).flatMap((inner) => placesOf(inner, name, `${place}.`)),
    ];
  });
  return [...new Set(places)];
}

function sectionsOf(node: SchemaNode): readonly SectionNode[] {
  if (node.type === 'section') return [node];
  return node.type === 'choice' ? [...node.options.values()] : [];
}
