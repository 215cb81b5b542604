/**
 * What a student of texts is trained to do where a configuration says nothing of it: regression onto the teacher's rows, and a little contrast
 * with a bank of them. Chosen on validation texts (experiments/recipe/search): regression alone confuses neighbours, above all in narrow
 * students; contrast alone tells texts apart, and loses how alike they are.
 */
import { isObject } from './check-config.ts';
import type { ConfigInput } from './schema.ts';

/** How much a contrastive loss weighs beside 1 − cosine. */
const CONTRAST = 0.2;

export const TEXT_RECIPE = {
  kind: 'hybrid',
  parts: [
    { kind: 'feature', weight: 1 },
    { kind: 'contrastive', weight: CONTRAST, contrastiveWeight: 1, negativesSampleSize: 8192 },
  ],
} as const satisfies ConfigInput['strategy'];

/** Fills in the strategy of a static student that has a teacher; any key of a strategy says that another is meant. */
export function withTextRecipe(value: unknown): unknown {
  if (!isObject(value) || !isObject(value.data) || value.data.texts === undefined || value.strategy != null)
    return value;
  const { teacher, student = {} } = value;
  if (teacher === undefined || teacher === 'none' || !isObject(student)) return value;
  return student.kind === undefined || student.kind === 'static' ? { ...value, strategy: TEXT_RECIPE } : value;
}
