/** The configuration: what is read, what is refused and where, and that everything that follows from the schema is current. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commentedConfig } from '../../src/config/commented-config.ts';
import { compareSchema } from '../../src/config/compare-schema.ts';
import { parseConfigText } from '../../src/config/config-text.ts';
import { compareJsonSchema, configJsonSchema } from '../../src/config/json-schema.ts';
import { parseConfig } from '../../src/config/read-config.ts';
import { renderReference } from '../../src/config/reference.ts';
import { type ConfigInput, configSchema } from '../../src/config/schema.ts';
import { type SchemaNode, sectionOf } from '../../src/config/schema-tree.ts';
import { configToYaml, differences } from '../../src/config/write-config.ts';
import { caught } from '../caught.ts';
import { repository } from '../cli/compiled-command.ts';

type Flags = Readonly<Record<string, string>>;

const parse = (text: string, flags: Flags = {}) =>
  parseConfig(parseConfigText(text, 'a.yaml'), {
    file: 'a.yaml',
    overrides: Object.entries(flags).map(([key, value]) => ({ path: key.split('.'), text: value, flag: `--${key}` })),
  });
/** The lines of what is wrong. */
const wrong = (text: string, flags: Flags = {}) => {
  const { code, message } = caught(() => parse(text, flags));
  expect(code).toBe('INVALID_OPTION');
  return message.split('\n');
};

const SMALL = 'data: { texts: a.jsonl }\nteacher: { bert: dir }\n';

describe('reading', () => {
  it('a small file is a whole run', () => {
    expect(parse(SMALL)).toMatchObject({
      name: 'a',
      data: { validation: 0.05 },
      cache: { directory: '.limbeck/teacher-cache', dtype: 'float32' },
      student: {
        kind: 'static',
        width: 144,
        precision: 'int8',
        tokenizer: 'teacher',
        pruned: true,
        initialization: 'teacher',
      },
      strategy: {
        kind: 'hybrid',
        parts: [
          { kind: 'feature', weight: 1, distance: 'cosine' },
          { kind: 'contrastive', weight: 0.2, contrastiveWeight: 1, mode: 'ntxent', negativesSampleSize: 8192 },
        ],
      },
      training: { epochs: 10, optimizer: { method: 'adamw', learningRate: 0.005 } },
      output: { directory: 'runs/a' },
    });
    const images = parse('data: { images: photos, labelColumn: x }\nteacher: none\nstrategy: { kind: supervised }\n');
    expect(images).toMatchObject({
      student: { kind: 'resnet', depth: 20 },
      training: { optimizer: { learningRate: 0.001 } },
    });
    expect(parse('data: { texts: a.txt }\nteacher: { embeddings: a.npy }').student).toMatchObject({
      tokenizer: 'train',
      vocabularySize: 8192,
    });
  });

  it('the recipe of texts is for static students with a teacher that nothing else is said of', () => {
    const strategy = (text: string, flags: Flags = {}) => parse(text, flags).strategy;
    const contrastive = { kind: 'contrastive', temperature: 0.05, negativesSampleSize: 16384, mode: 'ntxent' };
    expect(strategy(`${SMALL}student: { width: 32 }\nstrategy:\n`).kind).toBe('hybrid');
    expect(strategy(`${SMALL}strategy: {}\n`)).toMatchObject(contrastive);
    expect(strategy(SMALL, { 'strategy.mode': 'triplet' })).toMatchObject({ ...contrastive, mode: 'triplet' });
    expect(strategy(`${SMALL}student: { kind: transformer, fromTeacher: [0] }\n`)).toMatchObject(contrastive);
    const images = 'data: { images: photos }\nteacher: { onnx: a.onnx, embeddings: e }\n';
    expect(strategy(images)).toMatchObject(contrastive);
  });

  it('JSON is read as YAML is; a key with nothing behind it is left out', () => {
    expect(parse('{"data": {"texts": "a.jsonl"}, "teacher": {"bert": "dir"}}')).toEqual(parse(SMALL));
    expect(parse(`${SMALL}training:\n  earlyStopping:\n  epochs:\nname:\n`)).toEqual(parse(SMALL));
  });

  it('written out and read again it is the same, whatever it is', () => {
    for (const more of [
      '',
      'student: { kind: transformer, layers: 2, heads: 2, hidden: 8 }',
      'student: { kind: transformer, fromTeacher: [0, 5] }',
      'strategy: { kind: hybrid, parts: [{ kind: feature }, { kind: contrastive, weight: 0.5, bank: 7 }] }',
      'training: { optimizer: { method: sgd, momentum: 0 }, earlyStopping: { metric: meanCosine } }',
    ]) {
      const config = parse(`${SMALL}${more}`);
      expect(parse(configToYaml(config)), more).toEqual(config);
      expect(configToYaml(parse(configToYaml(config)))).toBe(configToYaml(config));
      expect(parse(JSON.stringify(config))).toEqual(config);
    }
  });
});

