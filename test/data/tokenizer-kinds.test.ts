/**
 * TextTokenizer on BPE and Unigram: small tokenizers built like those of well-known models (test/goldens/
 * tokenizer_kinds.py), against ids by Python's `tokenizers`; pruned, written, read again and read by transformers.js.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AutoTokenizer } from '@huggingface/transformers';
import { describe, expect, test } from 'vitest';
import { TextTokenizer } from '../../src/data/tokenizer.ts';
import { caught } from '../caught.ts';

const golden = JSON.parse(readFileSync(new URL('../goldens/tokenizer_kinds.json', import.meta.url), 'utf8')) as {
  cases: { kind: string; text: string; ids: number[]; maxTokens?: number }[];
};
const KINDS = [...new Set(golden.cases.map(({ kind }) => kind))];
const jsonOf = (kind: string) => readFileSync(new URL(`../fixtures/tokenizers/${kind}.json`, import.meta.url), 'utf8');
const open = (kind: string, maxTokens = 10_000, json = jsonOf(kind)) =>
  TextTokenizer.fromJson(json, { maxTokens, name: kind });
const textsOf = (kind: string) => golden.cases.filter((c) => c.kind === kind && !c.maxTokens).map(({ text }) => text);

// Where @huggingface/tokenizers 0.2.0 differs from the Rust library. Pinned, so that an upgrade is noticed.
const KNOWN_DIFFERENCES = new Set(['clip ΛΟΓΟΣ ποίηση Привет, мир! Ёлка']); // JavaScript lower-cases a final Σ to ς.

describe.each(KINDS)('%s', (kind) => {
  const tokenizer = open(kind);
  const texts = textsOf(kind);
  const [corpus, others] = [texts.slice(0, 40), texts.slice(40)];
  const { tokenizer: small, oldIds, fallbackTokens } = tokenizer.prune(tokenizer.encodeAll(corpus));
  const oldIdsOf = (text: string) => Array.from(small.encode(text), (id) => oldIds[id]);

  test.each(golden.cases.filter((c) => c.kind === kind))('gives the ids of Python tokenizers: $text', (one) => {
    const ids = Array.from(open(kind, one.maxTokens).encode(one.text));
    if (KNOWN_DIFFERENCES.has(`${kind} ${one.text}`)) expect(ids).not.toEqual(one.ids);
    else expect(ids).toEqual(one.ids);
  });

  test('knows each token as a text of its own, without what says where it stands', () => {
    const words = tokenizer.tokenTexts();
    expect(words).toHaveLength(tokenizer.vocabularySize);
    for (const id of tokenizer.specialIds) expect(words[id]).toBe('');
    expect(words.some((word) => word !== word.trim() || /[ĠĊ▁\ufffd]|<\/w>$/.test(word))).toBe(false);
    // What the pieces of a text say one after another is that text, but for spaces, case and what normalisers do to it.
    const bare = (text: string) => text.replaceAll(/\s/g, '').toLowerCase();
    for (const text of ['the large musical instrument', 'played by a pianist on 18 strings']) {
      expect(bare(Array.from(tokenizer.encode(text), (id) => words[id]).join(''))).toBe(bare(text));
    }
  });

  test('reads merges that are written as texts, and a model without a type', () => {
    const json = JSON.parse(jsonOf(kind));
    json.model.merges = json.model.merges?.map((merge: string[]) => merge.join(' '));
    delete json.model.type;
    const old = open(kind, 10_000, JSON.stringify(json));
    for (const text of texts) expect(old.encode(text)).toEqual(tokenizer.encode(text));
    const pruned = old.prune(old.encodeAll(corpus));
    expect(pruned.oldIds).toEqual(oldIds);
    for (const text of texts) expect(pruned.tokenizer.encode(text)).toEqual(small.encode(text));
  });

  test('pruned, keeps the pieces of every text of the corpus', () => {
    expect(others.length).toBeGreaterThan(20);
    for (const text of corpus) expect(oldIdsOf(text)).toEqual(Array.from(tokenizer.encode(text)));
    expect(small.vocabularySize).toBe(oldIds.length);
    expect(new Set(oldIds).size).toBe(oldIds.length);
    expect(oldIds.length).toBeLessThan(tokenizer.vocabularySize);
    const used = new Set(corpus.flatMap((text) => Array.from(tokenizer.encode(text))));
    expect(fallbackTokens).toBeGreaterThan(0);
    expect(fallbackTokens).toBe(oldIds.filter((id) => !used.has(id) && !isFirst(tokenizer, id)).length);
  });

  test('pruned, keeps the pieces of each text on its own, and of half of each', () => {
    for (const text of [...texts, ...texts.map((text) => text.slice(0, text.length / 2))]) {
      const ids = tokenizer.encode(text);
      const alone = tokenizer.prune([ids]);
      expect(Array.from(alone.tokenizer.encode(text), (id) => alone.oldIds[id])).toEqual(Array.from(ids));
    }
  });

  test('pruned, gives no text more unknown tokens than before', () => {
    const unknown = (ids: Int32Array, id: number | undefined) => ids.filter((other) => other === id).length;
    for (const text of others) {
      expect(unknown(small.encode(text), small.unknownId)).toBe(unknown(tokenizer.encode(text), tokenizer.unknownId));
    }
    const lengths = (one: TextTokenizer) => others.reduce((sum, text) => sum + one.encode(text).length, 0);
    expect(lengths(small)).toBeGreaterThan(lengths(tokenizer));
  });

  test('pruned, keeps padding, unknown and special tokens', () => {
    expect(oldIds[small.padId]).toBe(tokenizer.padId);
    if (tokenizer.unknownId === undefined) expect(small.unknownId).toBeUndefined();
    else expect(oldIds[small.unknownId!]).toBe(tokenizer.unknownId);
    expect(small.specialIds.map((id) => oldIds[id])).toEqual(tokenizer.specialIds);
  });

  test('goes through files, and is read by transformers.js', async () => {
    const files = small.toFiles();
    const back = open(kind, 10_000, files.get('tokenizer.json'));
    for (const text of texts) expect(back.encode(text)).toEqual(small.encode(text));
    expect([back.padId, back.unknownId, back.specialIds]).toEqual([small.padId, small.unknownId, small.specialIds]);
    const directory = mkdtempSync(join(tmpdir(), 'limbeck-tokenizer-'));
    try {
      for (const [name, text] of files) writeFileSync(join(directory, name), text);
      const theirs = await AutoTokenizer.from_pretrained(directory, { local_files_only: true });
      const { input_ids: ids } = theirs(texts, { padding: true, truncation: true });
      const rows = texts.map((text) => Array.from(small.encode(text)));
      const width = Math.max(...rows.map((row) => row.length));
      const padded = rows.flatMap((row) => [...row, ...Array(width - row.length).fill(small.padId)]);
      expect(Array.from(ids.data, Number)).toEqual(padded);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

/** Whether pruning puts an id first whatever the corpus: padding, unknown and added tokens. */
function isFirst(tokenizer: TextTokenizer, id: number): boolean {
  const { added_tokens: added } = JSON.parse(tokenizer.toFiles().get('tokenizer.json')!);
  return id === tokenizer.padId || id === tokenizer.unknownId || added.some((token: { id: number }) => token.id === id);
}

