/**
 * The `limbeck` object in the config.json of a student directory: everything that loading needs and transformers.js does not know of.
 *
 * One contract for every student, whatever it was: the model takes token ids or pixels from 0 to 1 and gives `embeddings`, pooled and of
 * norm 1, and `logits` where it classifies. What an ONNX file of another tool wants beside that is part of the graph that was saved.
 */
import * as z from 'zod';
import { LimbeckError, show } from '../errors.ts';

/** How an image of another size becomes the student's: cut at the edges, padded, or stretched. */
export const IMAGE_FITS = ['cover', 'contain', 'fill'] as const;
export type ImageFit = (typeof IMAGE_FITS)[number];

/** Inputs that text models have, all of them int64 [batch, length]. */
export const TEXT_INPUTS = ['input_ids', 'attention_mask', 'token_type_ids'] as const;
export type TextInput = (typeof TEXT_INPUTS)[number];

/** How images that are not of the student's size and make become it, for whoever loads the student. */
export interface ImagePreparation {
  /** Default 'cover'. */
  readonly fit?: ImageFit | undefined;
  /** `#rrggbb`: what shows through transparent pixels, and in margins. Default '#ffffff'. */
  readonly background?: string | undefined;
}

const count = z.int().min(1);
const common = {
  format: z.literal(1),
  /** Width of the embedding. */
  dimension: count,
  /** For students that classify: the model then has `logits`. */
  classes: count.exactOptional(),
  classNames: z.array(z.string()).exactOptional(),
};
const inputs = z.array(z.string().min(1)).min(1);

const schema = z
  .discriminatedUnion('kind', [
    z.object({
      kind: z.literal('text'),
      ...common,
      /** Longest text in tokens, special ones included. */
      maxTokens: count,
      /** Those that the model has. */
      inputs: z.array(z.enum(TEXT_INPUTS)).min(1),
      /** How `last_hidden_state`, a vector a token, becomes the embedding before it is normalised; 'none' where the model has none. */
      pooling: z.enum(['none', 'mean', 'first']),
    }),
    z.object({
      kind: z.literal('image'),
      ...common,
      inputs: inputs.max(1),
      channels: count,
      height: count,
      width: count,
      fit: z.enum(IMAGE_FITS),
      /** What shows through transparent pixels and in margins. */
      background: z.string().regex(/^#[0-9a-f]{6}$/i),
    }),
  ])
  .refine(
    ({ classes, classNames }) => classNames === undefined || classNames.length === classes,
    'as many classNames as classes',
  );

/** What a student directory says of itself. */
export type StudentFormat = z.output<typeof schema>;

/** What static students of `limbeck demo` were saved with before there was a `limbeck` object. */
const demoConfig = z.object({ model_type: z.literal('limbeck-static-embedding'), hidden_size: count });
const demoTokenizerConfig = z.object({ model_max_length: count });

/**
 * Reads config.json.
 *
 * @param tokenizerConfig the text of tokenizer_config.json, where there is one
 * @param directory how the student is called in messages
 * @throws LimbeckError FILE_CORRUPT for what is no JSON, no student, or a student that a later version wrote
 */
export function parseStudentFormat(
  config: string,
  tokenizerConfig: string | undefined,
  directory: string,
): StudentFormat {
  const value = parseJson(config, `${directory}: config.json`) as { limbeck?: unknown; model_type?: unknown } | null;
  if (value?.limbeck === undefined) {
    const demo = demoConfig.safeParse(value);
    if (demo.success && tokenizerConfig !== undefined) {
      const tokenizer = demoTokenizerConfig.safeParse(
        parseJson(tokenizerConfig, `${directory}: tokenizer_config.json`),
      );
      if (tokenizer.success) {
        return {
          kind: 'text',
          format: 1,
          dimension: demo.data.hidden_size,
          maxTokens: tokenizer.data.model_max_length,
          inputs: ['input_ids', 'attention_mask'],
          pooling: 'mean',
        };
      }
    }
    throw new LimbeckError(
      'FILE_CORRUPT',
      `${directory}: config.json: expected the configuration of a Limbeck student, got one of ${show(value?.model_type ?? 'no model_type')}. ` +
        'Load directories that save() or limbeck distill wrote; for an ONNX file of another tool there is Student.fromOnnx.',
    );
  }
  const parsed = schema.safeParse(value.limbeck);
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues;
  throw new LimbeckError(
    'FILE_CORRUPT',
    `${directory}: config.json: ${['limbeck', ...path].join('.')}: expected a valid value, got another (${message}). ` +
      'The file is damaged or from a later version: save the student again, or update Limbeck.',
  );
}

function parseJson(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new LimbeckError('FILE_CORRUPT', `${place}: expected JSON, got ${show(text)}. Save the student again.`, {
      cause,
    });
  }
}
