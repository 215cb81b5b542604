/** Models with their numbers in other files: read from the model's own folder, and from nowhere else. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readOnnxFile } from '../../src/runtime/onnx-file.ts';
import { modelOf } from '../graph/onnx-models.ts';

let root: string;
let folder: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'limbeck-onnx-'));
  folder = join(root, 'model');
  mkdirSync(folder);
});
afterEach(() => rmSync(root, { recursive: true }));

function write(location: string, offset = 4): string {
  const entries = { location, offset: String(offset), length: '12' };
  const path = join(folder, 'model.onnx');
  const weights = {
    ...{ name: 'w', dims: [3], dataType: 1, dataLocation: 1 },
    externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
  };
  writeFileSync(
    path,
    modelOf({ nodes: [{ op: 'Add', inputs: ['x', 'w'] }], inputs: { x: [3] }, initializers: [weights] }),
  );
  return path;
}

const numbers = new Uint8Array(Float32Array.of(9, 1, 2, 3).buffer);
const refusal = (path: string) =>
  readOnnxFile(path).then(
    () => 'read',
    ({ code, message }) => [code, message] as [string, string],
  );

describe('readOnnxFile', () => {
  it('reads numbers from a file in a folder below, and from a link that stays inside', async () => {
    mkdirSync(join(folder, 'data'));
    writeFileSync(join(folder, 'data', 'w.bin'), numbers);
    symlinkSync(join(folder, 'data', 'w.bin'), join(folder, 'link.bin'));
    for (const location of ['data/w.bin', 'link.bin']) {
      const { parameters } = await readOnnxFile(write(location));
      expect(parameters.get('w')!.data).toEqual(Float32Array.of(1, 2, 3));
    }
  });

  it('not from outside: by name, by link, by a linked folder', async () => {
    writeFileSync(join(root, 'secret.bin'), numbers);
    mkdirSync(join(root, 'model-2'));
    writeFileSync(join(root, 'model-2', 'w.bin'), numbers);
    symlinkSync(join(root, 'secret.bin'), join(folder, 'link.bin'));
    symlinkSync(join(root, 'model-2'), join(folder, 'elsewhere'));
    for (const location of ['../secret.bin', join(root, 'secret.bin'), 'link.bin', 'elsewhere/w.bin']) {
      expect((await refusal(write(location)))[0], location).toBe('FILE_CORRUPT');
    }
  });

  it('a file that is too short, a folder, and none', async () => {
    writeFileSync(join(folder, 'w.bin'), numbers);
    expect(await refusal(write('w.bin', 8))).toEqual([
      'FILE_CORRUPT',
      expect.stringContaining('expected 12 bytes at 8 of "w.bin", got a file of 16'),
    ]);
    mkdirSync(join(folder, 'data'));
    expect((await refusal(write('data')))[0]).toBe('FILE_CORRUPT');
    expect(await refusal(write('nothing.bin'))).toEqual(['FILE_UNREADABLE', expect.stringContaining('"nothing.bin"')]);
    expect((await refusal(join(folder, 'no-model.onnx')))[0]).toBe('FILE_UNREADABLE');
  });
});
