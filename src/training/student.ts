/** Students from files. */
import { source } from '#student-source';
import { type DecodeImage, LoadedStudent } from '../students/loaded-student.ts';
import { OnnxStudent, type OnnxStudentOptions } from '../students/onnx/onnx-student.ts';
import { readStudentInput, type StudentInput } from './student-input.ts';

export const Student = {
  /**
   * A student from an ONNX file that another tool exported; numbers that it keeps in other files are read from its own folder alone (in a
   * browser they are not read).
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
    return OnnxStudent.read(await source.openOnnx(path), options);
  },

  /**
   * A student from the directory that `save()`, `limbeck distill` or `limbeck demo` wrote, ready to embed and to classify.
   *
   * @param input on Node the path of the directory, in a browser its address, or that of a .zip file of it; files that a person chose or
   *   dropped, or the one .zip file; content by relative path, as `toFiles()` and `unzipFiles()` give it
   * @param options.decodeImage turns image files into pixels. Node has a decoder of its own; browsers need one for images that are not pixels
   * @throws LimbeckError FILE_UNREADABLE listing the files that are missing; FILE_CORRUPT for files that are damaged or no student's
   *
   * @example
   * const student = await Student.load('student/');
   * const rows = await student.embed(['a large musical instrument']);
   * await student.release();
   */
  async load(input: StudentInput, options: { readonly decodeImage?: DecodeImage } = {}): Promise<LoadedStudent> {
    const { files, name } = await readStudentInput(input);
    const decodeImage = options.decodeImage ?? source.decodeImage;
    return LoadedStudent.fromFiles(files, name, decodeImage && { decodeImage });
  },
};
