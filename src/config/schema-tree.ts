/**
 * A zod schema as a plain tree: sections with fields, choices between sections, lists, values by names of the user's, values. What walks over the schema (the checker,
 * the reference page, flags, the commented file) walks over this, and knows nothing of zod's wrappers.
 */
import type * as z from 'zod';

export interface SectionNode {
  readonly type: 'section';
  readonly fields: ReadonlyMap<string, Field>;
}

/** One of several sections, told apart by the value of `discriminator`, or by which of `options`' names is there as a key. */
export interface ChoiceNode {
  readonly type: 'choice';
  readonly discriminator: string | undefined;
  /** By the value, or by the key. */
  readonly options: ReadonlyMap<string, SectionNode>;
  /** The option when the discriminator is left out. */
  readonly byDefault: string | undefined;
  /** Plain values that stand for a section: 'none'. */
  readonly words: readonly string[];
}

export interface ListNode {
  readonly type: 'list';
  readonly item: SchemaNode;
}

/** Keys are names that the user gives. */
export interface MapNode {
  readonly type: 'map';
  readonly key: z.ZodType;
  readonly item: SchemaNode;
}

export interface ValueNode {
  readonly type: 'value';
}

export type SchemaNode = SectionNode | ChoiceNode | ListNode | MapNode | ValueNode;

export interface Field {
  readonly node: SchemaNode;
  readonly schema: z.ZodType;
  /** Completes "expected …". */
  readonly description: string;
  /** May be left out. */
  readonly optional: boolean;
  /** What it is when it is left out; undefined without a value of its own. */
  readonly default: unknown;
}

/** What the tree needs of a zod type's definition. */
interface Definition {
  readonly type: string;
  readonly innerType?: z.ZodType;
  readonly defaultValue?: unknown;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly options?: readonly z.ZodType[];
  readonly element?: z.ZodType;
  readonly keyType?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly values?: readonly unknown[];
}

const definitionOf = (schema: z.ZodType): Definition => schema.def as unknown as Definition;

/** A field with the wrappers taken off its schema; the outermost description counts. */
export function fieldOf(schema: z.ZodType): Field {
  let description = schema.description;
  let optional = false;
  let byDefault: unknown;
  let inner = schema;
  for (;;) {
    const { type, innerType, defaultValue } = definitionOf(inner);
    if (innerType === undefined) break;
    optional ||= type === 'optional' || type === 'default' || type === 'prefault';
    if (type === 'default') byDefault = defaultValue;
    inner = innerType;
    description ??= inner.description;
  }
  return { node: nodeOf(inner), schema, description: description ?? '', optional, default: byDefault };
}

function nodeOf(schema: z.ZodType): SchemaNode {
  const { type, options, element, keyType, valueType } = definitionOf(schema);
  if (type === 'object') return sectionOf(schema);
  if (type === 'record' && keyType && valueType) return { type: 'map', key: keyType, item: fieldOf(valueType).node };
  // A list that stands for a map is made one before it is checked.
  const map = type === 'union' && options?.find((option) => definitionOf(option).type === 'record');
  if (map) return nodeOf(map);
  if (type === 'union' && options?.some((option) => definitionOf(option).type === 'object')) return choiceOf(options);
  if (type === 'array' && element) {
    const item = nodeOf(element);
    if (item.type !== 'value') return { type: 'list', item };
  }
  return { type: 'value' };
}

/** The top of a tree. */
export function sectionOf(schema: z.ZodType): SectionNode {
  const shape = definitionOf(schema).shape ?? {};
  return { type: 'section', fields: new Map(Object.entries(shape).map(([name, field]) => [name, fieldOf(field)])) };
}

const DISCRIMINATORS = ['kind', 'method'];

function choiceOf(options: readonly z.ZodType[]): ChoiceNode {
  const sections = options.filter((option) => definitionOf(option).type === 'object').map(sectionOf);
  const words = options.flatMap((option) => (definitionOf(option).values ?? []).map(String));
  const discriminator = DISCRIMINATORS.find((name) => sections.every(({ fields }) => fields.has(name)));
  if (discriminator === undefined) {
    // By convention the first key of each option is its own.
    const named = sections.map((section): [string, SectionNode] => [[...section.fields.keys()][0], section]);
    return { type: 'choice', discriminator, options: new Map(named), byDefault: undefined, words };
  }
  const nameOf = ({ fields }: SectionNode): string => literalOf(fields.get(discriminator) as Field);
  const byDefault = sections.find(({ fields }) => fields.get(discriminator)?.optional);
  return {
    type: 'choice',
    discriminator,
    options: new Map(sections.map((section) => [nameOf(section), section])),
    byDefault: byDefault && nameOf(byDefault),
    words,
  };
}

function literalOf({ schema }: Field): string {
  let inner = schema;
  for (let next = definitionOf(inner).innerType; next; next = definitionOf(inner).innerType) inner = next;
  return String(definitionOf(inner).values?.[0]);
}

/** Which option of a choice a value is; undefined when it does not say. */
export function optionOf({ discriminator, options, byDefault }: ChoiceNode, value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (discriminator === undefined) return [...options.keys()].find((key) => Object.hasOwn(value, key));
  const named = (value as Record<string, unknown>)[discriminator];
  if (named === undefined) return byDefault;
  return typeof named === 'string' && options.has(named) ? named : undefined;
}
