/** Files that are wrong, each with what the page has to say of it; and where it is dropped. Made here, so that nothing hides in binary files. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { writeNpy } from '../../../src/data/npy.ts';
import { Matrix } from '../../../src/matrix/matrix.ts';
import { writeSafetensors } from '../../../src/teachers/safetensors.ts';
import { fixture } from '../../data/temporary-files.ts';
import type { GivenFile } from './open-page.ts';

export type Place = 'Student' | 'Index' | 'Texts with embeddings' | 'Run directory';

export interface WrongFile {
  readonly what: string;
  readonly place: Place;
  readonly files: readonly GivenFile[];
  /** A part of the message. */
  readonly says: string;
}

const TRAP = '<img src=x onerror="globalThis.trapped=true"><script>globalThis.trapped=true</script>';

const line = (text: string, embedding: unknown): string => `${JSON.stringify({ text, embedding })}\n`;
const texts = (count: number): GivenFile => ({ name: 'texts.txt', content: 'a text\n'.repeat(count) });
const npy = writeNpy(
  Matrix.from(
    [
      [1, 2],
      [3, 4],
    ],
    'float32',
  ),
);
const tensors = writeSafetensors({ rows: { shape: [2, 2], data: new Float32Array([1, 2, 3, 4]) } });

function npyHeader(fields: string): Uint8Array {
  const bytes = Buffer.from(`\x93NUMPY\x01\x00\x00\x00${fields}`, 'latin1');
  bytes.writeUInt16LE(fields.length, 8);
  return bytes;
}

function longHeader(): Uint8Array {
  const bytes = new Uint8Array(64);
  new DataView(bytes.buffer).setBigUint64(0, 2n ** 60n, true);
  return bytes;
}

function data(what: string, says: string, ...files: GivenFile[]): WrongFile {
  return { what, says, files, place: 'Texts with embeddings' };
}

const jsonl = (content: string | Uint8Array): GivenFile => ({ name: 'texts.jsonl', content });

const OF_DATA: readonly WrongFile[] = [
  data('an empty file', 'texts.jsonl: expected at least one row with a text, got no rows', jsonl('')),
  data(
    'a line cut short',
    'texts.jsonl, line 2: expected one JSON object, got',
    jsonl(`${line('a', [1])}{"text": "b", "emb`),
  ),
  data(
    'one JSON array',
    'texts.jsonl, line 1: expected one JSON object such as {"text"',
    jsonl('[{"text": "a", "embedding": [1]}]'),
  ),
  data(
    'lists in lists without end',
    'texts.jsonl, line 1: expected one JSON object, got',
    jsonl(`{"text":${'['.repeat(200_000)}`),
  ),
  data(
    'rows of two widths',
    'texts.jsonl, line 2: expected 2 numbers like in the first row, got 3',
    jsonl(line('a', [1, 2]) + line('b', [1, 2, 3])),
  ),
  data(
    'NaN in JSON',
    'texts.jsonl, line 2: expected JSON with finite numbers, got NaN',
    jsonl(`${line('a', [1, 2])}{"text": "b", "embedding": [1, NaN]}`),
  ),
  data(
    'a number beyond single precision',
    'expected finite numbers (in single precision), got 1e+300 in column 1',
    jsonl(line('a', [1, 1e300])),
  ),
  data(
    'a row that is a text',
    'texts.jsonl, line 1: expected a list of numbers as embedding, got string',
    jsonl(line('a', '[1, 2]')),
  ),
  data(
    'a text that is a number',
    'texts.jsonl, line 1: expected a text in column "text", got number',
    jsonl('{"text": 5, "embedding": [1]}'),
  ),
  data(
    'half a surrogate pair',
    'expected a text in column "text", got half a character',
    jsonl('{"text": "\\ud83d", "embedding": [1]}'),
  ),
  data(
    'bytes that are not UTF-8',
    'texts.jsonl: expected UTF-8 text, got byte 0xff at offset 10',
    jsonl(Buffer.from('{"text": "\xff"}', 'latin1')),
  ),
  data(
    'UTF-16',
    'texts.jsonl: expected UTF-8 text, got byte 0x00 at offset 1',
    jsonl(Buffer.from(line('a', [1]), 'utf16le')),
  ),
  data(
    'columns of other names, with markup',
    `expected a column "text", got "${TRAP.replaceAll('"', '\\"')}"`,
    jsonl(JSON.stringify({ [TRAP]: 1 })),
  ),
  data('.npy cut short', 'rows.npy: expected 16 bytes for <f4 of shape [2, 2], got 8', texts(2), {
    name: 'rows.npy',
    content: npy.subarray(0, -8),
  }),
  data('a .npy that claims much', 'rows.npy: expected 4000000000000 bytes', texts(2), {
    name: 'rows.npy',
    content: npyHeader("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000), }"),
  }),
  data('NaN in .npy', 'rows.npy, row 1: expected finite numbers (in single precision), got NaN in column 0', texts(2), {
    name: 'rows.npy',
    content: writeNpy(
      Matrix.from(
        [
          [1, 2],
          [Number.NaN, 4],
        ],
        'float32',
      ),
    ),
  }),
  data(
    '.safetensors with a huge header',
    'rows.safetensors: expected a header of 1152921504606846976 bytes',
    texts(2),
    { name: 'rows.safetensors', content: longHeader() },
  ),
  data(
    '.safetensors cut short',
    'rows.safetensors: tensor "rows": expected data_offsets [begin, end] inside',
    texts(2),
    { name: 'rows.safetensors', content: tensors.subarray(0, -4) },
  ),
  data('a row too few', 'expected one row for each text, got 3 texts and 2 rows', texts(3), {
    name: 'rows.npy',
    content: npy,
  }),
  data('two files of texts', 'Files: expected one with texts', texts(1), jsonl('')),
  data(
    'texts alone',
    'texts.txt: expected a file of rows (.npy or .safetensors) beside plain texts, got none',
    texts(3),
  ),
  data('.parquet that is none', 'texts.parquet: expected a Parquet file, got', {
    name: 'texts.parquet',
    content: TRAP.repeat(50),
  }),
  data('.parquet cut short', 'plain-v2.parquet: expected a Parquet file, got', {
    name: 'plain-v2.parquet',
    content: readFileSync(fixture('plain-v2.parquet')).subarray(30),
  }),
  data('an archive', 'texts.zip: expected texts in .jsonl, .parquet or .txt, or rows in .npy or .safetensors', {
    name: 'texts.zip',
    content: zipSync({ a: new Uint8Array(9) }),
  }),
];

