/** What the lines of a run's `metrics.jsonl` hold: steps, with the parts of their loss, and validations. */
import * as z from 'zod';
import type { Metrics } from '../evaluation/metrics.ts';
import { checkValue, parseJson } from './check-json.ts';

/** One point of a training curve: a step, or the mean of the steps since the last line. */
export interface StepLine {
  /** The method of the result that it belongs to: 'student' in runs of `limbeck distill`. */
  method: string;
  seed: number;
  step: number;
  epoch: number;
  loss: number;
  /** The parts that the loss is the sum of, by name. */
  components: Record<string, number>;
  learningRate: number;
  gradientNorm?: number;
  /** Since the training of this method and seed began. */
  seconds: number;
}

/** What a validation after a step found. */
export interface ValidationLine {
  method: string;
  seed: number;
  step: number;
  epoch: number;
  validation: Metrics;
  seconds: number;
}

export type MetricsLine = StepLine | ValidationLine;

const common = {
  method: z.string().min(1),
  seed: z.int(),
  step: z.int().nonnegative(),
  epoch: z.number().nonnegative(),
  seconds: z.number().nonnegative(),
};
const stepLine: z.ZodType<StepLine> = z.object({
  ...common,
  loss: z.number(),
  components: z.record(z.string(), z.number()),
  learningRate: z.number(),
  gradientNorm: z.number().exactOptional(),
});
const validationLine: z.ZodType<ValidationLine> = z.object({
  ...common,
  validation: z.record(z.string(), z.number()),
});

export const isValidation = (line: MetricsLine): line is ValidationLine => 'validation' in line;
export const isStep = (line: MetricsLine): line is StepLine => !isValidation(line);

/**
 * Reads the text of a `metrics.jsonl`: one JSON object a line, blank lines ignored.
 *
 * @param source how the file is called in the message
 * @param options `unfinished`: the last line may be cut off, as a run leaves it that is writing or was killed; it is then left out
 * @throws LimbeckError FILE_CORRUPT naming the line and the field
 *
 * @example
 * parseMetricsLines(''); // []
 */
export function parseMetricsLines(
  text: string,
  source = 'metrics.jsonl',
  { unfinished = false }: { readonly unfinished?: boolean } = {},
): MetricsLine[] {
  const nextStep = 'Remove the damaged line, or run again.';
  const lines = text.split('\n').map((line, i) => ({ line: line.trim(), place: `${source}, line ${i + 1}` }));
  // What ends with a line end is whole, and what stands behind it is nothing.
  if (unfinished) lines.pop();
  return lines
    .filter(({ line }) => line !== '')
    .flatMap(({ line, place }): MetricsLine[] => {
      const value = parseJson(line, place, nextStep);
      const has = (name: string) => typeof value === 'object' && value !== null && name in value;
      const validation = has('validation') ? [checkValue(validationLine, value, place, nextStep)] : [];
      // A line may be both.
      const step = has('loss') || !has('validation') ? [checkValue(stepLine, value, place, nextStep)] : [];
      return [...step, ...validation];
    });
}
