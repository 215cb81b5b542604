/** The public names that are the same on every platform, in one explicit list: what `index.ts` and `browser.ts` share. */

export type { BatchPlan } from './data/batch-plan.ts';
export type { Dataset, InMemoryDataset, SkippedSample } from './data/dataset.ts';
export { EpochBatches } from './data/epoch-batches.ts';
export { type IdxArray, type IdxImages, parseIdx, parseIdxImages } from './data/idx.ts';
export { type ImageDataset, type ImageDatasetParts, imageDataset } from './data/image-dataset.ts';
export { type AugmentationOptions, augmentationSchema, augmented } from './data/images/augmented.ts';
export { type NpyData, parseNpy, writeNpy } from './data/npy.ts';
export { findOverlap, type Overlap, refuseOverlap } from './data/overlap.ts';
export { parseRows } from './data/parse-rows.ts';
export { type BatchPlanOptions, planBatches } from './data/plan-batches.ts';
export { type Split, type SplitOptions, splitByHash } from './data/split-by-hash.ts';
export { subset } from './data/subset.ts';
export { type TextDataset, type TextDatasetParts, textDataset } from './data/text-dataset.ts';
export { type PrunedTokenizer, TextTokenizer, type TextTokenizerOptions } from './data/tokenizer.ts';
export { type TrainTokenizerOptions, trainTokenizer } from './data/train-tokenizer.ts';
export { ERROR_CODES, LimbeckError, type LimbeckErrorCode } from './errors.ts';
export { accuracy } from './evaluation/accuracy.ts';
export { type BootstrapOptions, bootstrapMean, type Interval, pairedBootstrap } from './evaluation/bootstrap.ts';
export { expectedCalibrationError, negativeLogLikelihood } from './evaluation/calibration.ts';
export { averageRanks, pearson, spearman } from './evaluation/correlation.ts';
export { type FewShotResult, type FewShotTask, fewShot } from './evaluation/few-shot.ts';
export { linearCka } from './evaluation/linear-cka.ts';
export {
  crossValidatedProbe,
  type LinearProbeResult,
  type LinearProbeTask,
  linearProbe,
} from './evaluation/linear-probe.ts';
export {
  type LogisticModel,
  type LogisticOptions,
  LogisticRegression,
  predictClasses,
} from './evaluation/logistic-regression.ts';
export { majorityClass } from './evaluation/majority-class.ts';
export { meanCosine } from './evaluation/mean-cosine.ts';
export { describeMetric, METRICS, type MetricDescription, type Metrics } from './evaluation/metrics.ts';
export { nearestNeighbourAccuracy } from './evaluation/nearest-neighbour-accuracy.ts';
export { nearestNeighbours, nearestRows, otherNeighbours } from './evaluation/nearest-neighbours.ts';
export { neighbourOverlap } from './evaluation/neighbour-overlap.ts';
export { pairSimilarity } from './evaluation/pair-similarity.ts';
export {
  type RankedRetrievalResult,
  type RankedRetrievalTask,
  rankedRetrieval,
} from './evaluation/ranked-retrieval.ts';
export type { Relevance } from './evaluation/relevance.ts';
export { retrieval } from './evaluation/retrieval.ts';
export { similarityCorrelation } from './evaluation/similarity-correlation.ts';
export { alignment, classAlignment, uniformity } from './evaluation/uniformity.ts';
export { compressOnnx, type WeightPrecision } from './graph/compress-onnx.ts';
export { foldBatchNorm } from './graph/fold-batch-norm.ts';
/** The differentiating engine: symbolic tensors, operators, gradients, ONNX. */
export * as graph from './graph/index.ts';
export { type ContrastiveTerms, contrastiveLoss, type KeyBlock } from './losses/contrastive.ts';
export { cosineLoss, l2Normalize, rowDot } from './losses/cosine.ts';
export { crossEntropy } from './losses/cross-entropy.ts';
export { relationalAngleLoss, relationalDistanceLoss } from './losses/relational.ts';
export { type ResponseTerms, responseLoss } from './losses/response.ts';
export { similarityPreservingLoss } from './losses/similarity-preserving.ts';
export { squaredErrorLoss } from './losses/squared-error.ts';
export { type TripletMining, type TripletTerms, tripletLoss } from './losses/triplet.ts';
export { IntermediateActivations } from './matrix/intermediate-activations.ts';
export { type FloatArray, Matrix } from './matrix/matrix.ts';
export type { Parameter } from './matrix/parameter.ts';
export { Random } from './matrix/random.ts';
export type { RowSource } from './matrix/row-source.ts';
export { KeyBank } from './negatives/key-bank.ts';
export { KeyQueue, type KeyQueueOptions } from './negatives/key-queue.ts';
export { MomentumBanks, type MomentumBanksOptions } from './negatives/momentum-banks.ts';
export { TeacherBank, type TeacherBankOptions } from './negatives/teacher-bank.ts';
export { type MetricsLine, parseMetricsLines, type StepLine, type ValidationLine } from './report/metrics-lines.ts';
export { projectTogether } from './report/project-together.ts';
export { type ReportParts, renderReport } from './report/render-report.ts';
export {
  countByReason,
  type JsonValue,
  type MethodResult,
  parseRunRecord,
  type RunRecord,
  type RunStatus,
  type ValidationResult,
} from './report/run-record.ts';
export type { Device, SessionOptions, TensorData } from './runtime/backend.ts';
export { compile, type Feeds, type Program } from './runtime/program.ts';
export { floatTensor, int32Tensor, matrixTensor, scalarTensor } from './runtime/tensors.ts';
export { unzipFiles, zipFiles } from './runtime/zip.ts';
export type {
  BatchFacts,
  ConcreteBatch,
  Evaluation,
  LayerFacts,
  LayerWidths,
  LossAndGradient,
  LossComponents,
  Pair,
  Prepared,
  SymbolicBatch,
} from './strategies/batch.ts';
export {
  type ContrastiveContext,
  ContrastiveDistillationStrategy,
} from './strategies/contrastive-distillation-strategy.ts';
export { ContrastiveMode, type ContrastiveOptions } from './strategies/contrastive-options.ts';
export { DistillationStrategy, type LayerContext } from './strategies/distillation-strategy.ts';
export { FeatureDistillationStrategy, type FeatureOptions } from './strategies/feature-distillation-strategy.ts';
export { HybridDistillationStrategy, type HybridPart } from './strategies/hybrid-distillation-strategy.ts';
export type { Labels, MatrixLike } from './strategies/inputs.ts';
export {
  RelationalDistillationStrategy,
  type RelationalOptions,
} from './strategies/relational-distillation-strategy.ts';
export { ResponseDistillationStrategy, type ResponseOptions } from './strategies/response-distillation-strategy.ts';
export {
  type SimilarityPreservingOptions,
  SimilarityPreservingStrategy,
} from './strategies/similarity-preserving-strategy.ts';
export { type SupervisedOptions, SupervisedStrategy } from './strategies/supervised-strategy.ts';
export { ImageEmbedder, type ImageModelFormat } from './students/images/image-embedder.ts';
export type { ImageOptions } from './students/images/image-options.ts';
export type { ImageExportOptions, ImageFilesOptions, ImageStudent } from './students/images/image-student.ts';
export { type MlpOptions, mlp } from './students/images/mlp.ts';
export { type MobilenetOptions, mobilenet } from './students/images/mobilenet.ts';
export type { ImageFormat, ImageSample } from './students/images/pixels.ts';
export { type ResnetOptions, resnet } from './students/images/resnet.ts';
export { type WideResnetOptions, wideResnet } from './students/images/wide-resnet.ts';
export {
  type Classification,
  type DecodeImage,
  type EncodedImage,
  LoadedStudent,
  type StudentSample,
} from './students/loaded-student.ts';
export type { ModelCardFacts } from './students/model-card.ts';
export {
  type ChannelStatistics,
  imageInputs,
  type OnnxInputs,
  type OnnxInputsDescription,
  textInputs,
} from './students/onnx/onnx-inputs.ts';
export {
  type OnnxFilesOptions,
  type OnnxSource,
  OnnxStudent,
  type OnnxStudentOptions,
} from './students/onnx/onnx-student.ts';
export { type StaticEmbeddingOptions, StaticEmbeddingStudent } from './students/static-embedding-student.ts';
export type { ModelBuffer, StudentBatch, StudentInputs, StudentOutputs, TrainableStudent } from './students/student.ts';
export type { StudentFilesOptions } from './students/student-files.ts';
export type { ImageFit, ImagePreparation, StudentFormat } from './students/student-format.ts';
export { type TeacherTokens, teacherTokens } from './students/teacher-tokens.ts';
export { TextEmbedder } from './students/text-embedder.ts';
export { transformerEncoder } from './students/transformer/transformer-encoder.ts';
export type { TeacherLayers, TransformerOptions } from './students/transformer/transformer-options.ts';
export type { TransformerStudent } from './students/transformer/transformer-student.ts';
export type { BertCheckpoint } from './teachers/bert-checkpoint.ts';
export type { BertConfig } from './teachers/bert-config.ts';
export { EnsembleTeacher, type EnsembleTeacherOptions } from './teachers/ensemble-teacher.ts';
export {
  type FunctionCall,
  type FunctionRows,
  FunctionTeacher,
  type FunctionTeacherOptions,
} from './teachers/function-teacher.ts';
export { parseBertCheckpoint } from './teachers/parse-bert-checkpoint.ts';
export type { EmbedOptions, Teacher, TeacherPrediction } from './teachers/teacher.ts';
export type { TeacherCacheProgress } from './teachers/teacher-cache-progress.ts';
export { distill } from './training/distill.ts';
export type {
  CheckpointEvent,
  DistillEvent,
  DistillOptions,
  DistillResult,
  LearningRateEvent,
  ResumeEvent,
  StepEvent,
  TeacherEvent,
  Validation,
  ValidationEvent,
  ValidationPoint,
  WarningEvent,
} from './training/distill-options.ts';
export type { OptimizerInput, OptimizerOptions } from './training/optimizers/index.ts';
export { cosineSchedule, type ScheduleOptions, scheduleFactor } from './training/schedule.ts';
export { Student } from './training/student.ts';
export type { ChosenFile, StudentInput } from './training/student-input.ts';
export type { TeacherInput, TeacherRows } from './training/teacher-answers.ts';
