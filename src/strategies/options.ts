/**
 * Options of strategies: one zod schema is the table of names, defaults, bounds and descriptions; construction, assignment,
 * documentation and (later) the command line all read it.
 */
import * as z from 'zod';
import { LimbeckError, show } from '../errors.ts';
import { closestName } from '../nearest-names.ts';

export type OptionSchema = z.ZodObject<z.ZodRawShape>;

/** The option that names the layer whose activations are embeddings; the same for every strategy that reads one. */
export const embeddingLayerName = () =>
  z
    .string()
    .refine((name) => name.trim() !== '')
    .default('embeddings')
    .describe('a non-blank layer name');

/**
 * Checks given options against a schema and fills in the defaults.
 *
 * @param owner the class name for messages
 * @throws LimbeckError INVALID_OPTION: an unknown name (with the nearest known one), a wrong type, or out of range
 */
export function parseOptions<S extends OptionSchema>(schema: S, options: unknown, owner: string): z.output<S> {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new LimbeckError('INVALID_OPTION', `${owner}: expected an object of options, got ${show(options)}.`);
  }
  const known = Object.keys(schema.shape);
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw unknownOption(owner, name, known);
  }
  const parsed: Record<string, unknown> = {};
  for (const name of known) parsed[name] = parseOption(schema, name, (options as Record<string, unknown>)[name], owner);
  return parsed as z.output<S>;
}

/** Checks one value; undefined gives the default. */
function parseOption(schema: OptionSchema, name: string, value: unknown, owner: string): unknown {
  const field = schema.shape[name] as z.ZodType;
  const result = field.safeParse(value);
  if (result.success) return result.data;
  throw new LimbeckError(
    'INVALID_OPTION',
    `${owner}: option ${name}: expected ${field.description ?? 'another value'}, got ${show(value)}.`,
  );
}

/**
 * Gives a class one accessor per option of the schema; each assignment is checked like the constructor's argument.
 * The class keeps the parsed options in a field that `values` returns.
 */
export function defineOptionAccessors<T extends object>(
  prototype: T,
  schema: OptionSchema,
  owner: string,
  values: (instance: T) => Record<string, unknown>,
): void {
  for (const name of Object.keys(schema.shape)) {
    Object.defineProperty(prototype, name, {
      enumerable: true,
      get(this: T) {
        return values(this)[name];
      },
      set(this: T, value: unknown) {
        if (value === undefined) {
          throw new LimbeckError('INVALID_OPTION', `${owner}: option ${name}: expected a value, got undefined.`);
        }
        values(this)[name] = parseOption(schema, name, value, owner);
      },
    });
  }
}

function unknownOption(owner: string, name: string, known: readonly string[]): LimbeckError {
  const nearest = closestName(name, known);
  return new LimbeckError(
    'INVALID_OPTION',
    `${owner}: unknown option ${show(name)}. ${nearest ? `Did you mean ${nearest}?` : `Known options: ${known.join(', ')}.`}`,
  );
}
