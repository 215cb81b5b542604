/**
 * Holds a value against the schema, and says of everything that is wrong where it is, what was expected and what was given. Not what zod
 * would say: its messages do not know our descriptions, and of a choice they name every branch.
 */
import { show } from '../errors.ts';
import { closestName } from '../nearest-names.ts';
import {
  type ChoiceNode,
  type Field,
  type MapNode,
  optionOf,
  type SchemaNode,
  type SectionNode,
} from './schema-tree.ts';

export type ConfigPath = readonly (string | number)[];

export interface ConfigProblem {
  readonly path: ConfigPath;
  /** Whether the key itself is wrong, and not what stands behind it. */
  readonly key: boolean;
  /** Without the place: "expected …, got …". */
  readonly message: string;
}

/** "training.epochs", "strategy.parts[0].weight". */
export function pathText(path: ConfigPath): string {
  return path.map((key, i) => (typeof key === 'number' ? `[${key}]` : i === 0 ? key : `.${key}`)).join('');
}

/** @returns nothing when the value fits */
export function checkSection(section: SectionNode, value: unknown, path: ConfigPath = []): ConfigProblem[] {
  if (!isObject(value)) return [{ path, key: false, message: `expected keys with values, got ${shown(value)}` }];
  const known = [...section.fields.keys()];
  const unknown = Object.keys(value)
    .filter((key) => !section.fields.has(key))
    .map((key): ConfigProblem => ({ path: [...path, key], key: true, message: unknownKey(key, known) }));
  const wrong = [...section.fields].flatMap(([name, field]) => checkField(field, value[name], [...path, name]));
  return [...unknown, ...wrong];
}

function checkField(field: Field, value: unknown, path: ConfigPath): ConfigProblem[] {
  if (value === undefined) {
    return field.optional ? [] : [{ path, key: false, message: `expected ${expected(field)}, got nothing` }];
  }
  if (field.node.type !== 'value') {
    const inside = checkNode(field.node, value, path);
    if (inside.length > 0) return inside;
  }
  return field.schema.safeParse(value).success
    ? []
    : [{ path, key: false, message: `expected ${expected(field)}, got ${shown(value)}` }];
}

function checkNode(node: SchemaNode, value: unknown, path: ConfigPath): ConfigProblem[] {
  switch (node.type) {
    case 'section':
      return checkSection(node, value, path);
    case 'choice':
      return checkChoice(node, value, path);
    case 'list':
      // What is no list is said of the field, which has a description.
      return Array.isArray(value) ? value.flatMap((item, i) => checkNode(node.item, item, [...path, i])) : [];
    case 'map':
      return checkMap(node, value, path);
    case 'value':
      return [];
  }
}

function checkMap({ key, item }: MapNode, value: unknown, path: ConfigPath): ConfigProblem[] {
  // What holds no names is said of the field, which has a description.
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, entry]): ConfigProblem[] =>
    key.safeParse(name).success
      ? checkNode(item, entry, [...path, name])
      : [{ path: [...path, name], key: true, message: `expected ${key.description}, got ${show(name)}` }],
  );
}

function checkChoice(choice: ChoiceNode, value: unknown, path: ConfigPath): ConfigProblem[] {
  const { discriminator, options, words } = choice;
  if (typeof value === 'string' && words.includes(value)) return [];
  const names = [...options.keys()];
  if (!isObject(value)) {
    const all = discriminator ? `keys with values, among them ${discriminator}` : `one of the keys ${list(names)}`;
    const or = words.length > 0 ? `, or ${words.join(' or ')}` : '';
    return [{ path, key: false, message: `expected ${all}${or}, got ${shown(value)}` }];
  }
  const option = optionOf(choice, value);
  if (option !== undefined) {
    return checkSection(options.get(option) as SectionNode, value, path);
  }
  if (discriminator !== undefined) {
    const given = value[discriminator];
    const near = typeof given === 'string' ? closestName(given, names) : undefined;
    const advice = near ? `. Did you mean ${near}?` : '';
    const message =
      given === undefined
        ? `expected ${list(names)}, got nothing`
        : `expected ${list(names)}, got ${shown(given)}${advice}`;
    return [{ path: [...path, discriminator], key: false, message }];
  }
  const [first] = Object.keys(value);
  const near = first === undefined ? undefined : closestName(first, names);
  const got = first === undefined ? 'none' : Object.keys(value).join(', ');
  const message = `expected one of the keys ${list(names)}, got ${got}${near ? `. Did you mean ${near}?` : ''}`;
  return [{ path: first === undefined ? path : [...path, first], key: first !== undefined, message }];
}

function expected({ description, node }: Field): string {
  return description || (node.type === 'list' ? 'a list' : 'keys with values');
}

function unknownKey(key: string, known: readonly string[]): string {
  const near = closestName(key, known);
  return `unknown key${near ? `. Did you mean ${near}?` : `; known are ${known.join(', ')}`}`;
}

/** 'a', 'b' or 'c'. */
function list(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names[names.length - 1]}`;
}

function shown(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return isObject(value) ? `keys with values (${Object.keys(value).slice(0, 3).join(', ')})` : show(value);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
