/** From the section `strategy` to the strategy, with its bank. */
import type { Dataset } from '../data/dataset.ts';
import { everyNumber } from '../matrix/every-number.ts';
import { Random } from '../matrix/random.ts';
import type { RowSource } from '../matrix/row-source.ts';
import { MomentumBanks } from '../negatives/momentum-banks.ts';
import { TeacherBank } from '../negatives/teacher-bank.ts';
import { ContrastiveDistillationStrategy } from '../strategies/contrastive-distillation-strategy.ts';
import type { DistillationStrategy } from '../strategies/distillation-strategy.ts';
import { FeatureDistillationStrategy } from '../strategies/feature-distillation-strategy.ts';
import { HybridDistillationStrategy } from '../strategies/hybrid-distillation-strategy.ts';
import { RelationalDistillationStrategy } from '../strategies/relational-distillation-strategy.ts';
import { ResponseDistillationStrategy } from '../strategies/response-distillation-strategy.ts';
import { SimilarityPreservingStrategy } from '../strategies/similarity-preserving-strategy.ts';
import { SupervisedStrategy } from '../strategies/supervised-strategy.ts';
import { type RunConfig, strategiesOf, takesBank } from './complete-config.ts';
import type { SingleStrategyConfig } from './strategy-schema.ts';

/** Rows of a bank when the configuration does not say: as many as are cheap to hold and to draw from. */
const BANK_ROWS = 100_000;

export interface StrategyParts {
  readonly data: Pick<Dataset<unknown>, 'size' | 'labels'>;
  /** The teacher's rows of the training data; undefined where they are not kept, or there is no teacher. */
  readonly rows: RowSource | undefined;
  readonly useLabels: boolean;
}

/** @throws LimbeckError INVALID_OPTION; errors of the rows */
export function buildStrategy(config: RunConfig, parts: StrategyParts): DistillationStrategy {
  const { strategy, training } = config;
  if (strategy.kind !== 'hybrid') return buildOne(strategy, training.seed, parts);
  return new HybridDistillationStrategy(
    strategy.parts.map(({ weight, ...part }) => ({ weight, strategy: buildOne(part, training.seed, parts) })),
  );
}

function buildOne(config: SingleStrategyConfig, seed: number, parts: StrategyParts): DistillationStrategy {
  switch (config.kind) {
    case 'contrastive': {
      const { kind: _, bank, ...options } = config;
      const strategy = new ContrastiveDistillationStrategy({ ...options, seed });
      const wanted = bank ?? (takesBank(config) ? BANK_ROWS : false);
      if (wanted === 'momentum') strategy.bank = buildMomentumBanks(strategy.projectionDimension, seed, parts);
      else if (wanted !== false && parts.rows) strategy.bank = buildBank(parts.rows, wanted, seed, parts);
      return strategy;
    }
    case 'response': {
      const { kind: _, ...options } = config;
      return new ResponseDistillationStrategy(options);
    }
    case 'feature': {
      const { kind: _, ...options } = config;
      return new FeatureDistillationStrategy({ ...options, seed });
    }
    case 'relational': {
      const { kind: _, ...options } = config;
      return new RelationalDistillationStrategy(options);
    }
    case 'similarity':
      return new SimilarityPreservingStrategy();
    case 'supervised': {
      const { kind: _, ...options } = config;
      return new SupervisedStrategy(options);
    }
  }
}

function buildBank(
  rows: RowSource,
  wanted: number | true,
  seed: number,
  { data: { labels }, useLabels }: StrategyParts,
): TeacherBank {
  const every = wanted === true || wanted >= rows.rows;
  const samples = every
    ? everyNumber(rows.rows)
    : Random.forPurpose(seed, 'teacher bank').sample(rows.rows, wanted).sort();
  return new TeacherBank(rows.gather(samples), {
    ...(useLabels && labels && { labels: samples.map((i) => labels[i]) }),
    ...(!every && { sampleIds: samples }),
  });
}

function buildMomentumBanks(
  dimension: number,
  seed: number,
  { data: { size: samples, labels }, useLabels }: StrategyParts,
): MomentumBanks {
  return new MomentumBanks({ samples, dimension, seed, ...(useLabels && labels && { labels }) });
}

/** Whether any strategy has a use for logits of the student. */
export function readsOutputs(config: Pick<RunConfig, 'strategy'>): boolean {
  return strategiesOf(config).some(
    ({ strategy }) =>
      strategy.kind === 'response' ||
      strategy.kind === 'supervised' ||
      (strategy.kind === 'contrastive' && strategy.contrastiveWeight < 1),
  );
}

/** Whether any strategy compares rows of student and teacher number by number, so that they have to be of one width. */
export function comparesRows(config: Pick<RunConfig, 'strategy'>): boolean {
  return strategiesOf(config).some(
    ({ strategy }) =>
      (strategy.kind === 'contrastive' &&
        !(strategy.projection === 'both' || strategy.projection === 'student') &&
        !(strategy.projection === 'auto' && strategy.mode === 'crd')) ||
      (strategy.kind === 'feature' && strategy.projection === 'none'),
  );
}
