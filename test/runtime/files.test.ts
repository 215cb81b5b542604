import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  recoverDirectory,
  removeStaleTemporaries,
  replaceDirectory,
  writeDirectory,
  writeFileAtomic,
} from '../../src/runtime/files.ts';
import { readBytes, readText } from '../../src/runtime/read-files.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'limbeck-files-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** The number of a process that has ended. */
const deadPid = spawnSync(process.execPath, ['-e', '']).pid;

/** Makes a directory with one file whose content names the version. */
function version(path: string, content: string): void {
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'version'), content);
}
const versionOf = (path: string) => readFileSync(join(path, 'version'), 'utf8');

describe('writeFileAtomic', () => {
  it('makes the parent directory, writes text and bytes, replaces, and leaves nothing else behind', async () => {
    const path = join(root, 'a', 'b', 'file');
    await writeFileAtomic(path, 'Grüße');
    expect(readFileSync(path, 'utf8')).toBe('Grüße');
    await writeFileAtomic(path, new Uint8Array([1, 0, 255]));
    expect([...readFileSync(path)]).toEqual([1, 0, 255]);
    expect(readdirSync(join(root, 'a', 'b'))).toEqual(['file']);
  });

  it('removes the temporary file when the rename fails', async () => {
    mkdirSync(join(root, 'taken'));
    await expect(writeFileAtomic(join(root, 'taken'), 'x')).rejects.toMatchObject({ code: 'FILE_UNWRITABLE' });
    expect(readdirSync(root)).toEqual(['taken']);
  });

  it('lets many writers of one name race: the result is the content of one of them', async () => {
    const contents = Array.from({ length: 20 }, (_, i) => String(i).repeat(10_000));
    await Promise.all(contents.map((content) => writeFileAtomic(join(root, 'file'), content)));
    expect(contents).toContain(readFileSync(join(root, 'file'), 'utf8'));
    expect(readdirSync(root)).toEqual(['file']);
  });
});

describe('readBytes', () => {
  it('gives the bytes, in an array whose slice copies', async () => {
    writeFileSync(join(root, 'file'), 'abc');
    const bytes = await readBytes(join(root, 'file'), 'letters');
    expect([...bytes]).toEqual([97, 98, 99]);
    bytes.slice()[0] = 0;
    expect(bytes[0]).toBe(97);
  });

  it('says that the file, its directory, or both are missing, and what was wanted', async () => {
    const file = readBytes(join(root, 'absent'), 'the weights');
    await expect(file).rejects.toMatchObject({ name: 'LimbeckError', code: 'FILE_UNREADABLE' });
    await expect(file).rejects.toThrow(
      `${join(root, 'absent')}: expected to read the weights, got no such file. Check`,
    );
    await expect(readBytes(join(root, 'no', 'file'), 'x')).rejects.toThrow(`(nor its directory ${join(root, 'no')})`);
  });

  it('names a directory as such', async () => {
    await expect(readBytes(root, 'the weights')).rejects.toThrow('got a directory');
  });

  it.skipIf(process.getuid?.() === 0 || process.platform === 'win32')('names a lack of permission', async () => {
    writeFileSync(join(root, 'secret'), 'x');
    chmodSync(join(root, 'secret'), 0);
    await expect(readBytes(join(root, 'secret'), 'x')).rejects.toThrow('got permission denied');
  });
});

describe('readText', () => {
  const offsetOf = async (bytes: Uint8Array | number[]) => {
    writeFileSync(join(root, 'text'), Uint8Array.from(bytes));
    try {
      await readText(join(root, 'text'), 'notes');
      return undefined;
    } catch (error) {
      expect(error).toMatchObject({ code: 'NOT_TEXT' });
      return Number(/offset (\d+)/.exec((error as Error).message)![1]);
    }
  };

  it('decodes UTF-8 and drops a byte order mark', async () => {
    writeFileSync(join(root, 'text'), '\ufeffnaïve – 蒸留 🧪');
    expect(await readText(join(root, 'text'), 'notes')).toBe('naïve – 蒸留 🧪');
  });

  it('gives the offset of the first byte that is not text', async () => {
    expect(await offsetOf([97, 98, 0, 99])).toBe(2); // NUL
    expect(await offsetOf([97, 0xff, 0xfe])).toBe(1); // never in UTF-8
    expect(await offsetOf([0xc3, 0xa9, 0xc3, 0x28])).toBe(2); // continuation byte missing
    expect(await offsetOf([97, 0xe2, 0x82])).toBe(1); // cut short
    expect(await offsetOf([0xc0, 0xaf])).toBe(0); // overlong
    expect(await offsetOf([97, 0xed, 0xa0, 0x80])).toBe(1); // surrogate
    expect(await offsetOf([0xf4, 0x90, 0x80, 0x80])).toBe(0); // above U+10FFFF
    expect(await offsetOf([0xff, 0xfe, 97, 0])).toBe(0); // UTF-16
  });

  it('agrees with the strict decoder of the platform on random bytes', async () => {
    const isText = (bytes: Uint8Array) => {
      try {
        return !new TextDecoder('utf-8', { fatal: true }).decode(bytes).includes('\0');
      } catch {
        return false;
      }
    };
    const byte = fc.oneof(fc.constantFrom(0xe0, 0xed, 0xf0, 0xf4, 0xc2, 0x80, 0x8f, 0x9f, 0xa0, 0xbf, 97), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 6 }), fc.array(byte), async (head, tail) => {
        const bytes = Uint8Array.from([...tail, ...head]);
        const offset = await offsetOf(bytes);
        expect(offset === undefined).toBe(isText(bytes));
        if (offset === undefined) return;
        expect(isText(bytes.subarray(0, offset))).toBe(true);
        for (let end = offset + 1; end <= bytes.length; end++) expect(isText(bytes.subarray(0, end))).toBe(false);
      }),
      { numRuns: 300, seed: 1 },
    );
  });
});

