/**
 * The methods that a comparison knows by name: what each is in terms of the section `strategy`. Their options are those of the strategy,
 * with its defaults; what is written here is what makes the method the one of that name.
 */
import type { ConfigInput } from './schema.ts';

type StrategyInput = NonNullable<ConfigInput['strategy']>;

export interface BuiltInMethod {
  /** For tables and the reference page. */
  readonly description: string;
  /** Undefined for a student that is not trained. */
  readonly strategy: StrategyInput | undefined;
}

/** Teacher rows in a bank: all of them up to this many, so that a comparison on a large corpus still fits into memory. */
const BANK_ROWS = 100_000;

const contrastive = (options: object): StrategyInput =>
  ({ kind: 'contrastive', contrastiveWeight: 1, ...options }) as StrategyInput;

export const METHODS = {
  untrained: { description: 'the student at its initial weights', strategy: undefined },
  scratch: { description: 'labels alone, without the teacher', strategy: { kind: 'supervised' } },
  cosine: {
    description: "regression onto the teacher's rows: 1 − cosine",
    strategy: { kind: 'feature', distance: 'cosine' },
  },
  mse: {
    description: "regression onto the teacher's rows: squared error",
    strategy: { kind: 'feature', distance: 'squared' },
  },
  hinton: {
    description: "the teacher's soft targets, with labels where there are any",
    strategy: { kind: 'response' },
  },
  'similarity-preserving': {
    description: 'the similarities inside a batch (Tung & Mori 2019)',
    strategy: { kind: 'similarity' },
  },
  relational: {
    description: 'distances and angles inside a batch (Park et al. 2019)',
    strategy: { kind: 'relational' },
  },
  ntxent: {
    description: 'NT-Xent with negatives from the batch',
    strategy: contrastive({ mode: 'ntxent', bank: false }),
  },
  'ntxent-bank': {
    description: `NT-Xent with negatives from a bank of the teacher's training rows too`,
    strategy: contrastive({ mode: 'ntxent', bank: BANK_ROWS }),
  },
  'ntxent-soft': {
    description: "ntxent-bank with the teacher's own similarities as targets",
    strategy: contrastive({ mode: 'ntxent', bank: BANK_ROWS, targets: 'teacher', positives: 'instance' }),
  },
  infonce: {
    description: 'InfoNCE with negatives from the batch',
    strategy: contrastive({ mode: 'infonce', bank: false }),
  },
  triplet: {
    description: 'triplets, the hardest of the batch',
    strategy: contrastive({ mode: 'triplet', bank: false }),
  },
  crd: {
    description: 'CRD as in the paper: heads on both networks, momentum banks, τ 0.07 (Tian et al. 2020)',
    strategy: contrastive({ mode: 'crd', bank: 'momentum', temperature: 0.07, positives: 'instance' }),
  },
} as const satisfies Readonly<Record<string, BuiltInMethod>>;

export type MethodName = keyof typeof METHODS;

export const METHOD_NAMES = Object.keys(METHODS) as readonly MethodName[];

/** A built-in method; undefined for a name of the user's own. */
export function builtInMethod(name: string): BuiltInMethod | undefined {
  return Object.hasOwn(METHODS, name) ? METHODS[name as MethodName] : undefined;
}
