/** Sizes, initial weights, options and inputs of the image students. */
import { describe, expect, it } from 'vitest';
import { ImageEmbedder } from '../../../src/students/images/image-embedder.ts';
import { mlp } from '../../../src/students/images/mlp.ts';
import { mobilenet } from '../../../src/students/images/mobilenet.ts';
import { resnet } from '../../../src/students/images/resnet.ts';
import { wideResnet } from '../../../src/students/images/wide-resnet.ts';
import { caught } from '../../caught.ts';

const cifar = { channels: 3, size: 32, seed: 0 };
const grey = { channels: 1, size: 4, seed: 3 };

describe('parameter counts are those that others published', () => {
  it.each([
    ['ResNet-20, 10 classes (shortcuts with weights)', resnet({ depth: 20, classes: 10, ...cifar }), 272_474],
    ['ResNet-8x4, 100 classes (RepDistiller)', resnet({ depth: 8, width: 4, classes: 100, ...cifar }), 1_233_540],
    ['WRN-16-2, 100 classes (RepDistiller)', wideResnet({ depth: 16, widen: 2, classes: 100, ...cifar }), 703_284],
    ['WRN-40-1, 100 classes (RepDistiller)', wideResnet({ depth: 40, widen: 1, classes: 100, ...cifar }), 569_780],
    ['MobileNetV2, 1000 classes (torchvision)', mobilenet({ classes: 1000, ...cifar }), 3_504_872],
    [
      'MLP 784-800-800-10 (Hinton et al. 2015)',
      mlp({ widths: [800, 800], classes: 10, channels: 1, size: 28, seed: 0 }),
      1_276_810,
    ],
  ])('%s: %#', (_, student, count) => {
    expect(student.parameterCount).toBe(count);
  });

  it("mobilenet's channels are those of torchvision at width 0.35: multiples of 8, none below nine tenths", () => {
    const { parameters } = mobilenet({ width: 0.35, ...cifar });
    const last = [1, 2, 4, 7, 11, 14, 17].map((block) => {
      const name = `features.${block}.conv.${block === 1 ? 1 : 2}.weight`;
      return parameters.find((parameter) => parameter.name === name)?.shape[0];
    });
    expect(parameters[0].shape[0]).toBe(16);
    expect(last).toEqual([8, 8, 16, 24, 32, 56, 112]);
  });

  it('a projection adds its weights, and replaces the width of the layer', () => {
    const plain = mlp({ widths: [7], ...grey });
    const projected = mlp({ widths: [7], dimension: 3, layerName: 'pooled', ...grey });
    expect(projected.parameterCount - plain.parameterCount).toBe(7 * 3 + 3);
    expect([[...plain.layers], [...projected.layers]]).toEqual([[['embeddings', 7]], [['pooled', 3]]]);
    expect([plain.classes, plain.name, projected.name]).toEqual([undefined, 'mlp-7', 'mlp-7']);
  });

  it('the stages of images that halve to odd sizes', async () => {
    for (const [student, width] of [
      [resnet({ depth: 8, width: 0.5, channels: 1, size: [7, 1], seed: 0 }), 32],
      [mobilenet({ width: 0.05, channels: 1, size: [5, 2], stem: 'large', seed: 0 }), 1280],
    ] as const) {
      const embedder = await student.toEmbedder();
      const rows = await embedder.embed([new Float32Array(student.format.height * student.format.width).fill(1)]);
      expect([rows.rows, rows.columns, student.layers.get('embeddings')]).toEqual([1, width, width]);
      await embedder.release();
    }
  });
});

