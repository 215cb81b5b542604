/** TransformersTeacher on directories of our own exports, against what our own runtime and plain loops make of the same files. */
import { appendFileSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { TextTokenizer } from '../../src/data/tokenizer.ts';
import type { Matrix } from '../../src/matrix/matrix.ts';
import { writeDirectory } from '../../src/runtime/files.ts';
import { StaticEmbeddingStudent } from '../../src/students/static-embedding-student.ts';
import { TransformersTeacher, type TransformersTeacherOptions } from '../../src/teachers/transformers-teacher.ts';
import { MINILM } from '../material.ts';

const code = (code: string) => expect.objectContaining({ name: 'LimbeckError', code });
const texts = [
  'a large musical instrument',
  'the the the the piano',
  '',
  'Ça va? – naïve café, 東京 and Привет 🎹',
  'to run',
  'a sentence of many words '.repeat(5),
];

const root = mkdtempSync(join(tmpdir(), 'limbeck-transformers-'));
const directory = join(root, 'student');
let student: StaticEmbeddingStudent;
beforeAll(async () => {
  // It says that it does not know the model, which is true.
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const whole = TextTokenizer.fromJson(readFileSync(join(MINILM, 'tokenizer.json'), 'utf8'), {
    maxTokens: 40,
    name: 'MiniLM',
  });
  const { tokenizer } = whole.prune(whole.encodeAll(texts));
  student = new StaticEmbeddingStudent(tokenizer, { width: 16, dimension: 12, seed: 1 });
  await writeDirectory(directory, student.toFiles());
});
afterAll(() => {
  vi.restoreAllMocks();
  rmSync(root, { recursive: true, force: true });
});

const load = (options: TransformersTeacherOptions = {}) => TransformersTeacher.load(directory, options);
const difference = (a: Matrix, b: Matrix) =>
  Math.max(...Array.from(a.data, (x, k) => Math.abs(x - b.data[k])), a.data.length === b.data.length ? 0 : 1);

describe('a directory', () => {
  it('gives the rows that TextEmbedder gives, error < 1e-5, whatever shares a run', async () => {
    const embedder = await student.toEmbedder();
    const expected = await embedder.embed(texts);
    for (const batchTokens of [1, 20, 1024]) {
      const teacher = await load({ batchTokens });
      expect([teacher.dimension, teacher.maxTokens]).toEqual([12, 40]);
      expect(difference(await teacher.embed(texts), expected)).toBeLessThan(1e-5);
      await teacher.release();
    }
    await embedder.release();
  });

  it('a prefix goes before each text', async () => {
    const plain = await load();
    const prefixed = await load({ prefix: 'the piano ' });
    const expected = await plain.embed(texts.map((text) => `the piano ${text}`));
    expect(difference(await prefixed.embed(texts), expected)).toBeLessThan(1e-6);
    await Promise.all([plain.release(), prefixed.release()]);
  });

  it.each([
    ['cls', 0],
    ['last_token', -1],
  ] as const)('%s is the row of that token, never of padding', async (pooling, place) => {
    const teacher = await load({ pooling, normalize: false });
    const session = await ort.InferenceSession.create(join(directory, 'onnx/model.onnx'));
    const rows = await teacher.embed(texts);
    for (const [i, text] of texts.entries()) {
      const ids = student.tokenizer.encode(text);
      const int64 = (values: Iterable<number>) =>
        new ort.Tensor('int64', BigInt64Array.from(values, BigInt), [1, ids.length]);
      const feeds = { input_ids: int64(ids), attention_mask: int64(ids.map(() => 1)) };
      const hidden = (await session.run(feeds)).last_hidden_state.data as Float32Array;
      const expected = Array.from(hidden).slice(...(place === 0 ? [0, 12] : [-12]));
      for (let j = 0; j < 12; j++) expect(Math.abs(rows.get(i, j) - expected[j])).toBeLessThan(1e-5);
    }
    await Promise.all([teacher.release(), session.release()]);
  });

  it('no texts, one text; what is no text; an interruption', async () => {
    const teacher = await load();
    const none = await teacher.embed([]);
    expect([none.rows, none.columns]).toEqual([0, 12]);
    expect((await teacher.embed(['to run'])).rows).toBe(1);
    await expect(teacher.embed(['a', 7 as unknown as string])).rejects.toThrow(/texts\[1\]: expected a string/);
    await expect(teacher.embed(texts, { signal: AbortSignal.abort() })).rejects.toThrow(code('ABORTED'));
    await teacher.release();
  });

  it('counts texts that are cut', async () => {
    const counts: number[] = [];
    const teacher = await load({ onTruncated: (count) => counts.push(count) });
    await teacher.embed([...texts, 'piano '.repeat(41), 'piano '.repeat(39)]);
    expect([counts, teacher.truncated]).toEqual([[2], 2]);
    await teacher.release();
  });

  it('the fingerprint changes with the files and with every option that changes a row', async () => {
    const copy = join(root, 'copy');
    cpSync(directory, copy, { recursive: true });
    const prints: string[] = [];
    const add = async (path: string, options: TransformersTeacherOptions = {}) => {
      const teacher = await TransformersTeacher.load(path, options);
      prints.push(teacher.fingerprint);
      await teacher.release();
    };
    await add(directory);
    await add(copy, { batchTokens: 7, name: 'another' });
    expect(prints[1]).toBe(prints[0]);
    prints.pop();
    for (const options of [{ pooling: 'cls' }, { normalize: false }, { prefix: 'a ' }, { dtype: 'fp32' }] as const) {
      await add(directory, options);
    }
    appendFileSync(join(copy, 'tokenizer_config.json'), ' ');
    await add(copy);
    expect(new Set(prints).size).toBe(6);
  });
});

describe('an id of the hub', () => {
  it('is fetched at its revision and gives the rows of the directory; a directory asks nobody', async () => {
    const asked: string[] = [];
    const server = createServer(({ url = '' }, response) => {
      asked.push(url);
      const file = /^\/limbeck-test\/student\/resolve\/v2\/(.+)$/.exec(url)?.[1] ?? '';
      const path = join(directory, file);
      // Whether there is a tokenizer transformers.js asks of main, whatever the revision; what is there it does not read.
      if (url.endsWith('/resolve/main/tokenizer_config.json')) response.end('none');
      else if (file === '' || !existsSync(path)) response.writeHead(404).end();
      else response.end(readFileSync(path));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { env } = await import('@huggingface/transformers');
    const { remoteHost, cacheDir } = env;
    env.remoteHost = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    env.cacheDir = join(root, 'hub');
    try {
      const local = await load();
      expect(asked).toEqual([]);
      const remote = await TransformersTeacher.load('limbeck-test/student', { revision: 'v2' });
      expect(asked.some((url) => url.endsWith('/onnx/model.onnx'))).toBe(true);
      expect(remote.fingerprint).toContain('limbeck-test/student revision v2');
      expect(await remote.embed(texts)).toEqual(await local.embed(texts));
      await Promise.all([local.release(), remote.release()]);
    } finally {
      Object.assign(env, { remoteHost, cacheDir });
      server.closeAllConnections();
      server.close();
    }
  });
});

describe('what is refused', () => {
  it('tokens that are not made one row', async () => {
    await expect(load({ pooling: 'none' })).rejects.toThrow(/Set pooling to 'mean'/);
    await expect(load({ pooling: 'max' as 'mean' })).rejects.toThrow(code('INVALID_OPTION'));
  });

  it('a directory that is not there, or holds no model', async () => {
    await expect(TransformersTeacher.load(join(root, 'nothing'))).rejects.toThrow(
      expect.objectContaining({ code: 'FILE_UNREADABLE', message: expect.stringContaining('Check the path') }),
    );
    await expect(TransformersTeacher.load(root)).rejects.toThrow(
      expect.objectContaining({ code: 'FILE_UNREADABLE', message: expect.stringContaining('onnx/model.onnx') }),
    );
    await expect(load({ dtype: 'q4' })).rejects.toThrow(code('FILE_UNREADABLE'));
  });

  it('a model that cannot be fetched', async () => {
    // The port of a server that is not there stands for a machine without network.
    const { env } = await import('@huggingface/transformers');
    const { remoteHost } = env;
    env.remoteHost = 'http://127.0.0.1:9/';
    try {
      const refused = TransformersTeacher.load('limbeck-test/no-such-model');
      await expect(refused).rejects.toThrow(code('FILE_UNREADABLE'));
      await expect(refused).rejects.toThrow(
        /limbeck-test\/no-such-model.*without network, give the directory of a copy/,
      );
    } finally {
      env.remoteHost = remoteHost;
    }
  });

  it('a missing package, with how to install it', async () => {
    vi.doMock('@huggingface/transformers', () => {
      throw new Error("Cannot find package '@huggingface/transformers'");
    });
    try {
      await expect(load()).rejects.toThrow(
        expect.objectContaining({
          code: 'MISSING_PACKAGE',
          message: expect.stringContaining('npm install @huggingface/transformers'),
        }),
      );
    } finally {
      vi.doUnmock('@huggingface/transformers');
    }
  });
});
