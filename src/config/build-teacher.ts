/** From the section `teacher` to something that can be asked for rows. */
import { access } from 'node:fs/promises';
import { TextTokenizer } from '../data/tokenizer.ts';
import { LimbeckError } from '../errors.ts';
import { readText } from '../runtime/read-files.ts';
import type { ImageSample } from '../students/images/pixels.ts';
import { imageInputs, textInputs } from '../students/onnx/onnx-inputs.ts';
import { BertTeacher } from '../teachers/bert-teacher.ts';
import { EmbeddingsTeacher } from '../teachers/embeddings-teacher.ts';
import { EnsembleTeacher } from '../teachers/ensemble-teacher.ts';
import { OnnxTeacher } from '../teachers/onnx-teacher.ts';
import type { Teacher } from '../teachers/teacher.ts';
import { TransformersTeacher } from '../teachers/transformers-teacher.ts';
import { bertFiles, modelName } from './bert-directory.ts';
