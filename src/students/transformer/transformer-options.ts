/** The options of a transformer student, and the sizes that follow from them. */
import * as z from 'zod';
import { LimbeckError } from '../../errors.ts';
import { embeddingLayerName, parseOptions } from '../../strategies/options.ts';
import type { BertCheckpoint } from '../../teachers/bert-checkpoint.ts';

const count = () => z.int().min(1).max(1_000_000);
const size = (what: string) => count().optional().describe(`a whole number ≥ 1: ${what}`);

/** Layers of a trained encoder, to start from. */
export interface TeacherLayers {
  readonly checkpoint: BertCheckpoint;
  /** Which of its layers become the student's, in this order; counted from 0. */
  readonly layers: readonly number[];
  /** Its token for each of the student's, as `prune` gives them; by default the same ids. */
  readonly oldIds?: Int32Array | undefined;
}

/** Every option with its default and bounds; a description completes "expected …". */
export const transformerOptionsSchema = z.object({
  layers: size('the number of layers'),
  heads: size('the attention heads of a layer, a divisor of hidden'),
  hidden: size('the width of a token'),
  intermediate: size('the width inside the feed-forward networks; by default 4 · hidden'),
  fromTeacher: z
    .custom<TeacherLayers>((value) => isTeacherLayers(value))
    .optional()
    .describe('{ checkpoint, layers: [i, j, …], oldIds? } with numbers of layers that the checkpoint has'),
  dimension: size('the width of the embedding; by default hidden'),
  classes: size('the number of classes; by default no classifier'),
  layerName: embeddingLayerName(),
  seed: z.int().describe('a whole number: seeds the initial weights'),
});

export type TransformerOptions = z.input<typeof transformerOptionsSchema>;

export interface TransformerSizes {
  readonly layers: number;
  readonly heads: number;
  readonly hidden: number;
  readonly intermediate: number;
  readonly epsilon: number;
}

/** BERT's. */
const NORM_EPSILON = 1e-12;
const SIZES = ['layers', 'heads', 'hidden', 'intermediate'] as const;

function isTeacherLayers(value: unknown): boolean {
  const { checkpoint, layers, oldIds } = (value ?? {}) as Partial<TeacherLayers>;
  return (
    checkpoint?.config !== undefined &&
    typeof checkpoint.weights?.tensor === 'function' &&
    Array.isArray(layers) &&
    layers.length > 0 &&
    layers.every((layer) => Number.isInteger(layer) && layer >= 0 && layer < checkpoint.config.layers) &&
    (oldIds === undefined || oldIds instanceof Int32Array)
  );
}

/** @throws LimbeckError INVALID_OPTION */
export function parseTransformerOptions(options: unknown, owner: string) {
  const parsed = parseOptions(transformerOptionsSchema, options, owner);
  return { ...parsed, sizes: sizesOf(parsed, owner) };
}

export type ParsedTransformerOptions = ReturnType<typeof parseTransformerOptions>;

function sizesOf(options: z.output<typeof transformerOptionsSchema>, owner: string): TransformerSizes {
  const { fromTeacher, hidden, intermediate } = options;
  const given = SIZES.filter((name) => options[name] !== undefined);
  if (fromTeacher) {
    if (given.length > 0) {
      throw new LimbeckError(
        'INVALID_OPTION',
        `${owner}: option fromTeacher: expected no sizes beside it, since it brings them, got ${given.join(', ')}.`,
      );
    }
    const { heads, hiddenSize, intermediateSize, layerNormEpsilon } = fromTeacher.checkpoint.config;
    return {
      layers: fromTeacher.layers.length,
      heads,
      hidden: hiddenSize,
      intermediate: intermediateSize,
      epsilon: layerNormEpsilon,
    };
  }
  const missing = SIZES.slice(0, 3).filter((name) => options[name] === undefined);
  if (missing.length > 0) {
    throw new LimbeckError(
      'INVALID_OPTION',
      `${owner}: expected layers, heads and hidden, or fromTeacher, got no ${missing.join(', no ')}.`,
    );
  }
  const [layers, heads, width] = SIZES.slice(0, 3).map((name) => options[name] as number);
  if (width % heads !== 0) {
    throw new LimbeckError(
      'INVALID_OPTION',
      `${owner}: option heads: expected a divisor of hidden = ${hidden}, got ${heads}.`,
    );
  }
  return { layers, heads, hidden: width, intermediate: intermediate ?? 4 * width, epsilon: NORM_EPSILON };
}
