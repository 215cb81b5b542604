/** A configuration file to begin with: what was said, and of the rest what people change most, each with what the schema says of it. */
import { stringify } from 'yaml';
import { isObject } from './check-config.ts';
import { IMAGE_KEYS, TEXT_KEYS } from './data-schema.ts';
import { type ConfigInput, configSchema } from './schema.ts';
import { type Field, optionOf, type SchemaNode, type SectionNode, sectionOf } from './schema-tree.ts';

/** Keys that are shown though nobody gave them, as comments. */
const SHOWN: ReadonlySet<string> = new Set([
  ...['data.column', 'data.labelColumn', 'data.limit', 'data.validation', 'data.size', 'data.augment'],
  ...['teacher.pooling', 'teacher.maxTokens', 'teacher.align', 'teacher.outputs'],
  ...[
    'student.kind',
    'student.width',
    'student.depth',
    'student.dimension',
    'student.tokenizer',
    'student.fromTeacher',
  ],
  ...['strategy.kind', 'strategy.temperature', 'strategy.mode', 'strategy.negativesSampleSize', 'strategy.bank'],
  ...[
    'training.epochs',
    'training.batchSize',
    'training.seed',
    'training.optimizer',
    'training.optimizer.learningRate',
  ],
  ...['training.schedule', 'training.earlyStopping', 'training.earlyStopping.metric', 'training.device'],
  ...['output', 'output.directory'],
]);

const WIDTH = 100;

/**
 * @param schemaPath where the JSON Schema is, seen from the file; undefined where editors would not find it
 * @returns YAML
 */
export function commentedConfig(values: ConfigInput, schemaPath: string | undefined): string {
  const root = sectionOf(configSchema);
  const hidden = new Set<string>(values.data.texts === undefined ? TEXT_KEYS : IMAGE_KEYS);
  const sections = [...root.fields].flatMap(([name, field]) => {
    const value = (values as Record<string, unknown>)[name];
    const lines = fieldLines(name, field, value, name, '', hidden);
    return lines.length === 0 ? [] : ['', ...lines];
  });
  return [
    ...(schemaPath === undefined ? [] : [`# yaml-language-server: $schema=${schemaPath}`]),
    '# A run of limbeck distill. Lines behind # are defaults, there to be changed.',
    ...comment('All keys: docs/configuration.md of the package; all values: limbeck distill --print-config', ''),
    ...sections,
    '',
  ].join('\n');
}

/** @param hidden keys that do not go with the data */
function fieldLines(
  name: string,
  field: Field,
  value: unknown,
  path: string,
  indent: string,
  hidden: ReadonlySet<string>,
): string[] {
  const section = chosenSection(field.node, value);
  if (section) {
    const given = isObject(value) ? value : {};
    const inner = [...section.fields].flatMap(([key, child]) =>
      fieldLines(key, child, given[key], `${path}.${key}`, `${indent}  `, hidden),
    );
    const active = inner.some((line) => !line.trimStart().startsWith('#'));
    if (inner.length === 0 || !(active || SHOWN.has(path) || indent === '')) return [];
    // A section without a value of its own is a comment as a whole, or its key would have nothing behind it.
    return active ? [`${indent}${name}:`, ...inner] : [`${indent}# ${name}:`, ...inner];
  }
  if (value !== undefined) {
    const text = stringify({ [name]: value }, { lineWidth: 0 }).trimEnd();
    return [...comment(field.description, indent), ...text.split('\n').map((line) => `${indent}${line}`)];
  }
  if (!SHOWN.has(path) || hidden.has(name)) return [];
  const example = field.default === undefined ? '' : ` ${stringify(field.default).trim()}`;
  return [...comment(field.description, indent), `${indent}# ${name}:${example}`];
}

/** The section whose keys are shown: that of the value, or the default. */
function chosenSection(node: SchemaNode, value: unknown): SectionNode | undefined {
  if (node.type === 'section') return node;
  if (node.type !== 'choice' || (value !== undefined && !isObject(value))) return undefined;
  const option = optionOf(node, value ?? {});
  return option === undefined ? undefined : node.options.get(option);
}

/** A description as comment lines of at most {@link WIDTH} characters. */
function comment(text: string, indent: string): string[] {
  const room = WIDTH - indent.length - 2;
  const lines = text.match(new RegExp(`\\S.{0,${room - 1}}(?= |$)|\\S+`, 'g')) ?? [];
  return lines.map((line) => `${indent}# ${line}`);
}
