/** The two kinds of samples, each with how its data, teachers and students are built. */
import type { ImageSample } from '../students/images/pixels.ts';
import { buildImageData, buildTextData, type ImageRunData, type ReadControl, type RunData } from './build-data.ts';
import { type AskedTeacher, type BuiltStudent, buildImageStudent, buildTextStudent } from './build-student.ts';
import { type BuiltTeacher, buildImageTeacher, buildTextTeacher } from './build-teacher.ts';
import type { BuiltTokenizer } from './build-tokenizer.ts';
import type { RunConfig } from './complete-config.ts';

export interface Domain<Sample, Data extends RunData<Sample> = RunData<Sample>> {
  /** One sample, for records; several, for people. */
  readonly kind: 'text' | 'image';
  readonly unit: 'texts' | 'images';
  data(config: RunConfig, control: ReadControl): Promise<Data>;
  /** Undefined with teacher: none. */
  teacher(config: RunConfig): Promise<BuiltTeacher<Sample> | undefined>;
  /** `tokenizers` are shared by students of the same data and teacher. */
  student(
    config: RunConfig,
    data: Data,
    teacher: AskedTeacher<Sample>,
    tokenizers?: Map<string, BuiltTokenizer>,
  ): Promise<BuiltStudent<Sample>>;
}

export const TEXTS: Domain<string> = {
  kind: 'text',
  unit: 'texts',
  data: buildTextData,
  teacher: buildTextTeacher,
  student: buildTextStudent,
};

export const IMAGES: Domain<ImageSample, ImageRunData> = {
  kind: 'image',
  unit: 'images',
  data: buildImageData,
  teacher: buildImageTeacher,
  student: buildImageStudent,
};

/** Where the data of a run are, for messages and records. */
export const dataPath = ({ data }: RunConfig): string => data.texts ?? data.images ?? '';
