/** Values from the command line, put over those of the file: `training.epochs=5`. */
import { parse } from 'yaml';
import { checkSection, isObject } from './check-config.ts';
import { type ChoiceNode, type Field, optionOf, type SchemaNode, type SectionNode } from './schema-tree.ts';

export interface Override {
  readonly path: readonly string[];
  /** As it was typed; read as YAML, so that numbers, lists and `{ … }` can be given. */
  readonly text: string;
  /** The flag, for messages: "--epochs". */
  readonly flag: string;
  /** Whether the last key says which of several sections is meant, where another may have a key of that name. */
  readonly chooses?: boolean;
}

/**
 * @param value what the file says, with problems or without; left as it is
 * @returns a value of its own; what does not fit the schema is still in it, for the checker to find
 */
export function applyOverrides(root: SectionNode, value: unknown, overrides: readonly Override[]): unknown {
  // What chooses a section comes first: other keys are set in the section that was chosen.
  const choosing = overrides.filter(({ path }) => isChoosing(root, path));
  const others = overrides.filter(({ path }) => !isChoosing(root, path));
  return [...choosing, ...others].reduce(
    (sofar, { path, text, chooses = false }) => assign(root, sofar, path, { text, chooses }),
    value,
  );
}

function isChoosing(node: SchemaNode | undefined, [key, ...rest]: readonly string[]): boolean {
  if (node?.type === 'choice') return rest.length === 0 && (key === node.discriminator || node.options.has(key));
  return node?.type === 'section' && isChoosing(node.fields.get(key)?.node, rest);
}

type Given = Required<Pick<Override, 'text' | 'chooses'>>;

function assign(node: SchemaNode | undefined, current: unknown, path: readonly string[], given: Given): unknown {
  const [key, ...rest] = path;
  if (node?.type === 'choice') {
    const section = chosen(node, current, path, given);
    return assign(section, retained(node, section, current), path, given);
  }
  const field = node?.type === 'section' ? node.fields.get(key) : undefined;
  const before = isObject(current) ? current : {};
  const value = rest.length === 0 ? typed(field, given.text) : assign(field?.node, before[key], rest, given);
  return { ...before, [key]: value };
}

/** The section that a key is set in: the one that the key asks for, or the one that is there. */
function chosen(
  choice: ChoiceNode,
  current: unknown,
  [key, ...rest]: readonly string[],
  { text, chooses }: Given,
): SectionNode {
  const { discriminator, options, byDefault } = choice;
  const there = optionOf(choice, current) ?? byDefault;
  const knows = there !== undefined && options.get(there)?.fields.has(key) === true;
  const asked = discriminator === undefined ? (chooses || !knows ? key : there) : key === discriminator ? text : there;
  const name = rest.length === 0 && asked !== undefined && options.has(asked) ? asked : there;
  return (name !== undefined && options.get(name)) || ([...options.values()][0] as SectionNode);
}

/** When another section of a choice is asked for, of the old one only what the new one knows is kept. */
function retained(choice: ChoiceNode, section: SectionNode, current: unknown): unknown {
  if (!isObject(current)) return {};
  const { discriminator, options } = choice;
  const before = optionOf(choice, current);
  if (before === undefined || options.get(before) === section) return current;
  return Object.fromEntries(
    Object.entries(current).filter(([key]) => section.fields.has(key) && key !== (discriminator ?? before)),
  );
}

/** Text as the type that the schema asks for: "5" is a number for epochs and a name for a column. */
function typed(field: Field | undefined, text: string): unknown {
  let value: unknown = text;
  try {
    value = parse(text);
  } catch {
    return text;
  }
  if (!field) return value;
  const probe: SectionNode = { type: 'section', fields: new Map([['value', field]]) };
  const fits = (candidate: unknown) => checkSection(probe, { value: candidate }).length === 0;
  return !fits(value) && fits(text) ? text : value;
}