function student(what: string, says: string, ...files: GivenFile[]): WrongFile {
  return { what, says, files, place: 'Student' };
}

function ofStudents(run: string): WrongFile[] {
  const read = (path: string): Uint8Array => new Uint8Array(readFileSync(join(run, 'student', path)));
  const parts = (changed: Record<string, Uint8Array>): Record<string, Uint8Array> => ({
    'config.json': read('config.json'),
    'tokenizer.json': read('tokenizer.json'),
    'tokenizer_config.json': read('tokenizer_config.json'),
    'onnx/model.onnx': read('onnx/model.onnx'),
    ...changed,
  });
  const zip = (files: Record<string, Uint8Array>): GivenFile => ({
    name: 'student.zip',
    content: zipSync(files, { level: 1 }),
  });
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  return [
    student(
      'a zip bomb',
      'student.zip: expected an archive of weights and texts, got one of',
      zip({ 'onnx/model.onnx': new Uint8Array(2 ** 28) }),
    ),
    student('a .zip cut short', 'student.zip: expected a .zip archive, got', {
      name: 'student.zip',
      content: (zip(parts({})).content as Uint8Array).subarray(0, 5000),
    }),
    student(
      'a .zip that leads out of itself',
      'expected relative paths with forward slashes, got "../config.json"',
      zip({ '../config.json': bytes('{}') }),
    ),
    student(
      'a .zip without a student',
      'student.zip: expected a student directory with config.json, onnx/model.onnx',
      zip({ 'notes.txt': bytes('hello') }),
    ),
    student('a config.json that is markup', 'config.json', zip(parts({ 'config.json': bytes(TRAP) }))),
    student(
      'a config.json that is not UTF-8',
      'config.json: expected UTF-8 text',
      zip(parts({ 'config.json': new Uint8Array([0xff, 0xfe, 0x7b]) })),
    ),
    student(
      'a tokenizer.json cut short',
      'tokenizer.json',
      zip(parts({ 'tokenizer.json': read('tokenizer.json').subarray(0, 999) })),
    ),
    student('a model that is none', 'onnx/model.onnx', zip(parts({ 'onnx/model.onnx': bytes(TRAP.repeat(99)) }))),
  ];
}

function ofRuns(run: string): WrongFile[] {
  const record = readFileSync(join(run, 'run.json'), 'utf8');
  const one = (what: string, says: string, ...files: GivenFile[]): WrongFile => ({
    what,
    says,
    files,
    place: 'Run directory',
  });
  return [
    one('no run.json', 'Files: expected the run.json of a run, got metrics.jsonl', {
      name: 'metrics.jsonl',
      content: '',
    }),
    one('a run.json cut short', 'run.json: expected JSON, got', { name: 'run.json', content: record.slice(0, 500) }),
    one('a run.json with another field', 'run.json, data.train: expected number, got "many"', {
      name: 'run.json',
      content: record.replace(/"train": \d+/, '"train": "many"'),
    }),
    one(
      'a line of metrics that is markup',
      'metrics.jsonl, line 1: expected JSON, got',
      { name: 'run.json', content: record },
      { name: 'metrics.jsonl', content: `${TRAP}\n` },
    ),
  ];
}

/** @param run the directory of a run that is right */
export function wrongFiles(run: string): readonly WrongFile[] {
  const narrow: WrongFile = {
    what: 'rows of another width than the student’s',
    place: 'Index',
    says: 'texts.txt and rows.npy: expected rows of 384 numbers, as the student',
    files: [texts(2), { name: 'rows.npy', content: npy }],
  };
  return [...OF_DATA, ...ofStudents(run), narrow, ...ofRuns(run)];
}

/** Right files whose texts and names are markup: they are to be shown as they are. */
export const MARKUP = TRAP;
