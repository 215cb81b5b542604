/** Students from files. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { storage } from '#storage';
import { LimbeckError, show } from '../errors.ts';
import { openOnnxFile } from '../runtime/onnx-file.ts';
import { LoadedStudent } from '../students/loaded-student.ts';
import { OnnxStudent, type OnnxStudentOptions } from '../students/onnx/onnx-student.ts';
import { MODEL_FILE } from '../students/student-files.ts';
import { decodeForStudent } from './student-images.ts';

/** What of a student directory is read. */
const READ_FILES = ['config.json', 'tokenizer.json', 'tokenizer_config.json', MODEL_FILE];

export const Student = {
  /**
   * A student from an ONNX file that another tool exported; numbers that it keeps in other files are read from its own folder alone.
   *
   * @throws LimbeckError FILE_UNREADABLE, FILE_CORRUPT, UNSUPPORTED naming every node that cannot be differentiated, INVALID_OPTION
   *
   * @example
   * const student = await Student.fromOnnx('encoder.onnx', {
   *   embeddings: 'last_hidden_state', pooling: 'mean', inputs: textInputs(tokenizer),
   * });
   */
  async fromOnnx<Sample, Encoded>(
    path: string,
    options: OnnxStudentOptions<Sample, Encoded>,
  ): Promise<OnnxStudent<Sample, Encoded>> {
    return OnnxStudent.read(await openOnnxFile(path), options);
  },

  /**
   * A student from the directory that `save()`, `limbeck distill` or `limbeck demo` wrote, ready to embed and to classify.
   *
   * @throws LimbeckError FILE_UNREADABLE listing the files that are missing; FILE_CORRUPT for files that are damaged or no student's
   *
   * @example
   * const student = await Student.load('student/');
   * const rows = await student.embed(['a large musical instrument']);
   * await student.release();
   */
  async load(directory: string): Promise<LoadedStudent> {
    if (typeof directory !== 'string' || directory === '') {
      throw new LimbeckError('INVALID_ARGUMENT', `load: expected the path of a directory, got ${show(directory)}.`);
    }
    if ((await storage.list(directory)) === undefined) {
      throw new LimbeckError(
        'FILE_UNREADABLE',
        `${directory}: expected a student directory with config.json and ${MODEL_FILE}, got no such directory. Check the path.`,
      );
    }
    const files = new Map<string, string | Uint8Array>();
    for (const name of READ_FILES) {
      const exists = await stat(join(directory, name)).then(
        (found) => found.isFile(),
        () => false,
      );
      if (!exists) continue;
      files.set(name, await storage[name === MODEL_FILE ? 'read' : 'readText'](directory, name, "a student's file"));
    }
    return LoadedStudent.fromFiles(files, directory, { decodeImage: decodeForStudent });
  },
};