describe('writeDirectory', () => {
  it('writes nested files, replaces the whole directory, and leaves nothing beside it', async () => {
    const target = join(root, 'deep', 'student');
    await writeDirectory(target, new Map([['old.txt', 'old']]));
    await writeDirectory(
      target,
      new Map<string, string | Uint8Array>([
        ['a.txt', 'A'],
        ['onnx/m', new Uint8Array([7])],
      ]),
    );
    expect(readdirSync(target, { recursive: true }).sort()).toEqual(['a.txt', 'onnx', join('onnx', 'm')]);
    expect(readFileSync(join(target, 'a.txt'), 'utf8')).toBe('A');
    expect([...readFileSync(join(target, 'onnx', 'm'))]).toEqual([7]);
    expect(readdirSync(join(root, 'deep'))).toEqual(['student']);
  });

  it('keeps the previous version, and cleans up, when a file cannot be written', async () => {
    const target = join(root, 'student');
    await writeDirectory(target, new Map([['version', '1']]));
    const clash = new Map([
      ['version', '2'],
      ['version/below', 'a file cannot be a directory'],
    ]);
    await expect(writeDirectory(target, clash)).rejects.toThrow();
    expect(versionOf(target)).toBe('1');
    expect(readdirSync(root)).toEqual(['student']);
  });

  it.each(['../out', '/etc/x', 'a//b', 'a/./b', '', 'a\\b'])('refuses the name %j', async (name) => {
    await expect(writeDirectory(join(root, 's'), new Map([[name, 'x']]))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    expect(readdirSync(root)).toEqual([]);
  });

  it('refuses to replace a file', async () => {
    writeFileSync(join(root, 'student'), 'mine');
    await expect(writeDirectory(join(root, 'student'), new Map([['a', 'b']]))).rejects.toThrow('got a file');
    expect(readFileSync(join(root, 'student'), 'utf8')).toBe('mine');
    expect(readdirSync(root)).toEqual(['student']);
  });
});

describe('replaceDirectory and recoverDirectory: the state after each step', () => {
  const place = (name: string) => join(root, name);
  const dead = (kind: string) => place(`student.${kind}-${deadPid}-0a1b2c3d`);

  it('takes the first rename back when the second one fails', async () => {
    version(place('student'), '1');
    await expect(replaceDirectory(place('absent'), place('student'))).rejects.toMatchObject({ code: 'ENOENT' });
    expect(versionOf(place('student'))).toBe('1');
    expect(readdirSync(root)).toEqual(['student']);
  });

  it('step 1: a partial beside the previous version is removed', async () => {
    version(place('student'), '1');
    version(dead('partial'), '2');
    expect(await recoverDirectory(place('student'))).toBe('untouched');
    expect(versionOf(place('student'))).toBe('1');
    expect(readdirSync(root)).toEqual(['student']);
  });

  it('step 2: with nothing in place, the previous version is put back', async () => {
    version(dead('old'), '1');
    version(dead('partial'), '2');
    expect(await recoverDirectory(place('student'))).toBe('undone');
    expect(versionOf(place('student'))).toBe('1');
    expect(readdirSync(root)).toEqual(['student']);
  });

  it('step 3: with the new version in place, the previous one is removed', async () => {
    version(dead('old'), '1');
    version(place('student'), '2');
    expect(await recoverDirectory(place('student'))).toBe('finished');
    expect(versionOf(place('student'))).toBe('2');
    expect(readdirSync(root)).toEqual(['student']);
  });

  it('a new write settles an interrupted one first', async () => {
    version(dead('old'), '1');
    await expect(
      writeDirectory(
        place('student'),
        new Map([
          ['a', 'x'],
          ['a/b', 'y'],
        ]),
      ),
    ).rejects.toThrow();
    expect(versionOf(place('student'))).toBe('1');
  });

  it('leaves the leftovers of living processes, and names that only look alike', async () => {
    const kept = [
      `student.partial-${process.ppid}-00`,
      `student.old-${process.ppid}-00`,
      `student.partial-${process.pid}-00`,
    ];
    const alike = ['student.old', 'student.old-backup', `other.old-${deadPid}-00`, `student.old-${deadPid}-00.txt`];
    for (const name of [...kept, ...alike]) version(place(name), 'x');
    expect(await recoverDirectory(place('student'))).toBe('untouched');
    expect(readdirSync(root).sort()).toEqual([...kept, ...alike].sort());
  });

  it('does nothing where there is nothing, not even a parent directory', async () => {
    expect(await recoverDirectory(join(root, 'no', 'student'))).toBe('untouched');
    expect(existsSync(join(root, 'no'))).toBe(false);
  });
});

describe('removeStaleTemporaries', () => {
  it('removes those of dead processes only', async () => {
    const stale = `rows.${deadPid}-0a1b2c3d.tmp`;
    const kept = [`rows.${process.pid}-0a1b2c3d.tmp`, `rows.${process.ppid}-0a1b2c3d.tmp`, 'rows', 'notes.tmp'];
    for (const name of [stale, ...kept]) writeFileSync(join(root, name), 'x');
    expect(await removeStaleTemporaries(root)).toEqual([stale]);
    expect(readdirSync(root).sort()).toEqual(kept.sort());
    expect(await removeStaleTemporaries(join(root, 'absent'))).toEqual([]);
  });
});