test.each([
  ['roberta', { padId: 1, unknownId: 3, specialIds: [0, 1, 2, 3, 4] }],
  ['gpt2', { padId: 600, unknownId: undefined, specialIds: [600] }],
  ['modernbert', { padId: 710, unknownId: 707, specialIds: [707, 708, 709, 710, 711] }],
  ['llama3', { padId: 600, unknownId: undefined, specialIds: [600, 601] }],
  ['gemma', { padId: 0, unknownId: 3, specialIds: [0, 1, 2, 3] }],
  ['clip', { padId: 1, unknownId: 1, specialIds: [0, 1] }],
  ['xlm_roberta', { padId: 1, unknownId: 3, specialIds: [0, 1, 2, 3, 656] }],
  ['t5', { padId: 0, unknownId: 2, specialIds: [0, 1, 2, 600, 601] }],
])('%s has these special ids', (kind, expected) => {
  const { padId, unknownId, specialIds } = open(kind);
  expect({ padId, unknownId, specialIds }).toEqual(expected);
});

test('BPE keeps what its pieces are made of', () => {
  const tokenizer = open('roberta');
  const { model } = JSON.parse(jsonOf('roberta'));
  const { tokenizer: small, oldIds } = tokenizer.prune([tokenizer.encode('beautifully')]);
  const written = JSON.parse(small.toFiles().get('tokenizer.json')!).model;
  const kept = new Set(Array.from(oldIds));
  for (const [left, right] of written.merges) {
    for (const token of [left, right, left + right]) expect(kept).toContain(model.vocab[token]);
  }
  expect(written.merges.length).toBeGreaterThan(0);
  expect(written.merges.length).toBeLessThan(30);
  expect(oldIds.length).toBeLessThan(256 + 5 + 30);
});

