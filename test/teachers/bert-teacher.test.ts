/** BertTeacher against PyTorch in float64 (test/goldens/minilm.py), and against files that are not what they should be. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseBertConfig } from '../../src/teachers/bert-config.ts';
import { BertTeacher } from '../../src/teachers/bert-teacher.ts';
import { writeSafetensors } from '../../src/teachers/safetensors.ts';
import { MINILM } from '../material.ts';

const code = (code: string, message: RegExp) =>
  expect.objectContaining({ name: 'LimbeckError', code, message: expect.stringMatching(message) });

const files = {
  config: join(MINILM, 'config.json'),
  weights: join(MINILM, 'model.fp16.safetensors'),
  tokenizer: join(MINILM, 'tokenizer.json'),
};
const golden = JSON.parse(readFileSync(new URL('../goldens/minilm.json', import.meta.url), 'utf8')) as {
  cases: { text: string; ids: number[]; embedding: number[] }[];
};
const texts = golden.cases.map(({ text }) => text);

const difference = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i])));

describe('BertTeacher', () => {
  let teacher: BertTeacher;
  beforeAll(async () => {
    teacher = await BertTeacher.load(files, { name: 'MiniLM' });
  });
  afterAll(() => teacher.release());

  it('absolute error < 1e-6 in every entry against transformers in float64, ids equal, whatever shares a batch', async () => {
    const rows = await teacher.embed(texts);
    expect([rows.rows, rows.columns, rows.dtype]).toEqual([golden.cases.length, 384, 'float32']);
    for (const [i, { text, ids, embedding }] of golden.cases.entries()) {
      expect(Array.from(teacher.tokenizer.encode(text))).toEqual(ids);
      expect(embedding).toHaveLength(384);
      expect(difference(embedding, rows.row(i))).toBeLessThan(1e-6);
    }
  });

  it('batch composition moves no entry by more than 1e-6: alone, in any order, among many others', async () => {
    const together = await teacher.embed(texts);
    const reversed = await teacher.embed([...texts].reverse());
    const crowd = Array.from({ length: 60 }, (_, i) => `${'filler words '.repeat(i % 7)}number ${i}`);
    const crowded = await teacher.embed([...crowd, ...texts, ...crowd]);
    for (const [i, text] of texts.entries()) {
      const alone = (await teacher.embed([text])).row(0);
      expect(difference(alone, together.row(i))).toBeLessThan(1e-6);
      expect(difference(alone, reversed.row(texts.length - 1 - i))).toBeLessThan(1e-6);
      expect(difference(alone, crowded.row(crowd.length + i))).toBeLessThan(1e-6);
    }
  });

  it('a text of 100,000 words is cut, in reasonable time, and told', async () => {
    const counts: number[] = [];
    const telling = await BertTeacher.load(files, { maxTokens: 64, onTruncated: (count) => counts.push(count) });
    const words = Array.from({ length: 100_000 }, (_, i) => texts[i % texts.length].split(' ')[0] || 'word');
    const start = performance.now();
    const rows = await telling.embed([words.join(' '), 'short', words.slice(0, 200).join(' ')]);
    expect(performance.now() - start).toBeLessThan(20_000);
    expect([counts, telling.truncated]).toEqual([[2], 2]);
    // What is beyond the cut does not matter.
    expect(difference(rows.row(0), rows.row(2))).toBeLessThan(1e-6);
    await telling.embed(['short']);
    expect(counts).toEqual([2]);
    await telling.release();
  });

  it('embeds nothing as 0 × 384, and an empty text as a row of norm 1', async () => {
    const none = await teacher.embed([]);
    expect([none.rows, none.columns]).toEqual([0, 384]);
    const row = (await teacher.embed([''])).row(0);
    expect(Math.hypot(...row)).toBeCloseTo(1, 6);
    // Twice the same text: the same row, each time.
    const twice = await teacher.embed(['', 'piano', '']);
    expect(difference(twice.row(0), twice.row(2))).toBe(0);
  });

  it('cuts long texts at maxTokens: what lies behind it does not count', async () => {
    const short = await BertTeacher.load(files, { maxTokens: 5 });
    try {
      const rows = await short.embed(['a large musical instrument', 'a large musical box with strings']);
      expect(difference(rows.row(0), rows.row(1))).toBeLessThan(1e-6);
      expect(short.fingerprint).not.toBe(teacher.fingerprint);
      const long = await teacher.embed([`piano ${'music '.repeat(2000)}`]);
      expect(Math.hypot(...long.row(0))).toBeCloseTo(1, 5);
    } finally {
      await short.release();
    }
  });

  it('says what it is', () => {
    expect(teacher).toMatchObject({
      name: 'MiniLM',
      dimension: 384,
      parameterCount: 22_565_376,
      sizeBytes: 45_441_937,
    });
    expect(teacher.fingerprint).toMatch(/^bert mean-pooled l2 float32\/1 tokens 512 sha256 [0-9a-f]{64}$/);
  });

  it('stops on request with ABORTED, before the first batch and between batches', async () => {
    await expect(teacher.embed(texts, { signal: AbortSignal.abort() })).rejects.toThrow(code('ABORTED', /interrupted/));
    const controller = new AbortController();
    const many = Array.from({ length: 400 }, (_, i) => `text number ${i} of several hundred`);
    setTimeout(() => controller.abort(), 20);
    await expect(teacher.embed(many, { signal: controller.signal })).rejects.toThrow(code('ABORTED', /interrupted/));
  });

  it('refuses texts that are not strings', async () => {
    await expect(teacher.embed([1 as unknown as string])).rejects.toThrow(
      code('INVALID_ARGUMENT', /expected a string, got 1/),
    );
  });
});

describe('BertTeacher.load refuses', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'limbeck-bert-'));
    symlinkSync(files.weights, join(directory, 'weights'));
    copyFileSync(files.config, join(directory, 'config.json'));
    symlinkSync(files.tokenizer, join(directory, 'tokenizer.json'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const own = () => ({
    config: join(directory, 'config.json'),
    weights: join(directory, 'weights'),
    tokenizer: join(directory, 'tokenizer.json'),
  });
  /** Puts other content in the place of a file and says what loading then throws. */
  async function failure(replaced: Record<string, string | Uint8Array> = {}): Promise<Error> {
    for (const [name, content] of Object.entries(replaced)) {
      rmSync(join(directory, name));
      writeFileSync(join(directory, name), content);
    }
    const result = await BertTeacher.load(own()).catch((error: Error) => error);
    if (!(result instanceof Error)) {
      await result.release();
      throw new Error('It loaded.');
    }
    expect(result.message).not.toContain('\n');
    return result;
  }
  const configWith = (changes: Record<string, unknown>) =>
    JSON.stringify({ ...JSON.parse(readFileSync(files.config, 'utf8')), ...changes });

  it.each([
    ['in the header', 1000],
    ['in the numbers', 30_000_000],
    ['by one byte', 45_441_936],
  ])('weights cut short %s', async (_, length) => {
    const error = await failure({ weights: readFileSync(files.weights).subarray(0, length) });
    expect(error).toEqual(code('FILE_CORRUPT', /weights: .*expected .*got .*\. ./));
  });

  it('weights with damaged header bytes, and weights that are empty', async () => {
    for (const [at, value] of [
      [3, 0x7f],
      [8, 0x00],
      [40, 0xff],
    ]) {
      const bytes = Uint8Array.from(readFileSync(files.weights));
      bytes[at] ^= value || bytes[at];
      expect(await failure({ weights: bytes })).toEqual(code('FILE_CORRUPT', /weights: .*expected .*got .*\. ./));
    }
    expect(await failure({ weights: '' })).toEqual(code('FILE_CORRUPT', /weights: .*expected .*got/));
  });

  it.each(['weights', 'config.json', 'tokenizer.json'])('a missing %s', async (name) => {
    rmSync(join(directory, name));
    const error = await BertTeacher.load(own()).catch((error: Error) => error);
    expect(error).toEqual(
      code('FILE_UNREADABLE', new RegExp(`${name}: expected to read the \\w+ of the teacher, got ./?`)),
    );
  });

  it('a config of another kind of model, saying which', async () => {
    expect(await failure({ 'config.json': configWith({ model_type: 'roberta' }) })).toEqual(
      code('FILE_CORRUPT', /config\.json: expected .*"bert".*got "roberta"/),
    );
    expect(await failure({ 'config.json': configWith({ hidden_act: 'relu' }) })).toEqual(
      code('FILE_CORRUPT', /"gelu" at "hidden_act", got "relu"/),
    );
    expect(await failure({ 'config.json': configWith({ num_hidden_layers: undefined }) })).toEqual(
      code('FILE_CORRUPT', /at "num_hidden_layers", got nothing/),
    );
    expect(await failure({ 'config.json': configWith({ num_attention_heads: 7 }) })).toEqual(
      code('FILE_CORRUPT', /multiple of num_attention_heads, got 384 and 7/),
    );
  });

  it('a config of another model of the same kind: the tensor, both shapes, and what to do', async () => {
    expect(await failure({ 'config.json': configWith({ intermediate_size: 3072 }) })).toEqual(
      code(
        'FILE_CORRUPT',
        /tensor "encoder\.layer\.0\.intermediate\.dense\.weight": expected shape \[3072, 384\].*got \[1536, 384\]\. Take/,
      ),
    );
    expect(await failure({ 'config.json': configWith({ num_hidden_layers: 12 }) })).toEqual(
      code('FILE_CORRUPT', /encoder\.layer\.6\./),
    );
    expect(await failure({ 'config.json': configWith({ vocab_size: 1000 }) })).toEqual(
      code('FILE_CORRUPT', /tokenizer\.json: expected at most the model's 1000 tokens, got 30522\. Take/),
    );
  });

  it('a config or tokenizer that is not JSON, or not text', async () => {
    expect(await failure({ 'config.json': '{"model_type": "bert"' })).toEqual(
      code('FILE_CORRUPT', /config\.json: expected JSON, got/),
    );
    expect(await failure({ 'config.json': Uint8Array.of(0x7b, 0xff, 0x00) })).toEqual(code('NOT_TEXT', /offset 1/));
    copyFileSync(files.config, join(directory, 'config.json'));
    expect(await failure({ 'tokenizer.json': 'not json' })).toEqual(
      code('FILE_CORRUPT', /tokenizer\.json: expected .*got/),
    );
    expect(await failure({ 'tokenizer.json': '{}' })).toEqual(code('FILE_CORRUPT', /tokenizer\.json: .*expected/));
  });

  it('weights of something else altogether', async () => {
    const other = writeSafetensors({ rows: { shape: [1, 2], data: Float32Array.of(1, 2) } });
    expect(await failure({ weights: other })).toEqual(code('FILE_CORRUPT', /embeddings\.word_embeddings\.weight/));
  });

  it.each([0, 2, 513, 2.5, Number.NaN])('maxTokens %s', async (maxTokens) => {
    await expect(BertTeacher.load(files, { maxTokens })).rejects.toThrow(code('INVALID_OPTION', /maxTokens: expected/));
  });
});

describe('parseBertConfig', () => {
  it('takes what Hugging Face writes, with absolute positions as the default', () => {
    const { position_embedding_type: _, ...json } = JSON.parse(readFileSync(files.config, 'utf8'));
    expect(parseBertConfig(JSON.stringify(json), 'config.json')).toEqual({
      hiddenSize: 384,
      intermediateSize: 1536,
      layers: 6,
      heads: 12,
      vocabularySize: 30522,
      maxPositions: 512,
      tokenTypes: 2,
      layerNormEpsilon: 1e-12,
    });
  });
});
