/** Model cards: what Hugging Face reads of them, what they say, and that they say nothing else. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { mlp } from '../../src/students/images/mlp.ts';
import type { ModelCardFacts } from '../../src/students/model-card.ts';
import { transformerEncoder } from '../../src/students/transformer/transformer-encoder.ts';
import { Student } from '../../src/training/student.ts';
import { tinyStudent, wordNetTexts } from '../training/tiny-problem.ts';

const student = tinyStudent(wordNetTexts(20).texts, { width: 4, dimension: 5, seed: 1 });
const card = (facts?: ModelCardFacts) => student.toFiles({ card: facts }).get('README.md') as string;
const frontMatter = (text: string) => parse(/^---\n(.*?)\n---\n/s.exec(text)?.[1] as string);
const headings = (text: string) => [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) => title);
const image = (classes?: number, channels = 3) =>
  mlp({ widths: [4], channels, size: [2, 3], seed: 0, ...(classes && { classes }) });

const FACTS: ModelCardFacts = {
  name: 'Small sentences',
  license: 'mit',
  teacher: { name: 'all-MiniLM-L6-v2', fingerprint: 'sha256:beef', dimension: 384, parameters: 22_713_216 },
  data: { name: 'WordNet glosses', size: 20_000, fingerprint: 'cafe', skipped: 3 },
  recipe: {
    strategy: 'ContrastiveDistillationStrategy',
    strategyOptions: { temperature: 0.05, mode: 'ntxent' },
    optimizer: { method: 'adamw', learningRate: 0.005 },
    epochs: 6,
    batchSize: 128,
    seed: 1000,
    limbeck: '0.1.0',
  },
  evaluation: { on: '1,000 held-out texts', student: { recallAt1: 0.9666, own: 0.5 }, teacher: { recallAt1: 1 } },
};

describe('front matter', () => {
  it('is YAML that names library, task and tags; a license only where one is given', () => {
    expect(frontMatter(card())).toEqual({
      library_name: 'transformers.js',
      pipeline_tag: 'feature-extraction',
      tags: ['limbeck', 'onnx', 'embeddings', 'knowledge-distillation'],
    });
    expect(frontMatter(card({ license: 'other: "mine"' })).license).toBe('other: "mine"');
  });

  it('images: the task depends on whether they are classified', () => {
    const of = (classes?: number) => frontMatter(image(classes).toFiles().get('README.md') as string);
    expect(of()).toMatchObject({ library_name: 'onnx', pipeline_tag: 'image-feature-extraction' });
    expect(of(3)).toMatchObject({ pipeline_tag: 'image-classification' });
  });
});

describe('what it says', () => {
  it('everything that it is given', () => {
    const text = card(FACTS);
    expect(headings(text)).toEqual([
      'Small sentences',
      'Model',
      'Teacher',
      'Data',
      'Recipe',
      'Evaluation',
      'Use',
      'Limits',
    ]);
    for (const line of [
      '- name: all-MiniLM-L6-v2',
      '- parameters: 22,713,216',
      '- texts trained on: 20,000',
      '- left out: 3',
      '- strategy options: `{"temperature":0.05,"mode":"ntxent"}`',
      '- epochs: 6',
      '- seed: 1000',
      '| own | 0.500 | – |  |',
      'Measured on 1,000 held-out texts, with the files of this directory.',
      `- parameters: ${student.parameterCount.toLocaleString('en')}`,
    ]) {
      expect(text).toContain(line);
    }
    expect(text).toMatch(/^\| R@1 \| 0\.967 \| 1\.000 \| share of held-out/m);
  });

  it('without facts: only what the student knows itself', () => {
    const text = card();
    expect(headings(text)).toEqual(['A distilled student', 'Model', 'Use', 'Limits']);
    expect(text).not.toMatch(/undefined|null|NaN|teacher|\[object/);
    expect(text).toContain('- embedding: 5 numbers, of norm 1');
  });

  it('empty sections and empty metrics leave no heading', () => {
    const text = card({ teacher: {}, data: {}, recipe: {}, evaluation: { student: {} } });
    expect(headings(text)).toEqual(['A distilled student', 'Model', 'Use', 'Limits']);
  });

  it('class names, as many as fit', () => {
    const classNames = Array.from({ length: 25 }, (_, i) => `kind ${i}`);
    const text = image(25).toFiles({ classNames }).get('README.md') as string;
    expect(text).toContain('- classes: 25: kind 0, kind 1,');
    expect(text).toContain('kind 19, … (all in config.json)');
    expect(text).toContain('student.classify');
  });

  it('text from outside is inert', () => {
    const hostile = '<script>x</script>\n# title | `a` [b](c)';
    const text = card({ name: hostile, teacher: { name: hostile }, recipe: { strategyOptions: { a: '`` b' } } });
    expect(text).not.toMatch(/(?<!\\)<script|^# title/m);
    expect(headings(text)[0]).toBe('\\<script\\>x\\</script\\> \\# title \\| \\`a\\` \\[b\\](c)');
    expect(text).toContain('``` {"a":"`` b"} ```');
  });
});

describe('how to use it', () => {
  it('the code for Limbeck runs as it stands', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'limbeck-card-'));
    const { tokenizer } = student;
    const sizes = { layers: 1, heads: 1, hidden: 4, classes: 2, seed: 0 };
    const path = join(directory, 'student');
    await transformerEncoder(tokenizer, sizes).save(path, { classNames: ['a', 'b'] });
    const text = transformerEncoder(tokenizer, sizes).toFiles().get('README.md') as string;
    const code = `${/```js\n(.*?)```/s.exec(text)?.[1]}`
      .replace("import { Student } from 'limbeck';", '')
      .replace("Student.load('.')", 'Student.load(path)');
    const run = new Function('Student', 'path', `return (async () => { ${code}; return { rows, label, score }; })();`);
    const { rows, label, score } = await run(Student, path);
    expect([rows.rows, rows.columns]).toEqual([1, 4]);
    expect(['a', 'b']).toContain(label);
    expect(score).toBeGreaterThanOrEqual(0.5);
    rmSync(directory, { recursive: true });
  });

  it('Python gets the inputs and outputs that the model has', () => {
    const python = (text: string) => /```python\n(.*?)```/s.exec(text)?.[1] as string;
    expect(python(card())).toContain("'attention_mask': np.array([text.attention_mask for text in texts], np.int64),");
    expect(python(card())).not.toContain('token_type_ids');
    const pictures = python(image(3).toFiles().get('README.md') as string);
    expect(pictures).toContain(".convert('RGB').resize((3, 2))");
    expect(pictures).toContain("feeds = {'pixel_values': pixels}");
    expect(pictures).toContain("session.run(['logits'], feeds)");
    const vectors = python(image(undefined, 5).toFiles().get('README.md') as string);
    expect(vectors).toContain('np.zeros((1, 5, 2, 3)');
    expect(vectors).not.toContain('PIL');
  });
});
