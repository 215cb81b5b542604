/**
 * The public API of Limbeck: the names that are there everywhere, and those that need a disk or native code. A test holds the whole list, so that
 * nothing appears or vanishes by accident.
 */

export type { ImageArrayFiles } from './data/images/image-arrays.ts';
export { readImages } from './data/images/read-images.ts';
export { type ReadImagesOptions, readImagesSchema } from './data/images/read-images-options.ts';
export { readPairs, type TextPairs } from './data/read-pairs.ts';
export { type RowsOfFile, readRows } from './data/read-rows.ts';
export { readTexts } from './data/read-texts.ts';
export type { ReadTextsInput, TextFormat } from './data/read-texts-options.ts';
export { parseWordNet, SUPERSENSES, splitWordNet, type WordNetSkipped, type WordNetSynset } from './data/wordnet.ts';
export * from './everywhere.ts';
export { BertTeacher, type BertTeacherFiles, type BertTeacherOptions } from './teachers/bert-teacher.ts';
export { CachedRows } from './teachers/cached-rows.ts';
export { EmbeddingsTeacher, type EmbeddingsTeacherOptions } from './teachers/embeddings-teacher.ts';
export { OnnxTeacher, type OnnxTeacherOptions } from './teachers/onnx-teacher.ts';
export {
  type CachedTeacherRows,
  type CacheTeacherRowsOptions,
  cacheTeacherRows,
  embedWithCache,
  type TeacherCacheOptions,
  type TeacherCacheResult,
} from './teachers/teacher-cache.ts';
export {
  listTeacherCaches,
  type TeacherCacheEntry,
  type TeacherCacheManifest,
} from './teachers/teacher-cache-manifest.ts';
export { TransformersTeacher, type TransformersTeacherOptions } from './teachers/transformers-teacher.ts';
