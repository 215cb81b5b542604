/** `limbeck compare`, compiled and run as users run it: a whole comparison, gone on with, broken off, and everything that is refused. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSamples } from '../../src/cli/compare-samples.ts';
import { parseIdxImages } from '../../src/data/idx.ts';
import { writeNpy } from '../../src/data/npy.ts';
import { readTexts } from '../../src/data/read-texts.ts';
import { splitByHash } from '../../src/data/split-by-hash.ts';
import { evaluateModel } from '../../src/evaluation/evaluate-model.ts';
import { everyNumber } from '../../src/matrix/every-number.ts';
import {
  type ComparisonResult,
  parseComparisonRecord,
  parseComparisonResults,
} from '../../src/report/comparison-record.ts';
import type { ComparisonSummary } from '../../src/report/comparison-summary.ts';
import { Student } from '../../src/training/student.ts';
import { naiveCosine } from '../evaluation/naive.ts';
import { MNIST } from '../material.ts';
import { compileCommand, complaint, type Finished, runCommand } from './compiled-command.ts';
import { bagOfWords, writeGlosses } from './small-data.ts';

const CONFIG = `data: { texts: glosses.jsonl, labelColumn: label }
test: { share: 0.2 }
teacher: { embeddings: glosses.npy }
students:
  small: { width: 8, vocabularySize: 600 }
methods:
  - cosine
  - ntxent-bank
seeds: 2
training: { epochs: 3, batchSize: 32, checkpoint: { every: 5 } }
`;

let root: string;
let main: string;
beforeAll(async () => {
  ({ root, main } = compileCommand());
  mkdirSync(join(root, 'experiment'));
  await writeGlosses(join(root, 'experiment'), 400);
  writeFileSync(at('experiment/glosses.yaml'), CONFIG);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const at = (...path: string[]): string => join(root, ...path);
const compare = (args: readonly string[], how: { signal?: NodeJS.Signals; when?: RegExp } = {}): Promise<Finished> =>
  runCommand(main, ['compare', ...args], how);
const FILE = 'experiment/glosses.yaml';
const DIRECTORY = 'experiment/runs/glosses';
const resultsOf = (directory: string): ComparisonResult[] =>
  parseComparisonResults(readFileSync(at(directory, 'results.jsonl'), 'utf8'));
const summaryOf = (directory: string) =>
  JSON.parse(readFileSync(at(directory, 'summary.json'), 'utf8')) as ComparisonSummary;
const figures = (results: readonly ComparisonResult[]) =>
  Object.fromEntries(results.map(({ method, student, seed, metrics }) => [`${method} ${student} ${seed}`, metrics]));

describe('a comparison', () => {
  it('paths are relative to the file; a line a run, a table, CSV, JSON and a page', async () => {
    const { code, stdout, stderr } = await compare([FILE]);
    expect([code, complaint(stderr)]).toEqual([0, []]);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(stdout).toMatch(/small: static embeddings[\s\S]*R@1[\s\S]*ntxent-bank[\s\S]*Difference to cosine/);
    const results = resultsOf(DIRECTORY);
    expect(results.map(({ method, seed }) => [method, seed])).toEqual([
      ...[
        ['cosine', 0],
        ['ntxent-bank', 0],
        ['cosine', 1],
        ['ntxent-bank', 1],
      ],
    ]);
    const record = parseComparisonRecord(readFileSync(at(DIRECTORY, 'comparison.json'), 'utf8'));
    expect(record).toMatchObject({ status: 'complete', baseline: 'cosine', measuredOn: 'test', students: ['small'] });
    expect(record.data.train + (record.data.heldOut ?? 0)).toBe(400);
    // Equal budgets, and said so.
    expect(
      new Set(results.map(({ steps, samplesSeen, parameters }) => `${steps} ${samplesSeen} ${parameters}`)).size,
    ).toBe(1);
    expect(results[0].samplesSeen).toBe(3 * record.data.train);
    expect(stdout.replaceAll('\n', ' ')).toMatch(/Every method was trained for \d+ steps/);
    const csv = readFileSync(at(DIRECTORY, 'results.csv'), 'utf8').trim().split('\r\n');
    expect(csv).toHaveLength(5);
    expect(csv[0]).toMatch(/^student,method,seed,.*recallAt1/);
    expect(Number(csv[1].split(',')[csv[0].split(',').indexOf('recallAt1')])).toBe(results[0].metrics.recallAt1);
    const page = readFileSync(at(DIRECTORY, 'report.html'), 'utf8');
    expect(page).toMatch(/<\/html>\s*$/);
    expect(page).not.toMatch(/(src|href)=/);
    expect(existsSync(at(DIRECTORY, 'unfinished'))).toBe(false);
  });

  it('the figures are those of the saved student on the test part, which no training saw', async () => {
    const all = await readTexts(at('experiment/glosses.jsonl'), { labelColumn: 'label', deduplicate: false });
    const { heldOut } = await splitByHash(all, { share: 0.2 });
    const texts = await heldOut.read(everyNumber(heldOut.size));
    const student = await Student.load(at(DIRECTORY, 'runs/small/ntxent-bank/seed-1/student'));
    const { metrics } = await evaluateModel({ model: student, data: heldOut, teacher: bagOfWords(texts) });
    await student.release();
    expect(figures(resultsOf(DIRECTORY))['ntxent-bank small 1']).toEqual(metrics);
  });

  it('differences are judged by their intervals, over seeds and test samples', () => {
    const [{ methods }] = summaryOf(DIRECTORY).students;
    const found = methods.find(({ name }) => name === 'ntxent-bank')?.differences ?? {};
    const { samples } = summaryOf(DIRECTORY);
    for (const key of ['recallAt1', 'meanCosine', 'knnAccuracy']) {
      const { mean, low, high, outcome, seeds, samples: over } = found[key];
      expect([seeds, over]).toEqual([2, samples]);
      expect((low as number) <= mean && mean <= (high as number), key).toBe(true);
      const holdsZero = (low as number) <= 0 && (high as number) >= 0;
      expect(outcome === 'no difference seen', key).toBe(holdsZero);
    }
    expect(Object.values(found).some(({ outcome }) => outcome === 'no difference seen')).toBe(true);
  });

  it('started once more nothing is trained; a new method and a new seed are, and only they', async () => {
    const before = resultsOf(DIRECTORY);
    const again = await compare([FILE, '--json']);
    expect([again.code, again.stderr]).toEqual([0, expect.not.stringMatching(/^(train|run|teacher) /m)]);
    expect((JSON.parse(again.stdout) as ComparisonSummary).done).toBe(4);
    writeFileSync(
      at('experiment/more.yaml'),
      CONFIG.replace('  - cosine\n', '  - cosine\n  - untrained\n').replace('seeds: 2', 'seeds: 3'),
    );
    const more = await compare(['experiment/more.yaml', '--out', DIRECTORY]);
    expect(more.code).toBe(0);
    expect(more.stderr).toMatch(/^resume +4 of 9 runs are done$/m);
    expect(resultsOf(DIRECTORY).slice(0, 4)).toEqual(before);
    expect(summaryOf(DIRECTORY)).toMatchObject({ done: 9, planned: 9 });
    // The smaller comparison still knows its own.
    await compare([FILE]);
    expect(summaryOf(DIRECTORY)).toMatchObject({ done: 4, planned: 4 });
  });

  it('drawn anew from the files alone it is the same, by compare --render and by report', async () => {
    const files = ['results.csv', 'summary.json', 'report.html'];
    const read = () => files.map((name) => readFileSync(at(DIRECTORY, name), 'utf8'));
    const before = read();
    for (const name of files) rmSync(at(DIRECTORY, name));
    const drawn = await compare(['--render', DIRECTORY]);
    expect([drawn.code, drawn.stderr]).toEqual([0, '']);
    expect(read()).toEqual(before);
    const report = await runCommand(main, ['report', DIRECTORY, '--out', 'page.html', '--json']);
    expect(JSON.parse(report.stdout)).toMatchObject({ report: 'page.html', name: 'glosses', done: 4 });
    expect(readFileSync(at('page.html'), 'utf8')).toBe(before[2]);
  });

  it('--plan says what would be run, and runs nothing', async () => {
    const { code, stdout, stderr } = await compare([FILE, '--plan', '--out', 'nowhere']);
    expect([code, stderr, existsSync(at('nowhere'))]).toEqual([0, '', false]);
    expect(stdout).toMatch(/^4 runs into .*nowhere, held against cosine\n/);
    expect(stdout).toContain('ntxent-bank, small, seed 1');
  });
});

describe('what the page is drawn from', () => {
  const page = (directory: string) => readFileSync(at(directory, 'report.html'), 'utf8');

  it('texts with labels and rows of teacher and students: of one seed, the same samples for all', async () => {
    const record = parseComparisonRecord(readFileSync(at(DIRECTORY, 'comparison.json'), 'utf8'));
    const samples = await readSamples(at(DIRECTORY), record, record.runs);
    expect(samples?.texts).toHaveLength(record.data.heldOut as number);
    expect(samples?.classes.every((name) => /^(noun|verb)\.|^adj|^adv/.test(name ?? ''))).toBe(true);
    expect([...(samples?.rows.keys() ?? [])].sort()).toEqual(
      record.runs.flatMap(({ seed, digest }) => (seed === 0 ? [digest] : [])).sort(),
    );
    const student = await Student.load(at(DIRECTORY, 'runs/small/ntxent-bank/seed-0/student'));
    const rows = await student.embed(samples?.texts ?? []);
    await student.release();
    const { digest } = record.runs.find(({ method, seed }) => method === 'ntxent-bank' && seed === 0) ?? { digest: '' };
    const teacher = bagOfWords(samples?.texts ?? []);
    for (let i = 0; i < rows.rows; i++) {
      expect(naiveCosine(rows.row(i), samples?.rows.get(digest)?.row(i) ?? [])).toBeCloseTo(1, 4);
      expect(naiveCosine(teacher.row(i), samples?.teacher?.row(i) ?? [])).toBeCloseTo(1, 4);
    }
  });

  it('the curve of every training ends at its last steps', () => {
    for (const { curve = [], steps, loss } of resultsOf(DIRECTORY)) {
      if (steps === 0) continue;
      expect(curve.length).toBe(steps);
      const ends = curve.slice(-steps / 3).map(([, value]) => value);
      expect(ends.reduce((sum, value) => sum + value, 0) / ends.length).toBeCloseTo(loss as number, 2);
    }
  });

  it('maps, neighbours, pairs, losses, size and speed are on the page; temperatures make a curve', async () => {
    for (const title of [
      'Size, quality',
      'The embedding spaces',
      'Where neighbours',
      'Similarity of',
      'Training loss',
    ]) {
      expect(page(DIRECTORY)).toContain(`<h2>${title}`);
    }
    expect(page(DIRECTORY)).not.toContain('<h2>Curves over a number');
    const methods = [0.02, 0.1, 0.5].map(
      (temperature) => `  - bank-${temperature}: { method: ntxent-bank, strategy: { temperature: ${temperature} } }\n`,
    );
    writeFileSync(at('experiment/curve.yaml'), CONFIG.replace('  - ntxent-bank\n', methods.join('')));
    const { code, stderr } = await compare(['experiment/curve.yaml', '--set', 'seeds=1']);
    expect([code, complaint(stderr)]).toEqual([0, []]);
    expect(page('experiment/runs/curve')).toMatch(
      /<h2>Curves over a number.*R@1 by temperature\. small: 0\.02 0\.\d{3}, 0\.1 0\.\d{3}, 0\.5 0\.\d{3}; cosine 0\.\d{3}\./s,
    );
  });

  it('records of older versions have less, and are drawn with that; damaged rows are refused', async () => {
    cpSync(at(DIRECTORY), at('older'), { recursive: true });
    rmSync(at('older/samples'), { recursive: true });
    const lines = resultsOf('older').map(({ curve: _, ...result }) => `${JSON.stringify(result)}\n`);
    writeFileSync(at('older/results.jsonl'), lines.join(''));
    const drawn = await compare(['--render', 'older']);
    expect([drawn.code, drawn.stderr]).toEqual([0, '']);
    expect(page('older')).toContain('<h2>Size, quality');
    expect(page('older')).not.toMatch(/<h2>(The embedding|Where|Similarity|Training)/);
    cpSync(at(DIRECTORY, 'samples'), at('older/samples'), { recursive: true });
    const texts = readFileSync(at('older/samples/texts.jsonl'), 'utf8').split('\n');
    writeFileSync(at('older/samples/texts.jsonl'), texts.slice(1).join('\n'));
    const { code, stderr } = await compare(['--render', 'older']);
    expect([code, complaint(stderr)[0]]).toEqual([
      1,
      expect.stringMatching(/rows\.safetensors: expected \d+ rows.*FILE_CORRUPT/),
    ]);
  });
});

describe('broken off', () => {
  const long = ['--set', 'training.epochs=20'];

  it('by SIGINT in the second run: 130, what is done is kept, and it goes on to the same figures', async () => {
    const whole = await compare([FILE, ...long, '--out', 'whole']);
    expect(whole.code).toBe(0);
    const args = [FILE, ...long, '--out', 'broken'];
    const broken = await compare(args, { signal: 'SIGINT', when: /^train +2\/4/m });
    expect([broken.code, broken.stdout]).toEqual([130, '']);
    expect(broken.stderr).toMatch(
      /limbeck: interrupted\..* 1 of 4 runs are done and kept\. Go on with: limbeck compare/,
    );
    expect(parseComparisonRecord(readFileSync(at('broken/comparison.json'), 'utf8')).status).toBe('interrupted');
    const [first] = resultsOf('broken');
    // The unfinished run has a checkpoint, from which it goes on.
    expect(readdirSync(at('broken/unfinished'))).toHaveLength(1);
    const partly = await compare(['--render', 'broken']);
    expect(partly.stdout.replaceAll('\n', ' ')).toContain('1 of 4 runs are done');
    const rest = await compare(args);
    expect([rest.code, complaint(rest.stderr)]).toEqual([0, []]);
    expect(resultsOf('broken')[0]).toEqual(first);
    expect(figures(resultsOf('broken'))).toEqual(figures(resultsOf('whole')));
    // So does the curve of the training that was broken off.
    const curves = (directory: string) => resultsOf(directory).map(({ curve }) => curve);
    expect(curves('broken')).toEqual(curves('whole'));
    expect(curves('whole')[1]?.length).toBeGreaterThan(20);
    expect(existsSync(at('broken/unfinished'))).toBe(false);
  });

  it('by SIGKILL: whole lines, and it goes on to the same figures', async () => {
    const args = [FILE, ...long, '--out', 'killed'];
    for (const when of [/^train +1\/4/m, /^run +1\/4/m, /^measure +3\/4/m]) {
      const { code } = await compare(args, { signal: 'SIGKILL', when });
      if (code === 0) break;
      expect(code).toBe(null);
    }
    expect((await compare(args)).code).toBe(0);
    expect(figures(resultsOf('killed'))).toEqual(figures(resultsOf('whole')));
    const left = readdirSync(at('killed'), { recursive: true }) as string[];
    expect(left.filter((name) => /tmp|partial/.test(name))).toEqual([]);
  });
});

describe('refused: one clear message, the right exit code, results untouched', () => {
  it('another configuration over the results of one: what has changed; --rerun does those runs again', async () => {
    await compare([FILE, '--out', 'changed']);
    const before = readFileSync(at('changed/results.jsonl'), 'utf8');
    const args = [FILE, '--out', 'changed', '--set', 'training.epochs=4'];
    const { code, stderr } = await compare(args);
    expect(code).toBe(1);
    expect(complaint(stderr)[0]).toMatch(
      /got another for 4 of them, first cosine, small, seed 0: training\.epochs: then 3, now 4\..*--out.*--rerun\. \[CHECKPOINT_MISMATCH\]/,
    );
    expect(readFileSync(at('changed/results.jsonl'), 'utf8')).toBe(before);
    const again = await compare([...args, '--rerun']);
    expect(again.code).toBe(0);
    expect(resultsOf('changed').map(({ samplesSeen }) => samplesSeen)).toEqual(
      parseComparisonResults(before).map(({ samplesSeen }) => (4 * samplesSeen) / 3),
    );
  });

  it('test samples in the training data, equal or but for case: nothing is trained', async () => {
    const lines = readFileSync(at('experiment/glosses.jsonl'), 'utf8').trim().split('\n');
    const { text, label } = JSON.parse(lines[5]) as { text: string; label: string };
    const test = [
      ...lines.slice(0, 1),
      JSON.stringify({ id: 'x', label, text: text.toUpperCase() }),
      '{"id":"y","text":"something new","label":"noun.act"}',
    ];
    writeFileSync(at('experiment/test.jsonl'), `${test.join('\n')}\n`);
    const ids = lines.map((line, k) =>
      JSON.stringify({ id: (JSON.parse(line) as { id: string }).id, embedding: [k, 1] }),
    );
    writeFileSync(at('experiment/rows.jsonl'), `${ids.join('\n')}\n`);
    writeFileSync(
      at('experiment/overlap.yaml'),
      CONFIG.replace('test: { share: 0.2 }', 'test: { file: test.jsonl }')
        .replace('labelColumn: label', 'labelColumn: label, idColumn: id')
        .replace('embeddings: glosses.npy', 'embeddings: rows.jsonl, align: id, idColumn: id'),
    );
    const { code, stderr } = await compare(['experiment/overlap.yaml']);
    expect(code).toBe(1);
    expect(complaint(stderr)[0]).toMatch(
      /got 1 equal ones and 1 equal but for case.*sample 1 of the training data.*\[DATA_OVERLAP\]/,
    );
    expect(existsSync(at('experiment/runs/overlap/results.jsonl'))).toBe(false);
  });

  it('mistakes in the file: line, key and the nearest name, 2', async () => {
    writeFileSync(at('bad.yaml'), CONFIG.replace('- cosine', '- cosin').replace('epochs: 3', 'epoch: 3'));
    const { code, stdout, stderr } = await compare(['bad.yaml']);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('bad.yaml, line 10: training.epoch: unknown key. Did you mean epochs?');
    const missing = await compare([]);
    expect([missing.code, complaint(missing.stderr)[0]]).toEqual([1, expect.stringContaining('compare.yaml')]);
    const both = await compare([FILE, '--render', 'x']);
    expect([both.code, complaint(both.stderr)[0]]).toEqual([2, expect.stringContaining('got both')]);
  });

  it('the directory of something else', async () => {
    mkdirSync(at('a-run'));
    writeFileSync(at('a-run/run.json'), '{}');
    const { code, stderr } = await compare([FILE, '--out', 'a-run']);
    expect([code, complaint(stderr)[0]]).toEqual([2, expect.stringContaining('expected a directory for a comparison')]);
    const none = await compare(['--render', 'experiment']);
    expect([none.code, complaint(none.stderr)[0]]).toEqual([1, expect.stringContaining('comparison.json')]);
  });

  it('a damaged line: which, and what to do', async () => {
    await compare([FILE, '--out', 'damaged']);
    const file = at('damaged/results.jsonl');
    writeFileSync(file, `${readFileSync(file, 'utf8')}{"method":\n`);
    const { code, stderr } = await compare([FILE, '--out', 'damaged']);
    expect([code, complaint(stderr)[0]]).toEqual([
      1,
      expect.stringMatching(/results\.jsonl, line 5: expected JSON.*Remove the line/),
    ]);
  });
});

it('a method that diverges is a result without figures, and the others go on', async () => {
  writeFileSync(
    at('experiment/diverging.yaml'),
    CONFIG.replace(
      '  - ntxent-bank\n',
      '  - wild: { method: mse, training: { optimizer: { method: sgd, learningRate: 1.0e+30 } } }\n',
    ).replace('seeds: 2', 'seeds: 1'),
  );
  const { code, stdout } = await compare(['experiment/diverging.yaml']);
  expect(code).toBe(0);
  expect(resultsOf('experiment/runs/diverging')[1]).toMatchObject({
    method: 'wild',
    metrics: {},
    error: expect.stringContaining('step'),
  });
  expect(stdout).toMatch(/wild \* +failed/);
  expect(stdout.replaceAll('\n', ' ')).toMatch(/Runs without a result: wild, small, seed 0/);
});

it('with full: true spaces are held against each other too, and a run without is another', async () => {
  writeFileSync(
    at('experiment/full.yaml'),
    `${CONFIG.replace('seeds: 2', 'seeds: 1')}full: true\nmetrics: [probeAccuracy, linearCka]\n`,
  );
  const { code, stdout } = await compare(['experiment/full.yaml']);
  expect(code).toBe(0);
  const [{ metrics }] = resultsOf('experiment/runs/full');
  expect(metrics.linearCka).toBeGreaterThan(0);
  expect(stdout).toMatch(/teacher +0\.\d{3}/);
  expect(summaryOf('experiment/runs/full').metrics.map(({ key }) => key)).toEqual(['probeAccuracy', 'linearCka']);
  const without = await compare(['experiment/full.yaml', '--set', 'full=false']);
  expect([without.code, complaint(without.stderr)[0]]).toEqual([
    1,
    expect.stringContaining('full: then true, now nothing'),
  ]);
});

it('training texts that lose their end are told of', async () => {
  const { code, stderr } = await compare([
    ...[FILE, '--set', 'students.small.maxTokens=4', '--set', 'seeds=1', '--set', 'training.epochs=1'],
    ...['--out', 'short'],
  ]);
  expect(code).toBe(0);
  expect(stderr.replaceAll(/\s+/g, ' ')).toMatch(
    /texts are longer than 4 tokens, and the student does not see their ends/,
  );
});

it('samples that are left out are counted and listed', async () => {
  const texts = await writeGlosses(root, 200);
  writeFileSync(at('glosses.jsonl'), `${readFileSync(at('glosses.jsonl'), 'utf8')}{"text":" "}\n`);
  writeFileSync(at('glosses.npy'), writeNpy(bagOfWords([...texts, 'x'])));
  writeFileSync(at('skipped.yaml'), CONFIG.replace(', labelColumn: label', '').replace('seeds: 2', 'seeds: 1'));
  const { code, stderr } = await compare(['skipped.yaml']);
  expect([code, complaint(stderr)]).toEqual([0, []]);
  expect(stderr).toContain('1 left out');
  expect(JSON.parse(readFileSync(at('runs/skipped/skipped.jsonl'), 'utf8'))).toMatchObject({
    reason: expect.stringContaining('blank'),
  });
});

it('with measureOn: validation the test part is neither trained on nor measured', async () => {
  writeFileSync(
    at('experiment/choice.yaml'),
    CONFIG.replace('labelColumn: label }', 'labelColumn: label, validation: 0.2 }\nmeasureOn: validation'),
  );
  const { code, stdout } = await compare(['experiment/choice.yaml']);
  expect(code).toBe(0);
  const { data, measuredOn } = parseComparisonRecord(
    readFileSync(at('experiment/runs/choice/comparison.json'), 'utf8'),
  );
  const test = parseComparisonRecord(readFileSync(at(DIRECTORY, 'comparison.json'), 'utf8')).data;
  expect(measuredOn).toBe('validation');
  expect(data.train + (data.heldOut ?? 0) + (test.heldOut ?? 0)).toBe(400);
  expect(data.heldOut).toBeGreaterThan(20);
  expect(stdout).toContain('validation texts');
});

/** An IDX file of bytes. */
function writeIdx(path: string, shape: readonly number[], entries: readonly Uint8Array[]): void {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.writeUInt32BE(0x0800 + shape.length);
  for (const [axis, size] of shape.entries()) header.writeUInt32BE(size, 4 + 4 * axis);
  writeFileSync(path, Buffer.concat([header, ...entries]));
}

