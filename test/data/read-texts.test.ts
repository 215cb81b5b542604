import { readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTexts } from '../../src/data/read-texts.ts';
import { textDataset } from '../../src/data/text-dataset.ts';
import { fixture, temporaryFiles } from './temporary-files.ts';

const file = temporaryFiles();
const failure = (code: string, message: string | RegExp) =>
  expect.objectContaining({
    name: 'LimbeckError',
    code,
    message: message instanceof RegExp ? expect.stringMatching(message) : expect.stringContaining(message),
  });
const memory = (path: string, options = {}) => readTexts(path, { ...options, stream: false });

describe('readTexts, formats', () => {
  it('reads lines, with either line break, a byte order mark and no last line break', async () => {
    const data = await memory(file('a.txt', '\ufeffone\r\ntwo\n\n \nthree 🧪'));
    expect(data.texts).toEqual(['one', 'two', 'three 🧪']);
    expect(data.positions).toEqual(Int32Array.of(0, 1, 4));
    expect(data.sourceSize).toBe(5);
    expect(data.lengths).toEqual(Int32Array.of(3, 3, 8));
    expect(data.skipped).toEqual([
      { where: 'a.txt, line 3', reason: 'empty text' },
      { where: 'a.txt, line 4', reason: 'blank text' },
    ]);
  });

  it('reads JSON lines with labels and ids; a blank line is no row', async () => {
    const path = file(
      'a.jsonl',
      '{"text":"one","y":"b","k":7}\n\n{"text":null,"y":"a","k":8}\n{"text":"\\ud83e","y":"a","k":8}\n{"y":"a","k":8}\n{"text":"two","y":"a","k":"x"}\n',
    );
    const data = await memory(path, { labelColumn: 'y', idColumn: 'k' });
    expect(data.texts).toEqual(['one', 'two']);
    expect(data.classNames).toEqual(['a', 'b']);
    expect(data.labels).toEqual(Int32Array.of(1, 0));
    expect(data.ids).toEqual(['7', 'x']);
    expect(data.positions).toEqual(Int32Array.of(0, 4));
    expect(data.sourceSize).toBe(5);
    expect(data.skipped?.map(({ where, reason }) => `${where}: ${reason}`)).toEqual([
      'a.jsonl, line 2: blank line',
      'a.jsonl, line 3: no text',
      'a.jsonl, line 4: half of a surrogate pair: cut in the middle of a character',
      'a.jsonl, line 5: no text',
    ]);
  });

  it('reads .csv and .tsv with quotes, line breaks in fields and blank lines', async () => {
    const csv = file('a.csv', '\ufeffid,text\r\n1,"a ""b"", c\nd"\r\n\r\n2,\r\n3,e\r\n');
    const data = await memory(csv, { idColumn: 'id' });
    expect(data.texts).toEqual(['a "b", c\nd', 'e']);
    expect(data.positions).toEqual(Int32Array.of(0, 2));
    expect(data.skipped?.map(({ where, reason }) => `${where}: ${reason}`)).toEqual([
      'a.csv, row 4: blank line',
      'a.csv, row 2: empty text',
    ]);
    expect((await memory(file('a.tsv', 'text\ty\n5" disk, big\t1\n'), { labelColumn: 'y' })).texts).toEqual([
      '5" disk, big',
    ]);
  });

  it.each(['snappy', 'gzip', 'zstd', 'none', 'plain-v2'])('reads Parquet of pyarrow: %s', async (name) => {
    const expected = JSON.parse(readFileSync(fixture('expected.json'), 'utf8'));
    const data = await memory(fixture(`${name}.parquet`), { labelColumn: 'label', idColumn: 'id' });
    const kept = expected.texts.map((_: unknown, i: number) => i).filter((i: number) => expected.texts[i]);
    expect(data.texts).toEqual(kept.map((i: number) => expected.texts[i]));
    expect([...data.labels!]).toEqual(kept.map((i: number) => expected.labels[i]));
    expect(data.ids).toEqual(kept.map((i: number) => expected.ids[i]));
    expect([...data.positions!]).toEqual(kept);
    expect(data.sourceSize).toBe(24);
    expect(data.skipped?.slice(0, 2)).toEqual([
      { where: `${name}.parquet, row 3`, reason: 'no text' },
      { where: `${name}.parquet, row 4`, reason: 'empty text' },
    ]);
    expect((await memory(fixture(`${name}.parquet`), { labelColumn: 'name' })).classNames).toEqual([
      'one',
      'three',
      'two',
    ]);
  });

  it('gives the same data packed and plain, in every format, in memory and on disk', async () => {
    const texts = ['one', 'zwei, „drei“', 'one', '四'];
    const csv = `text,y\n${texts.map((text) => `"${text}",0`).join('\n')}`;
    const jsonl = texts.map((text) => JSON.stringify({ text, y: 0 })).join('\n');
    const { fingerprint, duplicateOf } = textDataset({ texts, labels: [0, 0, 0, 0] });
    const files = [
      file('b.csv', csv),
      file('b.csv.gz', gzipSync(csv)),
      file('b.tsv.gz', gzipSync(csv.replaceAll('",0', '"\t0').replace('text,y', 'text\ty'))),
      file('b.jsonl', jsonl),
      file('b.ndjson.gz', gzipSync(jsonl)),
    ];
    for (const path of files) {
      expect(await readTexts(path, { labelColumn: 'y' })).toMatchObject({
        fingerprint,
        duplicateOf,
        classNames: ['0'],
      });
    }
    const streamed = await readTexts(files[3], { labelColumn: 'y', stream: true });
    expect(streamed).toMatchObject({ fingerprint, duplicateOf });
    expect(await streamed.read([3, 0, 3, 2])).toEqual(['四', 'one', '四', 'one']);
    expect('samples' in streamed).toBe(false);
  });

  it('holds for any texts: CSV and JSON lines, round trips and the offsets of a stream', async () => {
    const words = fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }), {
      minLength: 1,
      maxLength: 20,
    });
    await fc.assert(
      fc.asyncProperty(words, fc.nat(), async (given, seed) => {
        const texts = given.map((text) => `x${text.replaceAll('\0', '')}`);
        const csv = file('p.csv', `text,b\n${texts.map((text) => `"${text.replaceAll('"', '""')}",1`).join('\n')}\n`);
        const jsonl = file(
          'p.jsonl',
          texts.map((text) => `${JSON.stringify({ text })}${seed % 2 ? '\r\n' : '\n'}`).join(''),
        );
        expect((await memory(csv)).texts).toEqual(texts);
        const held = await memory(jsonl);
        expect(held.texts).toEqual(texts);
        const streamed = await readTexts(jsonl, { stream: true });
        const numbers = texts.map((_, i) => (i * 7 + seed) % texts.length);
        expect(await streamed.read(numbers)).toEqual(numbers.map((i) => texts[i]));
        expect(streamed.fingerprint).toBe(held.fingerprint);
        expect(streamed.duplicateOf).toEqual(held.duplicateOf);
      }),
      { numRuns: 40 },
    );
  });

  it('reads lines and characters across the pieces of a large file, and a text of 100,000 words', async () => {
    const texts = Array.from({ length: 4000 }, (_, i) => `${i} ${'🧪é'.repeat(i % 70)}`);
    texts[17] = 'word '.repeat(100_000);
    const path = file('large.txt', texts.join('\n'));
    const held = await memory(path);
    expect(held.texts).toEqual(texts);
    const streamed = await readTexts(path, { stream: true });
    expect(streamed.fingerprint).toBe(held.fingerprint);
    expect(await streamed.read([3999, 17, 0])).toEqual([texts[3999], texts[17], texts[0]]);
    const csv = file('large.csv', `text\n${texts.map((text) => `"${text}"`).join('\n')}`);
    expect((await memory(csv)).fingerprint).toBe(held.fingerprint);
  });
});