describe('flags go over the file', () => {
  it('text becomes what the schema asks for', () => {
    const config = parse(SMALL, {
      'training.epochs': '5',
      name: '007',
      'student.tokenizer': 'train',
      'training.milestones': '[0.5]',
    });
    expect(config).toMatchObject({ name: '007', student: { tokenizer: 'train' } });
    expect(config.training).toMatchObject({ epochs: 5, milestones: [0.5] });
  });

  it('another kind keeps of the old options what it knows', () => {
    const file = `${SMALL}student: { kind: static, width: 3, pruned: false }\ntraining: { optimizer: { beta1: 0.5, epsilon: 1 } }`;
    const config = parse(file, {
      'student.kind': 'transformer',
      'student.fromTeacher': '[1]',
      'training.optimizer.method': 'lion',
    });
    expect(config.student).toEqual({ kind: 'transformer', fromTeacher: [1], pruned: false, tokenizer: 'teacher' });
    expect(config.training.optimizer).toMatchObject({ method: 'lion', beta1: 0.5, beta2: 0.99 });
    expect(config.training.optimizer).not.toHaveProperty('epsilon');
  });

  it('another teacher replaces the teacher; a key that two have belongs to the one that is there', () => {
    expect(parse(SMALL, { 'teacher.embeddings': 'r.npy' }).teacher).toMatchObject({
      embeddings: 'r.npy',
      align: 'order',
    });
    const onnx = 'data: { texts: a.txt }\nteacher: { onnx: m.onnx, embeddings: x, tokenizer: t.json }';
    expect(parse(onnx, { 'teacher.embeddings': 'y' }).teacher).toMatchObject({ onnx: 'm.onnx', embeddings: 'y' });
    expect(
      parse(SMALL, {
        teacher: 'none',
        'strategy.kind': 'supervised',
        'data.labelColumn': 'l',
        'student.kind': 'transformer',
        'student.layers': '1',
        'student.heads': '1',
        'student.hidden': '4',
      }).teacher,
    ).toBe('none');
  });
});

describe('refused, with file and line or flag', () => {
  it.each([
    [
      'data: { texts: a.txt }\nteacher: { bert: d }\nepochs: 3',
      'a.yaml, line 3: epochs: unknown key. Did you mean training.epochs?',
    ],
    [
      'data:\n  texts: a.txt\n  validtion: 0\nteacher: { bert: d }',
      'a.yaml, line 3: data.validtion: unknown key. Did you mean validation?',
    ],
    [
      'data: { texts: a.txt }\nteacher: { brt: d }',
      'a.yaml, line 2: teacher.brt: expected one of the keys bert, onnx, transformers, embeddings or ensemble, got brt. Did you mean bert?',
    ],
    [
      `${SMALL}student:\n  kind: statc`,
      'a.yaml, line 4: student.kind: expected static, transformer, resnet, wideResnet, mobilenet, mlp or onnx, got "statc". Did you mean static?',
    ],
    [
      `${SMALL}training:\n\n  epochs: 0.5`,
      'a.yaml, line 5: training.epochs: expected a whole number ≥ 1: passes over the data, got 0.5.',
    ],
    [
      `${SMALL}strategy: { kind: hybrid, parts: [{ kind: feature }, { kind: response, temperature: -1 }] }`,
      'a.yaml, line 3: strategy.parts[1].temperature: expected a finite number > 0: softens the logits, got -1.',
    ],
    ['teacher: { bert: d }', 'a.yaml, line 1: data: expected what to train on: texts or images, got nothing.'],
    ['- 1', 'a.yaml, line 1: expected keys with values, got a list of 1.'],
  ])('%s', (text, message) => expect(wrong(text)).toContain(message));

  it('everything that is wrong, in the order of the lines; flags by their names', () => {
    const lines = wrong('data: { texts: 3 }\nteacher: { bert: d }\nnme: x', { 'training.seed': '-1' });
    expect(lines.map((line) => line.split(': ')[0])).toEqual(['--training.seed', 'a.yaml, line 1', 'a.yaml, line 3']);
  });

  it.each([
    ['data: { texts: [\n', /^a\.yaml, line \d+, column \d+: expected YAML or JSON/],
    ['a: 1\na: 2', /line 2, column 1.*unique/],
  ])('what is no YAML: %s', (text, message) => expect(wrong(text)[0]).toMatch(message));

  it.each([
    ['data: { texts: a.txt, images: b }\nteacher: { bert: d }', 'data: expected either texts or images, got both'],
    ['data: { texts: a.txt, size: 3 }\nteacher: { bert: d }', 'data.size: expected only with images'],
    ['data: { texts: a.txt }\nteacher: none', 'teacher: expected a teacher for strategy contrastive, got none'],
    [
      'data: { texts: a.txt }\nteacher: none\nstrategy: { kind: supervised }',
      'data.labelColumn: expected the name of a column, since strategy supervised',
    ],
    [
      `${SMALL}strategy: { kind: response }`,
      'strategy.kind: expected a strategy for embeddings, since a static student does not classify',
    ],
    [`${SMALL}strategy: { mode: infonce, bank: true }`, 'strategy.bank: expected false: mode infonce'],
    [
      `${SMALL}student: { kind: mlp, widths: [3] }`,
      'student.kind: expected static or transformer or onnx for texts, got mlp',
    ],
    ['data: { images: x }\nteacher: { bert: d }', 'teacher: expected a teacher for images, got bert'],
    [
      'data: { texts: a.txt }\nteacher: { embeddings: e.npy }\nstudent: { tokenizer: teacher }',
      "student.tokenizer: expected 'train' or the path",
    ],
    [
      'data: { texts: a.txt }\nteacher: { embeddings: e.npy }\nstudent: { initialization: teacher }',
      "student.initialization: expected 'random'",
    ],
    [
      'data: { texts: a.txt, validation: 0 }\nteacher: { bert: d }\ntraining: { earlyStopping: { metric: x } }',
      'data.validation: expected a share above 0',
    ],
    [
      'data: { texts: a.txt }\nteacher: { embeddings: e.jsonl, align: id }',
      'data.idColumn: expected the name of a column',
    ],
    [
      'data: { texts: a.txt, validationFile: b.txt }\nteacher: { embeddings: e.npy }',
      "teacher.align: expected 'id' with data.validationFile",
    ],
    [`${SMALL}training: { batching: balanced }`, 'data.labelColumn: expected the name of a column with classes'],
  ])('what does not go together: %s', (text, message) => {
    expect(
      wrong(text).some((line) => line.includes(message)),
      wrong(text).join('\n'),
    ).toBe(true);
  });
});

