/** Directories as one .zip: there and back, read by another program, and what is refused before it is unpacked. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { unzipFiles, zipFiles } from '../../src/runtime/zip.ts';
import { Student } from '../../src/training/student.ts';
import { tinyStudent } from '../training/tiny-problem.ts';

const refused = (bytes: Uint8Array, message: RegExp) =>
  expect(() => unzipFiles(bytes, 'student.zip')).toThrow(
    expect.objectContaining({ code: 'FILE_CORRUPT', message: expect.stringMatching(message) }),
  );

describe('there and back', () => {
  const files = new Map<string, string | Uint8Array>([
    ['onnx/model.onnx', Uint8Array.from({ length: 3000 }, (_, i) => i % 251)],
    ['config.json', '{"ä": 1}'],
    ['empty', ''],
  ]);

  it('the same files, and the same bytes every time', () => {
    const bytes = zipFiles(files);
    const found = unzipFiles(bytes, 'x');
    expect([...found.keys()]).toEqual([...files.keys()]);
    expect(found.get('onnx/model.onnx')).toEqual(files.get('onnx/model.onnx'));
    expect(new TextDecoder().decode(found.get('config.json'))).toBe('{"ä": 1}');
    expect(found.get('empty')).toHaveLength(0);
    expect(zipFiles(files)).toEqual(bytes);
    expect(zipFiles(new Map())).toHaveLength(22);
    expect(unzipFiles(zipFiles(new Map()), 'x').size).toBe(0);
  });

  it("Python's zipfile reads it (skipped without Python)", ({ skip }) => {
    const folder = mkdtempSync(join(tmpdir(), 'limbeck-zip-'));
    try {
      writeFileSync(join(folder, 'a.zip'), zipFiles(files));
      const code =
        "import zipfile; z = zipfile.ZipFile('a.zip'); assert z.testzip() is None; open('m', 'wb').write(z.read('onnx/model.onnx'))";
      const { error, status, stderr } = spawnSync('python3', ['-c', code], { cwd: folder, encoding: 'utf8' });
      if (error) return skip('no python3 here');
      expect([status, stderr]).toEqual([0, '']);
      expect(new Uint8Array(readFileSync(join(folder, 'm')))).toEqual(files.get('onnx/model.onnx'));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('packed entries are read too, and folders left out', () => {
    const packed = zipSync(
      { 'a/': new Uint8Array(), 'a/b.txt': new TextEncoder().encode('b'.repeat(1000)) },
      { level: 9 },
    );
    expect([...unzipFiles(packed, 'x')].map(([name, { length }]) => [name, length])).toEqual([['a/b.txt', 1000]]);
  });
});

describe('refused', () => {
  it('what is no archive, or cut off', () => {
    refused(new Uint8Array(), /expected a \.zip archive/);
    refused(new TextEncoder().encode('no zip'), /expected a \.zip archive/);
    const whole = zipFiles(new Map([['a', 'b'.repeat(100)]]));
    for (const length of [10, 60, whole.length - 1]) refused(whole.slice(0, length), /expected a \.zip archive/);
  });

  it('paths that lead out', () => {
    for (const name of ['../a', '/a', 'a//b', 'a\\b', './a']) {
      refused(zipSync({ [name]: Uint8Array.of(1) }), /relative paths with forward slashes/);
    }
  });

  it('an archive that would unpack to far more than it is', () => {
    const zeros = new Uint8Array(40 * 2 ** 20);
    refused(zipSync({ a: zeros, b: zeros }, { level: 9 }), /unpacks to more than/);
  });
});

it('a student loads from a map, from files and from their .zip as from its directory', async () => {
  const student = tinyStudent(['a dog barks', 'a cat'], { width: 4, dimension: 6, seed: 1 });
  const folder = mkdtempSync(join(tmpdir(), 'limbeck-zip-'));
  try {
    await student.save(join(folder, 'student'));
    const files = student.toFiles();
    const zip = zipFiles(files);
    const chosen = [...files].map(([path, content]) => {
      const file = new File([content as string], path.split('/').at(-1) as string);
      return Object.defineProperty(file, 'webkitRelativePath', { value: `my student/${path}` });
    });
    const dropped = [...files].map(
      ([path, content]) => new File([content as string], path.split('/').at(-1) as string),
    );
    const inputs = [join(folder, 'student'), files, unzipFiles(zip, 'x'), [new File([zip], 's.zip')], chosen, dropped];
    const rows = [];
    for (const input of inputs) {
      const loaded = await Student.load(input);
      rows.push((await loaded.embed(['a dog'])).data);
      await loaded.release();
    }
    for (const found of rows) expect(found).toEqual(rows[0]);
    await expect(Student.load([])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(Student.load(dropped.slice(0, 1))).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    await expect(Student.load(new Map([['config.json', Uint8Array.of(0xff)]]))).rejects.toMatchObject({
      code: 'NOT_TEXT',
    });
    await expect(Student.load(undefined as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
