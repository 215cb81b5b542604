/** Paths of a configuration, seen from the directory of its file instead of the working directory. */
import { resolve } from 'node:path';
import type { RunConfig } from './complete-config.ts';
import type { StudentConfig } from './student-schema.ts';
import type { SingleTeacherConfig, TeacherConfig } from './teacher-schema.ts';

/** The same run with every path absolute. */
export function withAbsolutePaths(config: RunConfig, directory: string): RunConfig {
  const absolute = (path: string): string => resolve(directory, path);
  const { data, teacher, cache, student } = config;
  const { texts, images, labels, validationFile, validationLabels } = data;
  return {
    ...config,
    data: {
      ...data,
      ...(texts !== undefined && { texts: absolute(texts) }),
      ...(images !== undefined && { images: absolute(images) }),
      ...(labels !== undefined && { labels: absolute(labels) }),
      ...(validationFile !== undefined && { validationFile: absolute(validationFile) }),
      ...(validationLabels !== undefined && { validationLabels: absolute(validationLabels) }),
    },
    teacher: ofTeacher(teacher, absolute),
    cache: { ...cache, directory: absolute(cache.directory) },
    student: ofStudent(student, absolute),
    output: { directory: absolute(config.output.directory) },
  };
}

type Absolute = (path: string) => string;

function ofTeacher(teacher: TeacherConfig, absolute: Absolute): TeacherConfig {
  if (teacher === 'none') return teacher;
  if (!('ensemble' in teacher)) return ofOne(teacher, absolute);
  return { ...teacher, ensemble: teacher.ensemble.map((one) => ofOne(one, absolute)) };
}

function ofOne(teacher: SingleTeacherConfig, absolute: Absolute): SingleTeacherConfig {
  if ('bert' in teacher) return { ...teacher, bert: absolute(teacher.bert) };
  if ('onnx' in teacher) {
    const { onnx, tokenizer } = teacher;
    return { ...teacher, onnx: absolute(onnx), ...(tokenizer !== undefined && { tokenizer: absolute(tokenizer) }) };
  }
  if ('transformers' in teacher) {
    // An id of the hub looks like a path too; one that begins with a dot is none.
    const { transformers } = teacher;
    return transformers.startsWith('.') ? { ...teacher, transformers: absolute(transformers) } : teacher;
  }
  return { ...teacher, embeddings: absolute(teacher.embeddings) };
}

function ofStudent(student: StudentConfig, absolute: Absolute): StudentConfig {
  const tokenizer = 'tokenizer' in student ? student.tokenizer : undefined;
  const isPath = tokenizer !== undefined && tokenizer !== 'teacher' && tokenizer !== 'train';
  return {
    ...student,
    ...(student.kind === 'onnx' && { file: absolute(student.file) }),
    ...(isPath && { tokenizer: absolute(tokenizer) }),
  } as StudentConfig;
}
