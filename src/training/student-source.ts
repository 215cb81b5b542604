/**
 * Where `Student` finds what it is given as a path: a directory of the disk on Node, a folder of a web server or of the page's private
 * files in a browser. package.json "imports" chooses, as for "#backend".
 */
import type { DecodeImage } from '../students/loaded-student.ts';
import type { OnnxSource } from '../students/onnx/onnx-student.ts';

/** Content of a student's files by relative path. */
export type FileContents = ReadonlyMap<string, string | Uint8Array>;

export interface StudentSource {
  /** What a string is, for messages: "the path of a directory". */
  readonly what: string;
  /**
   * The files of a student, as far as they are there.
   *
   * @throws LimbeckError FILE_UNREADABLE, FILE_CORRUPT, NOT_TEXT
   */
  open(path: string, names: readonly string[]): Promise<FileContents>;
  /** @throws LimbeckError FILE_UNREADABLE */
  openOnnx(path: string): Promise<OnnxSource>;
  /** Decodes image files as training does, where this platform can. */
  readonly decodeImage?: DecodeImage;
}