describe('what follows from the schema', () => {
  it('docs/configuration.md and limbeck.schema.json are current: npm run reference writes them', () => {
    const read = (name: string) => readFileSync(join(repository, name), 'utf8');
    expect(read('docs/configuration.md')).toBe(renderReference());
    expect(JSON.parse(read('limbeck.schema.json'))).toEqual(configJsonSchema());
    expect(JSON.parse(read('limbeck.compare.schema.json'))).toEqual(compareJsonSchema());
  });

  it('every key has a description', () => {
    const visit = (node: SchemaNode, path: string): string[] => {
      if (node.type === 'list' || node.type === 'map') return visit(node.item, path);
      if (node.type === 'choice') return [...node.options.values()].flatMap((option) => visit(option, path));
      if (node.type === 'value') return [];
      return [...node.fields].flatMap(([name, field]) => [
        ...(field.node.type === 'value' && field.description.length < 5 ? [`${path}.${name}`] : []),
        ...visit(field.node, `${path}.${name}`),
      ]);
    };
    expect(visit(sectionOf(configSchema), '')).toEqual([]);
    expect(visit(sectionOf(compareSchema), '')).toEqual([]);
  });

  it('a commented file is the configuration that it was made of; its comments can be taken away', () => {
    const values: ConfigInput = {
      data: { texts: 'a.jsonl', column: 'body' },
      teacher: { bert: 'dir' },
      student: { kind: 'static' },
      strategy: { kind: 'contrastive' },
      training: { epochs: 3 },
    };
    const text = commentedConfig(values, './schema.json');
    expect(text).toMatch(/^# yaml-language-server: \$schema=\.\/schema\.json\n/);
    expect(parse(text)).toEqual(parse(JSON.stringify(values)));
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
    // Every default that is shown is one: uncommented, nothing changes.
    const shown = text.replace(/^( *)# (\w+: \S.*)$/gm, (line, indent, rest) =>
      /: (a|the|one|true|false,) /.test(line) ? line : indent + rest,
    );
    expect(parse(shown).training).toEqual(parse(text).training);
    expect(shown).toContain('  batchSize: 256');
  });

  it('which keys two runs have different', () => {
    expect(differences({ a: { b: 1, c: [1] }, d: 2 }, { a: { b: 1, c: [2] }, e: 3 })).toEqual([
      'a.c: then [1], now [2]',
      'd: then 2, now nothing',
      'e: then nothing, now 3',
    ]);
  });
});