test('Unigram keeps the score of unknown characters', () => {
  const scores = (json: string) => JSON.parse(json).model.vocab.map(([, score]: [string, number]) => score);
  const { tokenizer: small } = open('t5').prune([]);
  const pruned = small.toFiles().get('tokenizer.json')!;
  expect(Math.min(...scores(pruned))).toBe(Math.min(...scores(jsonOf('t5'))));
});

test('Unigram keeps a lowest score that no character has, and finds its unknown token wherever that stands', () => {
  const json = JSON.parse(jsonOf('t5'));
  json.model.vocab.splice(2, 1);
  json.model.vocab.push(['zzz', -99], ['<unk>', 0]);
  json.model.unk_id = json.model.vocab.length - 1;
  json.added_tokens = json.added_tokens.filter(({ id }: { id: number }) => id < 2);
  const moved = open('t5', 512, JSON.stringify(json));
  const { tokenizer: small } = moved.prune([moved.encode('a ☃')]);
  const { vocab, unk_id: unknown } = JSON.parse(small.toFiles().get('tokenizer.json')!).model;
  expect(vocab.map(([piece]: [string]) => piece)).toContain('zzz');
  expect(vocab[unknown][0]).toBe('<unk>');
  expect(unknown).not.toBe(json.model.unk_id);
});

test('BPE keeps all bytes to fall back to', () => {
  const { tokenizer: small } = open('gemma').prune([]);
  const tokens = Object.keys(JSON.parse(small.toFiles().get('tokenizer.json')!).model.vocab);
  expect(tokens.filter((token) => token.startsWith('<0x'))).toHaveLength(256);
});

test('the ids in a sequence of post-processors are those of the pruned vocabulary', () => {
  const { post_processor: written, model } = JSON.parse(
    open('llama3').prune([]).tokenizer.toFiles().get('tokenizer.json')!,
  );
  expect(written.processors[1].special_tokens['<|begin|>'].ids).toEqual([model.vocab['<|begin|>']]);
});

describe('damaged and foreign files', () => {
  // biome-ignore lint/suspicious/noExplicitAny: the point is to damage whatever part of the JSON
  test.each<[string, string, string, (json: any) => void]>([
    ['no merges', 'roberta', 'FILE_CORRUPT', (j) => delete j.model.merges],
    ['a merge of three', 'roberta', 'FILE_CORRUPT', (j) => j.model.merges.push(['a', 'b', 'c'])],
    ['a merge without a space', 'roberta', 'FILE_CORRUPT', (j) => j.model.merges.push('ab')],
    ['an unknown token that is a number', 'roberta', 'FILE_CORRUPT', (j) => (j.model.unk_token = 3)],
    ['an unknown token that is missing', 'roberta', 'FILE_CORRUPT', (j) => (j.model.unk_token = '<nothing>')],
    ['BPE with a prefix', 'roberta', 'UNSUPPORTED', (j) => (j.model.continuing_subword_prefix = '##')],
    ['no vocabulary', 'gpt2', 'FILE_CORRUPT', (j) => delete j.model.vocab],
    ['no pieces', 't5', 'FILE_CORRUPT', (j) => (j.model.vocab = [])],
    ['a piece without a score', 't5', 'FILE_CORRUPT', (j) => j.model.vocab.push(['a'])],
    ['a score that is no number', 't5', 'FILE_CORRUPT', (j) => j.model.vocab.push(['a', null])],
    ['no id for the unknown token', 't5', 'FILE_CORRUPT', (j) => (j.model.unk_id = null)],
    ['an unknown id beyond the list', 't5', 'FILE_CORRUPT', (j) => (j.model.unk_id = 600)],
    ['Unigram with bytes', 't5', 'UNSUPPORTED', (j) => (j.model.byte_fallback = true)],
    ['words', 't5', 'UNSUPPORTED', (j) => (j.model.type = 'WordLevel')],
    ['a sequence with a foreign part', 'llama3', 'UNSUPPORTED', (j) => (j.post_processor.processors[0].type = 'X')],
    [
      'a sequence without its tokens',
      'llama3',
      'FILE_CORRUPT',
      (j) => delete j.post_processor.processors[1].special_tokens,
    ],
    ['a post-processor that is no object', 'gpt2', 'FILE_CORRUPT', (j) => (j.post_processor = 7)],
  ])('%s (%s) is %s', (_, kind, code, damage) => {
    const json = JSON.parse(jsonOf(kind));
    damage(json);
    expect(caught(() => open(kind, 512, JSON.stringify(json)))).toMatchObject({
      code,
      message: expect.stringMatching(new RegExp(`^${kind}: expected .*, got .*\\. [A-Z].*\\.$`, 's')),
    });
  });
});
