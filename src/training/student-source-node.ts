/** Students on Node: directories. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { storage } from '#storage';
import { LimbeckError } from '../errors.ts';
import { openOnnxFile } from '../runtime/onnx-file.ts';
import { MODEL_FILE } from '../students/student-files.ts';
import { decodeForStudent } from './student-images.ts';
import type { StudentSource } from './student-source.ts';

export const source: StudentSource = {
  what: 'the path of a directory',
  async open(directory, names) {
    if ((await storage.list(directory)) === undefined) {
      throw new LimbeckError(
        'FILE_UNREADABLE',
        `${directory}: expected a student directory with config.json and ${MODEL_FILE}, got no such directory. Check the path.`,
      );
    }
    const files = new Map<string, string | Uint8Array>();
    for (const name of names) {
      const exists = await stat(join(directory, name)).then(
        (found) => found.isFile(),
        () => false,
      );
      if (!exists) continue;
      files.set(name, await storage[name === MODEL_FILE ? 'read' : 'readText'](directory, name, "a student's file"));
    }
    return files;
  },
  openOnnx: openOnnxFile,
  decodeImage: decodeForStudent,
};
