/** Parameters that learn faster or slower than the others, such as a new head on a trained body. */
import { LimbeckError } from '../errors.ts';
import type { Parameter } from '../matrix/parameter.ts';

/**
 * Factors on the learning rate, by parameter; of several patterns that fit a name the longest counts.
 *
 * @throws LimbeckError INVALID_OPTION for a pattern that fits no parameter
 */
export function rateFactors(
  parameters: readonly Parameter[],
  factors: Readonly<Record<string, number>>,
): ReadonlyMap<Parameter, number> {
  const fits = (pattern: string, { name }: Parameter): boolean =>
    pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
  const patterns = Object.keys(factors).sort((a, b) => a.length - b.length);
  for (const pattern of patterns) {
    if (parameters.some((parameter) => fits(pattern, parameter))) continue;
    const known = parameters.map(({ name }) => `"${name}"`).join(', ');
    throw new LimbeckError(
      'INVALID_OPTION',
      `optimizer: option learningRateFactors: expected names of parameters, got "${pattern}". There are ${known}.`,
    );
  }
  return new Map(
    parameters.map((parameter) => {
      const pattern = patterns.findLast((candidate) => fits(candidate, parameter));
      return [parameter, pattern === undefined ? 1 : factors[pattern]];
    }),
  );
}
