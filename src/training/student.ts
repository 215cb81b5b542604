/** Students from files. */
import { openOnnxFile } from '../runtime/onnx-file.ts';
import { OnnxStudent, type OnnxStudentOptions } from '../students/onnx/onnx-student.ts';

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
};
