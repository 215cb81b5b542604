import { expect, it } from 'vitest';
import * as limbeck from '../src/index.ts';

it('exports exactly this', () => {
  expect(Object.keys(limbeck).sort()).toEqual(
    [
      ['BertTeacher', 'ContrastiveDistillationStrategy', 'ContrastiveMode', 'DistillationStrategy', 'ERROR_CODES'],
      ['EpochBatches', 'FeatureDistillationStrategy', 'IntermediateActivations', 'LimbeckError', 'Matrix', 'Random'],
      ['SUPERSENSES', 'StaticEmbeddingStudent', 'TeacherBank', 'TextEmbedder', 'TextTokenizer', 'compile'],
      ['contrastiveLoss', 'cosineLoss', 'cosineSchedule', 'distill', 'embedWithCache', 'floatTensor', 'graph'],
      ['int32Tensor', 'l2Normalize', 'majorityClass', 'matrixTensor', 'meanCosine', 'nearestNeighbourAccuracy'],
      ['nearestNeighbours', 'nearestRows', 'parseMetricsLines', 'parseRunRecord', 'parseWordNet', 'projectTogether'],
      ['renderReport', 'responseLoss', 'retrieval', 'rowDot', 'scalarTensor', 'splitWordNet', 'squaredErrorLoss'],
      ['textDataset', 'HybridDistillationStrategy', 'RelationalDistillationStrategy', 'ResponseDistillationStrategy'],
      ['SimilarityPreservingStrategy', 'relationalAngleLoss', 'relationalDistanceLoss', 'similarityPreservingLoss'],
      ['tripletLoss', 'KeyBank', 'KeyQueue', 'MomentumBanks', 'SupervisedStrategy', 'crossEntropy', 'scheduleFactor'],
      ['EmbeddingsTeacher', 'parseNpy', 'readRows', 'readTexts', 'splitByHash', 'subset', 'writeNpy'],
      ['ImageEmbedder', 'resnet', 'wideResnet', 'mobilenet', 'mlp', 'transformerEncoder', 'parseBertCheckpoint'],
      [
        'parseIdx',
        'parseRows',
        'parseIdxImages',
        'imageDataset',
        'accuracy',
        'OnnxStudent',
        'compressOnnx',
        'foldBatchNorm',
        'Student',
        'imageInputs',
        'textInputs',
        'LoadedStudent',
        'METRICS',
        'countByReason',
        'describeMetric',
        'CachedRows',
        'cacheTeacherRows',
        'listTeacherCaches',
        'EnsembleTeacher',
        'FunctionTeacher',
        'OnnxTeacher',
        'TransformersTeacher',
        'trainTokenizer',
      ],
      ['readImages', 'readImagesSchema', 'augmented', 'augmentationSchema', 'planBatches', 'unzipFiles', 'zipFiles'],
    ]
      .flat()
      .sort(),
  );
});