describe('readTexts, options', () => {
  it('leaves out equal texts on request, and says when labels differ', async () => {
    const path = file('d.csv', 'text,y\na,0\nb,1\na,0\na,1\n');
    for (const stream of [false]) {
      const data = await readTexts(path, { labelColumn: 'y', deduplicate: true, stream });
      expect(data.size).toBe(2);
      expect(data.duplicateOf).toBeUndefined();
      expect(data.skipped?.map(({ where, reason }) => `${where}: ${reason}`)).toEqual([
        'd.csv, row 3: duplicate of row 1',
        'd.csv, row 4: duplicate of row 1, which has another label',
      ]);
    }
    expect((await readTexts(path)).duplicateOf).toEqual(Int32Array.of(0, 1, 0, 0));
    const lines = file('d.txt', 'a\nb\na\n');
    expect(await readTexts(lines, { deduplicate: true, stream: true })).toMatchObject({
      size: 2,
      skipped: [{ where: 'd.txt, line 3', reason: 'duplicate of line 1' }],
    });
  });

  it('stops at a limit, and then does not know the size of the source', async () => {
    const path = file('l.csv', 'text\na\nb\nc\n');
    const data = await memory(path, { limit: 2 });
    expect(data.texts).toEqual(['a', 'b']);
    expect(data.sourceSize).toBeUndefined();
  });

  it.each([
    ['whole numbers from 0 stay', ['0', '3', '1'], [0, 3, 1], ['0', '1', '2', '3']],
    ['other whole numbers are names in their order', ['10', '-1', '9'], [2, 0, 1], ['-1', '9', '10']],
    ['stars from 1 are names', ['5', '1', '2'], [2, 0, 1], ['1', '2', '5']],
    ['strings are sorted', ['b', 'a', '1'], [2, 1, 0], ['1', 'a', 'b']],
  ])('labels: %s', async (_, values, labels, classNames) => {
    const path = file('y.csv', `text,y\n${values.map((value, i) => `t${i},${value}`).join('\n')}`);
    const data = await memory(path, { labelColumn: 'y' });
    expect([...data.labels!]).toEqual(labels);
    expect(data.classNames).toEqual(classNames);
  });

  it('takes class names, and names the row of a label outside', async () => {
    const path = file('n.csv', 'text,y\na,pos\nb,0\nc,bad\n');
    const classNames = ['neg', 'pos'];
    await expect(memory(path, { labelColumn: 'y', classNames })).rejects.toThrow(
      failure('DATA_MISMATCH', 'n.csv, row 3: expected a label among the 2 class names "neg", "pos", got "bad"'),
    );
    const data = await memory(path, { labelColumn: 'y', classNames, limit: 2 });
    expect([...data.labels!]).toEqual([1, 0]);
  });
});

