/** `limbeck inspect`: what it prints, for people and for programs, and how it fails. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderSurvey, shapeText, shorten } from '../../src/cli/render-survey.ts';
import { type OnnxSurvey, surveyOnnx } from '../../src/graph/index.ts';
import { initializer, int64s, type ModelParts, modelOf } from '../graph/onnx-models.ts';
import { compileCommand, complaint, type Finished, runCommand } from './compiled-command.ts';

const zeros = (name: string, dims: readonly number[]) =>
  initializer(name, Array<number>(dims.reduce((n, d) => n * d, 1)).fill(0), dims);

const LONG = '/model/encoder/layers.0/attention/self/query/MatMul';

/** A frozen layer before a TopK, a head of 1,200 numbers, and a node aside. */
const PARTS: ModelParts = {
  inputs: { pixels: ['batch', 4] },
  nodes: [
    { op: 'MatMul', inputs: ['pixels', 'low'], outputs: ['hidden'], name: LONG },
    { op: 'TopK', inputs: ['hidden', 'k'], outputs: ['most', 'places'], name: 'top' },
    { op: 'Relu', inputs: ['most'], outputs: ['rectified'] },
    { op: 'MatMul', inputs: ['rectified', 'head'], outputs: ['scores'], name: 'head/MatMul' },
  ],
  initializers: [zeros('low', [4, 5]), int64s('k', [2]), zeros('head', [2, 600])],
  outputs: ['scores'],
  types: { most: [1, ['batch', 2]], places: [7, ['batch', 2]], scores: [1, ['batch', 600]] },
};
const UNREADABLE: ModelParts = {
  inputs: { x: ['batch', 3, 'height', 'width'] },
  nodes: [
    { op: 'Frobnicate', inputs: ['x'], outputs: ['odd'], name: 'odd' },
    { op: 'Relu', inputs: ['odd'], outputs: ['y'] },
  ],
};
const render = (parts: ModelParts, width = 80, all = false) =>
  renderSurvey(surveyOnnx(modelOf(parts)), { file: 'm.onnx', all, width }).split('\n');

describe('what is printed', () => {
  it('inputs, outputs, layers with weights, totals, what must be frozen, what could be the embedding layer', () => {
    expect(render(PARTS, 100)).toEqual([
      'm.onnx: opset 18, 4 nodes',
      '',
      'Inputs',
      '  pixels  float32[batch, 4]',
      '',
      'Outputs',
      '  scores  float32[batch, 600]',
      '',
      'layer                                                operator  output        parameters  trainable',
      '─'.repeat(98),
      '/model/encoder/layers.0/attention/self/query/MatMul  MatMul    [batch, 5]            20  no (1)',
      'head/MatMul                                          MatMul    [batch, 600]       1,200  yes',
      '… and 2 other nodes without weights (--all)',
      '',
      '(1) lies before TopK "top", which has no gradient',
      '',
      '1,220 parameters in all, 1,200 can be trained',
      '',
      '1 weight before nodes without a gradient must be left alone by the option trainable of OnnxStudent',
      '(mustBeFrozen in --json):',
      '  low',
      '',
      'Could be the embedding layer:',
      '  hidden [batch, 5]',
      '  most [batch, 2]',
      '  rectified [batch, 2]',
      '  scores [batch, 600]',
      '',
    ]);
  });

  it('where a line for each layer is too long, two; no line is longer than the terminal', () => {
    for (const width of [40, 60, 72, 80, 100, 140]) {
      for (const line of [...render(PARTS, width, true), ...render(UNREADABLE, width)]) {
        expect(line.length, `${width}: ${line}`).toBeLessThanOrEqual(width);
      }
    }
    const narrow = render(PARTS, 60);
    const at = narrow.findIndex((line) => line.startsWith('head/MatMul'));
    expect(narrow[at]).toMatch(/^head\/MatMul +1,200 {2}yes$/);
    expect(narrow[at + 1]).toBe('  MatMul [batch, 600]');
  });

  it('all nodes on request', () => {
    const lines = render(PARTS, 100, true);
    expect(lines.join('\n')).not.toContain('other nodes');
    expect(lines.filter((line) => /TopK {6}|Relu {6}/.test(line))).toHaveLength(2);
    expect(lines.join('\n')).toContain('(2) no gradient: not an operator that the engine has');
  });

  it('a file that cannot be read: which nodes, and the sizes that might help', () => {
    const text = render(UNREADABLE).join('\n');
    expect(text).toContain('OnnxStudent cannot read the file, because of:\n  Frobnicate "odd": not an operator');
    expect(text).toContain('It may help to fix sizes: --size height=… --size width=…');
    expect(text).not.toContain('embedding layer');
  });

  it('a batch that is fixed; statistics that stay', () => {
    const fixed = render({ ...PARTS, inputs: { pixels: [1, 4] }, types: {} }, 100).join('\n');
    expect(fixed).not.toContain('Could be');
    const statistics = render({
      inputs: { x: [1, 2] },
      nodes: [{ op: 'BatchNormalization', inputs: ['x', 's', 'b', 'm', 'v'] }],
      initializers: ['s', 'b', 'm', 'v'].map((name) => zeros(name, [2])),
    }).join('\n');
    expect(statistics).toContain('8 parameters in all, 4 can be trained; running statistics and single numbers\nstay');
    expect(statistics).toContain('The batch is fixed at 1: export the model with a dynamic batch axis');
  });

  it('only the last of many candidates, whole names always', () => {
    const nodes = Array.from({ length: 9 }, (_, i) => ({
      ...{ op: 'Relu', inputs: [i === 0 ? 'product' : `v${i}`], outputs: [i === 8 ? 'y' : `v${i + 1}`] },
    }));
    const product = { op: 'MatMul', inputs: ['x', 'w'], outputs: ['product'] };
    const parts: ModelParts = {
      ...{ inputs: { x: ['batch', 2] }, nodes: [product, ...nodes], initializers: [zeros('w', [2, 3])] },
    };
    const text = render(parts).join('\n');
    expect(text).toContain('Could be the embedding layer, the last 6 of 10 (--all):\n  v4 [batch, 3]\n');
    expect(render(parts, 80, true).join('\n')).toContain('Could be the embedding layer:\n  product [batch, 3]\n');
    const long = 'n'.repeat(50);
    expect(render({ ...parts, nodes: [{ ...product, outputs: [long] }], outputs: [long] }, 40)).toContain(`  ${long}`);
  });

  it('names that would steer the terminal do not', () => {
    const [first] = renderSurvey(surveyOnnx(modelOf(PARTS)), { file: 'a\u001b[2Jb', all: false, width: 80 }).split(
      '\n',
    );
    expect(first).toBe('a�[2Jb: opset 18, 4 nodes');
  });

  it('a name gives way in the middle, a number never', () => {
    expect(shorten('abcdefghij', 10)).toBe('abcdefghij');
    expect(shorten('abcdefghij', 7)).toBe('ab…ghij');
    expect(shorten('ab1234567890', 7)).toBe('ab…'); // no half of a number
    expect(shapeText(['batch_size', 'sequence_length', 1536], 24)).toBe('[ba…size, se…ngth, 1536]');
    expect(shapeText(['batch_size', 384, 1536], 3)).toBe('[…, 384, 1536]');
    expect(shapeText(undefined, 3)).toBe('unknown');
  });
});

