/** ONNX models from a disk: the file, and the files in its own folder that hold its numbers. */
import { createHash } from 'node:crypto';
import { closeSync, createReadStream, fstatSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { LimbeckError } from '../errors.ts';
import {
  type OnnxModel,
  type OnnxSurvey,
  type ReadExternal,
  type ReadOnnxOptions,
  readOnnx,
  surveyOnnx,
} from '../graph/index.ts';
import { readBytes } from './read-files.ts';

type FileOptions = Omit<ReadOnnxOptions, 'external'>;

/**
 * Reads a model from a file; numbers that it keeps in other files are read from its own folder and nowhere else, links that
 * lead out of it included.
 *
 * @throws LimbeckError FILE_UNREADABLE for a file that is missing or cannot be read, and what {@link readOnnx} throws
 *
 * @example
 * const { inputs, outputs, parameters } = await readOnnxFile('models/student.onnx');
 */
export async function readOnnxFile(path: string, options: FileOptions = {}): Promise<OnnxModel> {
  return readOnnx(await readBytes(path, 'an ONNX model'), { name: path, ...options, external: besides(path) });
}

/**
 * Surveys a model in a file, with what it keeps in other files of its folder.
 *
 * @throws LimbeckError FILE_UNREADABLE, and what {@link surveyOnnx} throws
 *
 * @example
 * const { parameters } = await surveyOnnxFile('models/student.onnx');
 */
export async function surveyOnnxFile(path: string, options: FileOptions = {}): Promise<OnnxSurvey> {
  return surveyOnnx(await readBytes(path, 'an ONNX model'), { name: path, ...options, external: besides(path) });
}

/** A file as bytes, with how to read what it keeps beside itself: what `OnnxStudent.read` takes. */
export async function openOnnxFile(path: string): Promise<{ bytes: Uint8Array; name: string; external: ReadExternal }> {
  return { bytes: await readBytes(path, 'an ONNX model'), name: path, external: besides(path) };
}

/**
 * SHA-256 of files beside a model, one after another, read in pieces.
 *
 * @param locations as the model names them
 * @throws LimbeckError FILE_CORRUPT for a name that leads out of the model's folder, FILE_UNREADABLE
 *
 * @example
 * await digestBeside('models/large.onnx', ['large.onnx.data']);
 */
export async function digestBeside(path: string, locations: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const location of locations) {
    try {
      for await (const part of createReadStream(fileBeside(path, location))) hash.update(part as Uint8Array);
    } catch (error) {
      throw unreadable(path, location, error);
    }
  }
  return hash.digest('hex');
}

const besides =
  (path: string): ReadExternal =>
  (location, offset, length) =>
    readPart(path, location, offset, length);

function readPart(path: string, location: string, offset: number, length: number): Uint8Array {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(fileBeside(path, location), 'r');
    const { size } = fstatSync(descriptor);
    // Before the memory is taken: the model says what length, and is not to be believed.
    if (offset + length > size) {
      throw corrupt(path, `expected ${length} bytes at ${offset} of "${location}", got a file of ${size}`);
    }
    const bytes = new Uint8Array(length);
    for (let read = 0; read < length; ) {
      const count = readSync(descriptor, bytes, read, length - read, offset + read);
      if (count === 0) throw corrupt(path, `expected ${length} bytes at ${offset} of "${location}", got ${read}`);
      read += count;
    }
    return bytes;
  } catch (error) {
    throw unreadable(path, location, error);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** The path of a file in the model's folder, links followed. */
function fileBeside(path: string, location: string): string {
  const folder = realpathSync(dirname(path));
  const file = realpathSync(join(folder, location));
  if (!file.startsWith(folder.endsWith(sep) ? folder : folder + sep)) {
    throw corrupt(path, `expected "${location}" inside the model's folder, got a link that leads out of it`);
  }
  // Before it is opened: opening a pipe would wait for its other end.
  if (!statSync(file).isFile()) throw corrupt(path, `expected "${location}" to be a file`);
  return file;
}

function unreadable(path: string, location: string, error: unknown): LimbeckError {
  if (error instanceof LimbeckError) return error;
  return new LimbeckError(
    'FILE_UNREADABLE',
    `${path}: expected to read "${location}" beside it, got ${(error as Error).message}. Keep the model's files together.`,
    { cause: error },
  );
}

function corrupt(path: string, message: string): LimbeckError {
  return new LimbeckError('FILE_CORRUPT', `${path}: ${message}. Export or fetch it again.`);
}