describe('readTexts, errors', () => {
  it.each<[string, string, string | Uint8Array, object, string, string | RegExp]>([
    [
      'a missing column',
      'e.csv',
      'txt,label\na,b\n',
      {},
      'INVALID_OPTION',
      'expected a column "text", got "txt", "label". Set column',
    ],
    ['a missing column of JSON', 'e.jsonl', '{"txt":"a"}', {}, 'INVALID_OPTION', 'expected a column "text", got "txt"'],
    ['a missing label column', 'e.jsonl', '{"text":"a"}', { labelColumn: 'y' }, 'INVALID_OPTION', 'Set labelColumn to'],
    [
      'broken JSON',
      'e.jsonl',
      '{"text":"a"}\n{"text":',
      {},
      'FILE_CORRUPT',
      'e.jsonl, line 2: expected one JSON object',
    ],
    ['JSON that is no object', 'e.jsonl', '["a"]', {}, 'FILE_CORRUPT', 'line 1: expected one JSON object'],
    [
      'a text that is a number',
      'e.jsonl',
      '{"text":3}',
      {},
      'FILE_CORRUPT',
      'line 1: expected a string in column "text", got 3',
    ],
    [
      'too many fields',
      'e.csv',
      'text,y\na,1\nb,c,2\n',
      {},
      'FILE_CORRUPT',
      'line 3 (row 2): expected 2 fields as in the header, got 3',
    ],
    ['wrong quotes', 'e.csv', 'text\na"b\n', {}, 'FILE_CORRUPT', 'e.csv, line 2: expected well-formed fields'],
    ['a column twice', 'e.csv', 'text,text\na,b\n', {}, 'FILE_CORRUPT', 'expected one column "text"'],
    ['no label', 'e.csv', 'text,y\na,\n', { labelColumn: 'y' }, 'DATA_MISMATCH', 'row 1: expected a label'],
    [
      'an id twice',
      'e.csv',
      'text,k\na,1\n,\nb,1\n',
      { idColumn: 'k' },
      'DATA_MISMATCH',
      'row 3: expected an id of its own, got "1", which is that of row 1',
    ],
    ['an empty file', 'e.txt', '', {}, 'EMPTY_DATA', 'expected at least one row with a text, got no rows'],
    ['an empty table', 'e.csv', '', {}, 'EMPTY_DATA', 'got no rows'],
    ['blank lines alone', 'e.txt', '\n\n', {}, 'EMPTY_DATA', 'got 2 without one'],
    ['Latin-1', 'e.txt', Uint8Array.of(97, 10, 98, 0xe9, 10), {}, 'NOT_TEXT', 'byte 0xe9 at offset 3'],
    ['a character cut at the end', 'e.csv', Uint8Array.of(97, 10, 0xf0, 0x9f), {}, 'NOT_TEXT', 'byte 0xf0 at offset 2'],
    ['zeros', 'e.jsonl', Uint8Array.of(97, 0), {}, 'NOT_TEXT', 'byte 0x00 at offset 1'],
    ['no archive', 'e.txt.gz', 'plain', {}, 'FILE_CORRUPT', 'expected a whole gzip archive'],
    [
      'half an archive',
      'e.csv.gz',
      gzipSync('text\nabc\n').subarray(0, 20),
      {},
      'FILE_CORRUPT',
      'expected a whole gzip archive',
    ],
    ['no Parquet', 'e.parquet', 'PAR1 but not really', {}, 'FILE_CORRUPT', 'expected a Parquet file'],
    [
      'half a Parquet',
      'e.parquet',
      readFileSync(fixture('zstd.parquet')).subarray(0, 5000),
      {},
      'FILE_CORRUPT',
      'expected a Parquet file',
    ],
    ['an unknown ending', 'e.docx', 'a', {}, 'INVALID_OPTION', 'got "docx". Set format'],
    ['an unknown option', 'e.txt', 'a', { colum: 'a' }, 'INVALID_OPTION', 'Did you mean column?'],
    ['labels of .txt', 'e.txt', 'a', { labelColumn: 'y' }, 'INVALID_OPTION', 'which has no columns'],
    ['a stream of an archive', 'e.txt.gz', gzipSync('a'), { stream: true }, 'UNSUPPORTED', 'Unpack it first'],
    ['a stream of CSV', 'e.csv', 'text\na', { stream: true }, 'UNSUPPORTED', 'Write the texts to a .jsonl file first'],
  ])('%s', async (_, name, content, options, code, message) => {
    await expect(readTexts(file(name, content), options)).rejects.toThrow(failure(code, message));
  });

  it('names a file that is not there, and a directory', async () => {
    await expect(readTexts('no/such.txt')).rejects.toThrow(failure('FILE_UNREADABLE', 'no such file'));
    await expect(readTexts(new URL('.', import.meta.url).pathname, { format: 'txt' })).rejects.toThrow(
      failure('FILE_UNREADABLE', 'a directory'),
    );
  });

  it('notices when a file changes under a stream', async () => {
    const path = file('s.txt', 'a\nb\n');
    const data = await readTexts(path, { stream: true });
    expect(await data.read([])).toEqual([]);
    writeFileSync(path, 'a\nb\nc\n');
    await expect(data.read([0])).rejects.toThrow(
      failure('DATA_MISMATCH', 'expected the file as it was opened (4 bytes'),
    );
  });
});
