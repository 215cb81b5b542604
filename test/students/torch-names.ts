/** What the parameters of test/goldens/networks.py are called here. */

/** One parameter of PyTorch and what it is here: one parameter or several, linear layers the other way round. */
export interface Correspondence {
  readonly torch: string;
  readonly own: readonly string[];
  readonly turned: boolean;
}

const linearLayer = (torch: string, own: readonly string[] = [torch]): Correspondence[] => [
  { torch: `${torch}.weight`, own: own.map((name) => `${name}.weight`), turned: true },
  { torch: `${torch}.bias`, own: own.map((name) => `${name}.bias`), turned: false },
];
const same = (torch: string, own: string): Correspondence => ({ torch, own: [own], turned: false });
const norm = (torch: string, own: string) => [
  same(`${torch}.weight`, `${own}.weight`),
  same(`${torch}.bias`, `${own}.bias`),
];

export const RESNET: Correspondence[] = [
  same('conv1.weight', 'conv1.weight'),
  ...norm('norm1', 'bn1'),
  ...[0, 1, 2].flatMap((i) => [
    ...[1, 2].flatMap((j) => [
      same(`blocks.${i}.conv${j}.weight`, `layer${i + 1}.0.conv${j}.weight`),
      ...norm(`blocks.${i}.norm${j}`, `layer${i + 1}.0.bn${j}`),
    ]),
    ...(i === 0
      ? []
      : [
          same(`blocks.${i}.shortcut.weight`, `layer${i + 1}.0.downsample.0.weight`),
          ...norm(`blocks.${i}.shortcut_norm`, `layer${i + 1}.0.downsample.1`),
        ]),
  ]),
  ...linearLayer('projection'),
  ...linearLayer('classifier'),
];

export const WIDE_RESNET: Correspondence[] = [
  same('conv1.weight', 'conv1.weight'),
  ...[0, 1, 2].flatMap((i) => {
    const own = `block${i + 1}.layer.0`;
    return [
      ...[1, 2].flatMap((j) => [
        ...norm(`blocks.${i}.norm${j}`, `${own}.bn${j}`),
        same(`blocks.${i}.conv${j}.weight`, `${own}.conv${j}.weight`),
      ]),
      ...(i === 0 ? [] : [same(`blocks.${i}.shortcut.weight`, `${own}.convShortcut.weight`)]),
    ];
  }),
  ...norm('norm', 'bn1'),
  ...linearLayer('projection'),
  ...linearLayer('classifier'),
];

export const INVERTED_RESIDUALS: Correspondence[] = [
  // Convolution and normalisation of each layer; the last of a block is not in a layer of its own.
  ...[
    ['a.0.0', 'a.0.1', 'a.1.0', 'a.1.1', 'a.2', 'a.3'],
    ['b.0.0', 'b.0.1', 'b.1', 'b.2'],
    ['c.0.0', 'c.0.1', 'c.1.0', 'c.1.1', 'c.2', 'c.3'],
  ].flatMap((names, i) =>
    [1, 2, 3]
      .slice(-names.length / 2)
      .flatMap((j, k) => [
        same(`blocks.${i}.layers.conv${j}.weight`, `${names[2 * k]}.weight`),
        ...norm(`blocks.${i}.layers.norm${j}`, names[2 * k + 1]),
      ]),
  ),
  ...linearLayer('projection'),
  ...linearLayer('classifier'),
];

export const TRANSFORMER: Correspondence[] = [
  same('words.weight', 'embeddings.word_embeddings.weight'),
  same('places.weight', 'embeddings.position_embeddings.weight'),
  ...norm('norm', 'embeddings.LayerNorm'),
  ...[0, 1].flatMap((i) => {
    const [torch, own] = [`layers.${i}`, `encoder.layer.${i}`];
    const parts = ['query', 'key', 'value'].map((part) => `${own}.attention.self.${part}`);
    return [
      { torch: `${torch}.self_attn.in_proj_weight`, own: parts.map((part) => `${part}.weight`), turned: true },
      { torch: `${torch}.self_attn.in_proj_bias`, own: parts.map((part) => `${part}.bias`), turned: false },
      ...linearLayer(`${torch}.self_attn.out_proj`, [`${own}.attention.output.dense`]),
      ...linearLayer(`${torch}.linear1`, [`${own}.intermediate.dense`]),
      ...linearLayer(`${torch}.linear2`, [`${own}.output.dense`]),
      ...norm(`${torch}.norm1`, `${own}.attention.output.LayerNorm`),
      ...norm(`${torch}.norm2`, `${own}.output.LayerNorm`),
    ];
  }),
  ...linearLayer('projection'),
  ...linearLayer('classifier'),
];
