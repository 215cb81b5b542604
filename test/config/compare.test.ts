/** The configuration of comparisons: which runs it means, what is refused and where. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { METHOD_NAMES } from '../../src/config/compare-methods.ts';
import { sumOfStrategies } from '../../src/config/compare-runs.ts';
import { NAMED_SECTIONS } from '../../src/config/compare-schema.ts';
import { parseConfigText } from '../../src/config/config-text.ts';
import { parseComparison, readComparison } from '../../src/config/read-compare.ts';
import { caught } from '../caught.ts';

const parse = (text: string, flags: Readonly<Record<string, string>> = {}) =>
  parseComparison(parseConfigText(text, '/where/a.yaml', NAMED_SECTIONS), {
    file: '/where/a.yaml',
    overrides: Object.entries(flags).map(([key, value]) => ({ path: key.split('.'), text: value, flag: `--${key}` })),
  });
const wrong = (text: string, flags: Readonly<Record<string, string>> = {}) => {
  const { code, message } = caught(() => parse(text, flags));
  expect(code).toBe('INVALID_OPTION');
  return message.split('\n');
};

const TEXTS = 'data: { texts: a.jsonl }\nteacher: { embeddings: a.npy }\nstudents: { small: { width: 4 } }\n';
const IMAGES =
  'data: { images: photos }\nteacher: { onnx: t.onnx, embeddings: e, outputs: o }\nstudents: { r: , m: { kind: mlp, widths: [8] } }\n';

const idsOf = (text: string) => parse(text).runs.map(({ method, student, seed }) => `${method} ${student} ${seed}`);
const strategyOf = (text: string, name: string) =>
  parse(text).runs.find(({ method }) => method === name)?.config.strategy;

describe('the runs', () => {
  it('every method on every student with every seed, a seed after the other', () => {
    expect(idsOf(`${TEXTS}methods: [cosine, mse]\nseeds: [4, 2]`)).toEqual([
      ...['cosine small 4', 'mse small 4', 'cosine small 2', 'mse small 2'],
    ]);
    expect(idsOf(`${IMAGES}methods: [scratch, hinton]\nseeds: 1`)).toEqual([
      ...['scratch r 0', 'hinton r 0', 'scratch m 0', 'hinton m 0'],
    ]);
    expect(parse(`${TEXTS}methods: [cosine]`).seeds).toEqual([0, 1, 2]);
  });

  it('a method may be for some students only', () => {
    expect(idsOf(`${IMAGES}methods: { scratch: , hinton: { students: [m] } }\nseeds: 1`)).toEqual([
      ...['scratch r 0', 'scratch m 0', 'hinton m 0'],
    ]);
  });

  it('every method by name is a configuration that holds', () => {
    const { runs } = parse(`${IMAGES}methods: [${METHOD_NAMES.join(', ')}]\nseeds: 1`);
    expect(runs).toHaveLength(2 * METHOD_NAMES.length);
    expect(runs.filter(({ trained }) => !trained).map(({ method }) => method)).toEqual(['untrained', 'untrained']);
    const onTexts = METHOD_NAMES.filter((name) => name !== 'scratch' && name !== 'hinton');
    expect(parse(`${TEXTS}methods: [${onTexts.join(', ')}]\nseeds: 1`).runs).toHaveLength(onTexts.length);
  });

  it('budgets are alike: the same data, training and student, but for what a method says', () => {
    const { runs } = parse(
      `${TEXTS}training: { epochs: 7, optimizer: { learningRate: 0.1, clipNorm: 2 } }\nseeds: 1\n` +
        'methods: { cosine: , mse: { training: { epochs: 9, optimizer: { learningRate: 0.2 } } }, lion: { method: mse, training: { optimizer: { method: lion } } } }',
    );
    const [cosine, mse, lion] = runs.map(({ config }) => config);
    expect(cosine.training).toMatchObject({ epochs: 7, optimizer: { learningRate: 0.1, clipNorm: 2 } });
    expect(mse.training).toMatchObject({ epochs: 9, optimizer: { learningRate: 0.2, clipNorm: 2 } });
    expect(lion.training.optimizer).toMatchObject({ method: 'lion', learningRate: 0.0001 });
    expect(lion.training.optimizer).not.toHaveProperty('clipNorm');
    expect(mse.data).toEqual(cosine.data);
    expect(mse.student).toEqual(cosine.student);
  });

  it('labels go to methods that have a use for the outputs', () => {
    const { runs } = parse(
      `${IMAGES}methods: { scratch: , crd: , cosine: , both: { sum: { scratch: 1, crd: 1 } } }\nseeds: 1`,
    );
    const uses = Object.fromEntries(runs.map(({ method, config }) => [method, config.training.useLabels]));
    expect(uses).toEqual({ scratch: true, crd: false, cosine: false, both: true });
  });

  it('every run of a student is asked to do what any method needs', () => {
    const { runs } = parse(`${IMAGES}methods: [untrained, scratch, cosine]\nseeds: 1`);
    expect(sumOfStrategies(runs.filter(({ student }) => student === 'm'))).toMatchObject({
      kind: 'hybrid',
      parts: [{ kind: 'supervised' }, { kind: 'feature' }],
    });
  });
});

describe('methods', () => {
  it('one by name, with options of its own over it; another kind takes nothing over', () => {
    const text = `${TEXTS}seeds: 1\nmethods: { cosine: , cold: { method: ntxent-bank, strategy: { temperature: 0.02 } }, mse: { strategy: { kind: relational, angleWeight: 3 } } }`;
    expect(strategyOf(text, 'cold')).toMatchObject({
      kind: 'contrastive',
      temperature: 0.02,
      contrastiveWeight: 1,
      bank: 100_000,
    });
    expect(strategyOf(text, 'mse')).toEqual({ kind: 'relational', distanceWeight: 25, angleWeight: 3 });
  });

  it('sums: weights multiply, names mean the methods of the file, inside their own sum those built in', () => {
    const text =
      `${TEXTS}seeds: 1\nmethods: { cold: { method: ntxent, strategy: { temperature: 0.02 } }, sum: { sum: { cosine: 1, cold: 0.5 } }, ` +
      'mse: { sum: { mse: 2, cosine: 1 } }, parts: { strategy: { kind: hybrid, parts: [{ kind: feature, weight: 3 }] } }, twice: { sum: { parts: 2 } } }';
    expect(strategyOf(text, 'sum')).toMatchObject({
      parts: [
        { kind: 'feature', weight: 1 },
        { kind: 'contrastive', temperature: 0.02, weight: 0.5 },
      ],
    });
    expect(strategyOf(text, 'mse')).toMatchObject({
      parts: [
        { distance: 'squared', weight: 2 },
        { distance: 'cosine', weight: 1 },
      ],
    });
    expect(strategyOf(text, 'twice')).toMatchObject({ parts: [{ kind: 'feature', weight: 6 }] });
  });

  it('a list, a list with definitions, a map: all the same', () => {
    const [list, mixed, map] = ['[cosine, mse]', '[cosine, { mse: }]', '{ cosine: , mse: }'].map(
      (methods) => parse(`${TEXTS}methods: ${methods}\nseeds: 1`).runs,
    );
    expect(mixed).toEqual(list);
    expect(map).toEqual(list);
  });

  it('the baseline: cosine where it is there, else the first that is trained', () => {
    expect(parse(`${TEXTS}methods: [untrained, mse, cosine]`).baseline).toBe('cosine');
    expect(parse(`${TEXTS}methods: [untrained, mse]`).baseline).toBe('mse');
    expect(parse(`${TEXTS}methods: [mse, cosine]\nbaseline: mse`).baseline).toBe('mse');
  });
});

describe('paths', () => {
  it('are relative to the file, and stay as written in records', () => {
    const { runs, directory, test } = parse(
      'data: { texts: a.jsonl, validationFile: ../v.txt }\ntest: { file: t.jsonl }\nteacher: { ensemble: [{ bert: m }, { transformers: Org/model }] }\n' +
        'students: { s: { tokenizer: tok.json } }\nmethods: [similarity-preserving]\nseeds: 1',
    );
    expect(directory).toBe('/where/runs/a');
    expect(test.file).toBe('/where/t.jsonl');
    expect(runs[0].config).toMatchObject({
      data: { texts: '/where/a.jsonl', validationFile: '/v.txt' },
      teacher: { ensemble: [{ bert: '/where/m' }, { transformers: 'Org/model' }] },
      student: { tokenizer: '/where/tok.json' },
      cache: { directory: '/where/.limbeck/teacher-cache' },
    });
    expect(runs[0].written.data.texts).toBe('a.jsonl');
    expect(parse(`${TEXTS}methods: [cosine]`).runs[0].config.student).toMatchObject({ tokenizer: 'train' });
  });

  it('a file that is there is read; one that is not is said', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'limbeck-compare-'));
    const file = join(folder, 'b.yaml');
    writeFileSync(file, `${TEXTS}methods: [cosine]`);
    expect((await readComparison({ file, out: 'elsewhere' })).directory).toBe(join(process.cwd(), 'elsewhere'));
    await expect(readComparison({ file: join(folder, 'c.yaml') })).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    rmSync(folder, { recursive: true });
  });
});

describe('refused, with file and line or flag', () => {
  it.each([
    ['students: { s: }\nmethods: [cosine]', 'line 1: data: expected what to train on'],
    [
      `${TEXTS}methods: [cosin]`,
      'methods.cosin: expected method, strategy or sum, since no method of this name is built in, got none. Did you mean cosine?',
    ],
    [`${TEXTS}methods: [3]`, 'line 4: methods: expected a list of names, or names with what they are, got a list of 1'],
    [`${TEXTS}methods: [untrained]`, 'methods: expected at least one method that trains, got none'],
    [`${TEXTS}methods: []`, 'methods: expected at least one method that trains, got none'],
    [
      `${TEXTS}methods: { cosine: { strategy: { distnce: x } } }`,
      'methods.cosine.strategy.distnce: unknown key. Did you mean distance?',
    ],
    [`${TEXTS}methods: { x: { sum: { cosine: 1, hintn: 1 } } }`, 'Did you mean hinton?'],
    [
      `${TEXTS}methods: { x: { sum: { cosine: 1 } }, y: { sum: { x: 1 } } }`,
      'methods.y.sum.x: expected the name of a method that is no sum',
    ],
    [
      `${TEXTS}methods: { x: { sum: { cosine: 1 }, method: mse } }`,
      'methods.x: expected either sum, or method and strategy, got both',
    ],
    [
      `${TEXTS}methods: { cosine: , untrained: { training: { epochs: 3 } } }`,
      'methods.untrained: expected neither strategy nor training',
    ],
    [
      `${TEXTS}methods: { cosine: { students: [smal] } }`,
      'methods.cosine.students[0]: expected the name of a student: small, got smal. Did you mean small?',
    ],
    [`${TEXTS}methods: [cosine]\nbaseline: mse`, 'line 5: baseline: expected the name of a method: cosine, got mse'],
    [`${TEXTS}methods: [cosine]\nmetrics: [recal]`, 'line 5: metrics[0]: expected the name of a metric'],
    [`${TEXTS}methods: [cosine]\nseeds: [1, 1]`, 'line 5: seeds: expected every seed once'],
    [`${TEXTS}methods: [cosine]\nmeasureOn: validation`, 'line 5: measureOn: expected data.validation above 0'],
    [
      `${TEXTS}methods: [cosine]\ntest: { file: t.jsonl }`,
      "line 2: teacher.align: expected 'id' with test.file, whose samples have no place in the order of the rows",
    ],
    [
      `${TEXTS}methods: [cosine]\ntest: { classes: other }`,
      "line 5: test.classes: expected 'same' without test.file, since a share of the data has its classes",
    ],
    [`${TEXTS}methods: [cosine]\ntest: { share: 1 }`, 'line 5: test.share: expected a number between 0 and 1'],
    [`${TEXTS}methods: [cosine]\ntraining: { seed: 3 }`, 'line 5: training.seed: expected in seeds'],
    [
      `${TEXTS}methods: [cosine]\ntraining: { earlyStopping: { metric: x } }`,
      'training.earlyStopping: expected nothing: comparisons report the last step',
    ],
    [`${TEXTS}methods: [cosine]\ntraining: { checkpoint: { best: x } }`, 'training.checkpoint.best: expected nothing'],
    [`${TEXTS}methods: { cosine: { training: { seed: 3 } } }`, 'methods.cosine.training.seed: expected in seeds'],
    [`${TEXTS}methods: [cosine]\nstudent: { width: 3 }`, 'line 5: student: expected in students'],
    [
      'data: { texts: a }\nteacher: none\nstudents: { "../up": }\nmethods: [cosine]',
      'expected a name of letters, digits',
    ],
    [
      `${TEXTS}methods: [hinton]`,
      'methods.hinton.strategy.kind: expected a strategy for embeddings, since a static student does not classify, got response (student small)',
    ],
    [`${TEXTS}methods: [scratch]`, 'line 1: data.labelColumn: expected the name of a column'],
    [
      'data: { texts: a }\nteacher: none\nstudents: { s: }\nmethods: [cosine]',
      'line 2: teacher: expected a teacher for strategy feature, got none',
    ],
    [
      `${TEXTS.replace('width: 4', 'kind: mlp, widths: [3]')}methods: [cosine]`,
      'students.small.kind: expected static or transformer or onnx for texts, got mlp',
    ],
  ])('%s', (text, message) => {
    const lines = wrong(text);
    expect(
      lines.some((line) => line.includes(message)),
      lines.join('\n'),
    ).toBe(true);
  });

  it('what a flag said, by the flag; a problem of many runs once', () => {
    expect(wrong(`${TEXTS}methods: [cosine, mse]`, { 'training.epochs': '0' })).toEqual([
      expect.stringMatching(/^--training\.epochs: training\.epochs: expected a whole number ≥ 1/),
    ]);
    expect(wrong(`${TEXTS}methods: { cosine: , mse: }\nseeds: 3`, { 'data.size': '3' })).toHaveLength(1);
  });
});
