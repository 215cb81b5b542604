// claims.yaml of an experiment: what is asked, and what was expected before anything was run. Written by hand; everything else that
// experiments/README.md says is taken from result files.
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import * as z from 'zod';
import { LimbeckError } from '../../dist/errors.js';
import { checkValue } from '../../dist/report/check-json.js';

const words = z.string().min(1);
const place = { comparison: words.optional(), student: words.optional(), metric: words.optional() };

const claimsSchema = z.strictObject({
  /** Sections stand in this order. */
  order: z.number(),
  title: words,
  question: words,
  /** Within this many minutes on two cores it is to be done, the teacher's own pass apart. */
  minutes: z.number().positive().optional(),
  /** Commands that make its data. */
  prepare: z.array(words).default([]),
  /** Its directories, where it has others than its own; `option` is the number that a curve is over: strategy.temperature. */
  comparisons: z.record(words, z.strictObject({ title: words, option: words.optional() })).default({}),
  claims: z
    .array(
      z.strictObject({
        text: words,
        metric: words,
        method: words,
        than: words,
        /** By default all that are trained by both methods. */
        students: z.array(words).min(1).optional(),
        comparisons: z.array(words).min(1).optional(),
        /** Whether the method is expected to be better than the other one, or worse. */
        direction: z.enum(['better', 'worse']),
        /** The claim is of gains: what the method is ahead by is expected to be more (or less) than what it is ahead by there. */
        gainThan: z.strictObject(place).optional(),
      }),
    )
    .default([]),
});

/** @throws LimbeckError FILE_CORRUPT naming file and field */
export async function readClaims(file) {
  const nextStep = 'scripts/experiments/claims-file.mjs says what may stand there.';
  let value;
  try {
    value = parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new LimbeckError('FILE_CORRUPT', `${file}: expected YAML, got ${cause.message} ${nextStep}`, { cause });
  }
  return checkValue(claimsSchema, value, file, nextStep);
}