describe('the command', () => {
  let root: string;
  let main: string;
  beforeAll(() => {
    ({ root, main } = compileCommand());
    mkdirSync(join(root, 'models'));
    writeFileSync(join(root, 'models/half frozen.onnx'), modelOf(PARTS));
    writeFileSync(join(root, 'models/unreadable.onnx'), modelOf(UNREADABLE));
    writeFileSync(join(root, 'models/cut.onnx'), modelOf(PARTS).subarray(0, 100));
    writeFileSync(join(root, 'models/page.onnx'), '<!doctype html>');
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  const inspect = (...args: string[]): Promise<Finished> =>
    runCommand(main, ['inspect', ...args], { env: { COLUMNS: '60' } });

  it('prints to stdout, as wide as COLUMNS where there is no terminal; a file with unreadable nodes is no failure', async () => {
    const [good, odd] = await Promise.all([inspect('models/half frozen.onnx'), inspect('models/unreadable.onnx')]);
    expect([good.code, good.stderr, odd.code, odd.stderr]).toEqual([0, '', 0, '']);
    const options = { file: 'models/half frozen.onnx', all: false, width: 60 };
    expect(good.stdout).toBe(renderSurvey(surveyOnnx(modelOf(PARTS)), options));
    expect(odd.stdout).toContain('Frobnicate "odd"');
  });

  it('--json is the survey, everything in it', async () => {
    const { code, stdout } = await inspect(
      'models/unreadable.onnx',
      '--json',
      '--size',
      'height=32',
      '--size',
      'width=16',
    );
    expect(code).toBe(0);
    const { file, ...survey } = JSON.parse(stdout) as OnnxSurvey & { file: string };
    expect(file).toBe('models/unreadable.onnx');
    const unknown = { name: 'y', type: 'float32', shape: null };
    expect(survey).toMatchObject({
      readable: false,
      opset: 18,
      outputs: [unknown],
      parameters: { total: 0, trainable: 0 },
    });
    expect(survey.nodes.map(({ type, trainable }) => [type, trainable])).toEqual([
      ['Frobnicate', false],
      ['Relu', false],
    ]);
  });

  it('--size fixes a size', async () => {
    const { stdout } = await inspect('models/half frozen.onnx', '--json', '--size', 'batch=7');
    expect((JSON.parse(stdout) as OnnxSurvey).nodes[0].outputs[0].shape).toEqual([7, 5]);
  });

  it('a bad file: 1 and one line', async () => {
    for (const [file, code] of [
      ['cut.onnx', 'FILE_CORRUPT'],
      ['page.onnx', 'FILE_CORRUPT'],
      ['none.onnx', 'FILE_UNREADABLE'],
      ['', 'FILE_UNREADABLE'],
    ]) {
      const result = await inspect(`models/${file}`);
      expect([result.code, result.stdout], file).toEqual([1, '']);
      expect(result.stderr.trim().split('\n'), file).toEqual([expect.stringContaining(`[${code}]`)]);
      expect(result.stderr).toContain(`models/${file}`);
    }
  });

  it('wrong usage: 2, with what was expected; --help has examples', async () => {
    const [none, two, unknown, size, zero, help] = await Promise.all([
      ...[inspect(), inspect('a.onnx', 'b.onnx'), inspect('a.onnx', '--jsn')],
      ...[inspect('a.onnx', '--size', '224'), inspect('a.onnx', '--size', 'height=0'), inspect('--help')],
    ]);
    expect([none, two, unknown, size, zero].map(({ code, stdout }) => [code, stdout])).toEqual(Array(5).fill([2, '']));
    expect(complaint(none.stderr)[0]).toContain("missing required argument 'model.onnx'");
    expect(unknown.stderr).toContain('Did you mean --json?');
    expect(size.stderr).toContain('Expected a name and a whole number ≥ 1: height=224.');
    expect(zero.stderr).toContain('Expected a name');
    expect([help.code, help.stdout]).toEqual([0, expect.stringMatching(/--all[\s\S]*Examples:\n {2}limbeck inspect/)]);
  });
});