describe('classifiers of images', () => {
  const idx = (part: string) => ({
    images: join(MNIST, `${part}-images-idx3-ubyte`),
    labels: join(MNIST, `${part}-labels-idx1-ubyte`),
  });
  const config = (changes: object) => ({
    data: { ...idx('train'), limit: 300 },
    test: { file: idx('t10k').images, labels: idx('t10k').labels },
    students: { tiny: { kind: 'mlp', widths: [16] } },
    seeds: 1,
    training: { epochs: 4, batchSize: 32, optimizer: { learningRate: 0.01 } },
    ...changes,
  });
  const run = async (name: string, changes: object) => {
    writeFileSync(at(`${name}.json`), JSON.stringify(config(changes)));
    const { code, stdout, stderr } = await compare([`${name}.json`]);
    expect([code, complaint(stderr)]).toEqual([0, []]);
    return { stdout, metrics: figures(resultsOf(`runs/${name}`)), results: resultsOf(`runs/${name}`) };
  };

  it('from labels alone; then that student as teacher of others, which all have one shape', async () => {
    const labels = await run('labels', { teacher: 'none', methods: ['untrained', 'scratch'] });
    expect(labels.metrics['scratch tiny 0'].accuracy).toBeGreaterThan(
      labels.metrics['untrained tiny 0'].accuracy + 0.2,
    );
    expect(labels.metrics['scratch tiny 0'].calibrationError).toBeGreaterThan(0);
    const teacher = {
      onnx: 'runs/labels/runs/tiny/scratch/seed-0/student/onnx/model.onnx',
      embeddings: 'embeddings',
      outputs: 'logits',
    };
    const { stdout, metrics, results } = await run('taught', {
      teacher,
      methods: { scratch: {}, hinton: {}, cosine: {}, 'crd+kd': { sum: { hinton: 1, crd: 0.5 } } },
      baseline: 'scratch',
      output: { students: false },
    });
    expect(new Set(results.map(({ parameters, dimension }) => `${parameters} ${dimension}`)).size).toBe(1);
    // The classifier of a method that has no use for it is as it was initialised, and no figure of the method.
    expect(Object.keys(metrics['cosine tiny 0'])).not.toContain('accuracy');
    expect(metrics['cosine tiny 0'].meanCosine).toBeGreaterThan(metrics['scratch tiny 0'].meanCosine);
    expect(metrics['crd+kd tiny 0'].accuracy).toBeGreaterThan(0.2);
    expect(stdout).toMatch(/teacher +0\.\d{3}/);
    expect(stdout.replaceAll('\n', ' ')).toMatch(/scratch, hinton, crd\+kd: the space is not the teacher's own/);
    expect(existsSync(at('runs/taught/runs/tiny/hinton/seed-0/student'))).toBe(false);
  });

  it('test data of other classes: refused, unless that is said; then rows are measured, and outputs are not', async () => {
    for (const [part, fits] of [
      ['train', (label: number) => label < 5],
      ['t10k', (label: number) => label >= 5],
    ] as const) {
      const { images, labels } = parseIdxImages(readFileSync(idx(part).images), readFileSync(idx(part).labels));
      const numbers = everyNumber(labels.length).filter((i) => fits(labels[i])).slice(0, 300); // biome-ignore format: one line
      writeIdx(
        at(`${part}.images`),
        [300, 28, 28],
        Array.from(numbers, (i) => images[i]),
      );
      writeIdx(at(`${part}.labels`), [300], [Uint8Array.from(numbers, (i) => labels[i])]);
    }
    const half = {
      data: { images: 'train.images', labels: 'train.labels' },
      test: { file: 't10k.images', labels: 't10k.labels' },
      teacher: 'none',
      methods: ['untrained', 'scratch'],
      full: true,
    };
    writeFileSync(at('half.json'), JSON.stringify(config(half)));
    const refused = await compare(['half.json']);
    expect([refused.code, complaint(refused.stderr)[0]]).toEqual([
      1,
      expect.stringMatching(/test: expected labels in 0 … 4, the classes of student tiny, got 7.*test\.classes: other/),
    ]);
    expect(existsSync(at('runs/half/results.jsonl'))).toBe(false);
    const { metrics, stdout } = await run('half', { ...half, test: { ...half.test, classes: 'other' } });
    for (const found of Object.values(metrics)) {
      expect(Object.keys(found)).toEqual(
        expect.arrayContaining(['knnAccuracy', 'fewShot5Accuracy', 'fewShot20Accuracy']),
      );
      expect(Object.keys(found).filter((key) => /^(accuracy|calibration|negative)/.test(key))).toEqual([]);
    }
    expect(metrics['scratch tiny 0'].fewShot20Accuracy).toBeGreaterThan(0.5);
    expect(stdout.replaceAll('\n', ' ')).toMatch(/largest of 5 classes/);
    // A teacher of five classes has no accuracy on the others either.
    const teacher = {
      onnx: 'runs/half/runs/tiny/scratch/seed-0/student/onnx/model.onnx',
      embeddings: 'embeddings',
      outputs: 'logits',
    };
    await run('half-taught', { ...half, test: { ...half.test, classes: 'other' }, teacher, methods: ['hinton'] });
    const taught = parseComparisonRecord(readFileSync(at('runs/half-taught/comparison.json'), 'utf8')).teacher?.metrics;
    expect(Object.keys(taught ?? {})).toEqual(expect.arrayContaining(['knnAccuracy', 'fewShot20Accuracy']));
    expect(taught?.accuracy).toBe(undefined);
  }, 120_000);

  it('a student of another width than rows that are compared is refused before anything is trained', async () => {
    writeFileSync(
      at('width.json'),
      JSON.stringify(
        config({
          students: { tiny: { kind: 'mlp', widths: [16], dimension: 7 } },
          teacher: { onnx: 'runs/labels/runs/tiny/scratch/seed-0/student/onnx/model.onnx', embeddings: 'embeddings' },
          methods: ['scratch', 'cosine'],
        }),
      ),
    );
    const { code, stderr } = await compare(['width.json']);
    expect([code, complaint(stderr)[0]]).toEqual([
      2,
      expect.stringMatching(
        /students\.tiny\.dimension: expected 16, the teacher's, since method cosine compares rows, got 7/,
      ),
    ]);
    expect(existsSync(at('runs/width/results.jsonl'))).toBe(false);
  });
});
