/** The optimizers by name, and their options from whatever a caller gives. */
import type * as z from 'zod';
import { LimbeckError, show } from '../../errors.ts';
import { parseOptions } from '../../strategies/options.ts';
import { adamW, adamWOptionsSchema } from './adamw.ts';
import { lion, lionOptionsSchema } from './lion.ts';
import type { Optimizer } from './optimizer.ts';
import { sgd, sgdOptionsSchema } from './sgd.ts';

const SCHEMAS = { adamw: adamWOptionsSchema, sgd: sgdOptionsSchema, lion: lionOptionsSchema } as const;
type Method = keyof typeof SCHEMAS;

/** What a caller may give: any optimizer's options; without `method` AdamW's. */
export type OptimizerInput = z.input<(typeof SCHEMAS)[Method]>;
/** The same with every default filled in. */
export type OptimizerOptions = z.output<(typeof SCHEMAS)[Method]>;

/** @throws LimbeckError INVALID_OPTION */
export function parseOptimizer(options: OptimizerInput, owner: string): OptimizerOptions {
  const method = options?.method ?? 'adamw';
  if (!Object.hasOwn(SCHEMAS, method)) {
    const known = Object.keys(SCHEMAS).map((name) => `'${name}'`);
    throw new LimbeckError(
      'INVALID_OPTION',
      `${owner}: option method: expected ${known.slice(0, -1).join(', ')} or ${known.at(-1)}, got ${show(method)}.`,
    );
  }
  return parseOptions(SCHEMAS[method as Method], options, owner) as OptimizerOptions;
}

export function createOptimizer(options: OptimizerOptions): Optimizer {
  switch (options.method) {
    case 'adamw':
      return adamW(options);
    case 'sgd':
      return sgd(options);
    case 'lion':
      return lion(options);
  }
}