describe('initial weights', () => {
  const deviation = (data: Float32Array) => Math.sqrt(data.reduce((sum, x) => sum + x * x, 0) / data.length);

  it("He's by fan-out for convolutions, uniform by fan-in for heads, gains 1, biases 0, statistics 0 and 1", () => {
    const student = resnet({ depth: 8, classes: 100, ...cifar });
    const find = (name: string) =>
      [...student.parameters, ...student.buffers].find((array) => array.name === name)!.data;
    expect(deviation(find('layer3.0.conv2.weight'))).toBeCloseTo(Math.sqrt(2 / (64 * 9)), 2);
    expect(deviation(find('layer3.0.conv2.weight')) / Math.sqrt(2 / (64 * 9))).toBeCloseTo(1, 1);
    const classifier = find('classifier.weight');
    expect(Math.max(...classifier.map(Math.abs))).toBeCloseTo(1 / 8, 3);
    expect(deviation(classifier)).toBeCloseTo(1 / 8 / Math.sqrt(3), 3);
    expect([...new Set([...find('bn1.weight'), ...find('layer1.0.bn2.running_var')])]).toEqual([1]);
    expect([...new Set([...find('bn1.bias'), ...find('layer1.0.bn2.running_mean')])]).toEqual([0]);
  });

  it.each([
    ['relu', Math.sqrt(2 / 1000)],
    ['gelu', Math.sqrt(2 / 1000)],
    ['tanh', Math.sqrt(2 / 1300)],
  ] as const)('hidden layers with %s keep the variance', (activation, expected) => {
    const [weight, bias] = mlp({ widths: [300], activation, channels: 1000, size: 1, seed: 0 }).parameters;
    expect(deviation(weight.data) / expected).toBeCloseTo(1, 2);
    expect(deviation(bias.data)).toBe(0);
  });

  it('are the same where another layer is added', () => {
    const values = (widths: number[]) => mlp({ widths, ...grey }).parameters[0].data;
    expect(values([5])).toEqual(values([5, 6]));
  });
});

describe('images', () => {
  const student = mlp({ widths: [6], classes: 2, normalize: { mean: [0.5], std: [0.25] }, ...grey });
  const bytes = Uint8Array.from({ length: 16 }, (_, k) => 17 * k);
  const floats = Float32Array.from(bytes, (byte) => byte / 255);

  it('bytes stand for 0 to 1', async () => {
    expect(student.prepareBatch([bytes]).feeds.pixel_values.tensor.data).toEqual(floats);
    const embedder = await student.toEmbedder();
    expect(await embedder.classify([bytes])).toEqual(await embedder.classify([floats]));
    await embedder.release();
  });

  it('normalize is part of the exported graph', async () => {
    const plain = mlp({ widths: [6], classes: 2, ...grey });
    const [inside, outside] = [await student.toEmbedder(), await plain.toEmbedder()];
    const expected = (await outside.classify([floats.map((x) => (x - 0.5) / 0.25)])).data;
    for (const [i, value] of (await inside.classify([floats])).data.entries())
      expect(value).toBeCloseTo(expected[i], 5);
    await Promise.all([inside.release(), outside.release()]);
  });

  it('more images than one batch holds, in their order; none; the same embedder after training', async () => {
    const own = mlp({ widths: [6], classes: 2, ...grey });
    const embedder = await own.toEmbedder();
    const images = Array.from({ length: 150 }, (_, i) => floats.map((x) => x * (1 + i)));
    const rows = await embedder.embed(images);
    for (const { data } of own.parameters) data.fill(0.5);
    for (const i of [0, 63, 64, 128, 149]) {
      const alone = (await embedder.embed([images[i]])).row(0);
      for (const [j, value] of alone.entries()) expect(value).toBeCloseTo(rows.get(i, j), 6);
      expect(Math.hypot(...alone)).toBeCloseTo(1, 5);
    }
    const none = await embedder.classify([]);
    expect([none.rows, none.columns]).toEqual([0, 2]);
    await embedder.release();
  });

  it.each([
    [
      [new Float32Array(16), new Float32Array(15)],
      'SHAPE_MISMATCH',
      'images[1]: expected 1 × 4 × 4 = 16 numbers, got 15.',
    ],
    [
      [Array(16).fill(0)],
      'INVALID_ARGUMENT',
      'images[0]: expected a Float32Array or Uint8Array of 1 × 4 × 4 = 16 numbers, got Array of 16 entries.',
    ],
    [
      [null],
      'INVALID_ARGUMENT',
      'images[0]: expected a Float32Array or Uint8Array of 1 × 4 × 4 = 16 numbers, got null.',
    ],
  ])('%o: refused in training and in use', async (images, code, message) => {
    expect(caught(() => student.encode(images as never))).toMatchObject({ code, message });
    const embedder = await student.toEmbedder();
    await expect(embedder.embed(images as never)).rejects.toMatchObject({ code, message });
    await embedder.release();
  });

  it('classify without a classifier: UNSUPPORTED; bytes that are no model: FILE_CORRUPT', async () => {
    const embedder = await mlp({ widths: [6], ...grey }).toEmbedder();
    await expect(embedder.classify([floats])).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    await embedder.release();
    const opened = ImageEmbedder.open(Uint8Array.of(1, 2, 3), student.format, 'some bytes');
    await expect(opened).rejects.toMatchObject({
      code: 'FILE_CORRUPT',
      message: expect.stringMatching(/^some bytes: /),
    });
  });

  it('config.json says what the model is and takes', () => {
    expect([...student.toFiles().keys()]).toEqual(['onnx/model.onnx', 'config.json', 'README.md']);
    expect(JSON.parse(student.toFiles().get('config.json') as string)).toEqual({
      model_type: 'limbeck-mlp-6',
      widths: [6],
      activation: 'relu',
      classes: 2,
      num_channels: 1,
      image_size: [4, 4],
      hidden_size: 6,
      image_mean: [0.5],
      image_std: [0.25],
      'transformers.js_config': { dtype: 'fp32' },
      limbeck: {
        format: 1,
        kind: 'image',
        dimension: 6,
        classes: 2,
        inputs: ['pixel_values'],
        channels: 1,
        height: 4,
        width: 4,
        fit: 'cover',
        background: '#ffffff',
      },
    });
  });
});

describe('options', () => {
  const common = { channels: 1, size: 8, seed: 0 };
  it.each([
    [() => resnet({ depth: 9, ...common }), /^resnet: option depth: expected 6n \+ 2 layers .*, got 9\.$/],
    [() => resnet({ depth: 2, ...common }), /option depth: .*got 2/],
    [() => resnet({ depth: 8, width: 0, ...common }), /option width: .*got 0/],
    [
      () => wideResnet({ depth: 8, widen: 1, ...common }),
      /^wideResnet: option depth: expected 6n \+ 4 layers .*, got 8\.$/,
    ],
    [() => wideResnet({ depth: 10, widen: 1.5, ...common }), /option widen: .*got 1\.5/],
    [() => mobilenet({ width: Number.NaN, ...common }), /^mobilenet: option width: .*got NaN/],
    [() => mobilenet({ stem: 'tiny' as never, ...common }), /option stem: .*got "tiny"/],
    [() => mlp({ widths: [], ...common }), /^mlp: option widths: .*got Array of 0 entries/],
    [
      () => mlp({ widths: [3], activation: 'swish' as never, ...common }),
      /option activation: expected 'relu', 'gelu' or 'tanh', got "swish"/,
    ],
    [() => mlp({ widths: [3], ...common, channels: 0 }), /option channels: .*got 0/],
    [() => mlp({ widths: [3], ...common, size: [8] as never }), /option size: .*got Array of 1 entries/],
    [() => mlp({ widths: [3], ...common, classes: 2.5 }), /option classes: .*got 2\.5/],
    [() => mlp({ widths: [3], ...common, dimension: -1 }), /option dimension: .*got -1/],
    [() => mlp({ widths: [3], ...common, layerName: ' ' }), /option layerName: .*got " "/],
    [() => mlp({ widths: [3], ...common, seed: undefined as never }), /option seed: .*got undefined/],
    [() => mlp({ widths: [3], ...common, normalize: { mean: [0], std: [0] } }), /option normalize: /],
    [
      () => mlp({ widths: [3], ...common, normalize: { mean: [0, 0], std: [1] } }),
      /expected 1 numbers in mean, one for each channel, got 2\./,
    ],
    [() => mlp({ width: [3], widths: [3], ...common } as never), /unknown option "width"\. Did you mean widths\?/],
  ])('%#: INVALID_OPTION', (build, message) => {
    expect(caught(build)).toMatchObject({ code: 'INVALID_OPTION', message: expect.stringMatching(message) });
  });
});
