// What the suite "steps" measures. FLOP are those of the matrix products and convolutions that forward and backward need (a multiply-add
// counts as two, backward as twice forward); elementwise work, normalisations and the optimizer are not counted. `nodePeers`: the peers in JavaScript
// that are asked for it, be it for their error message.

export function stepConfigurations() {
  const image = { batch: 64, size: 32, classes: 10 };
  return [
    ...[8, 20].map((depth) => ({
      name: `resnet-${depth}`,
      kind: 'resnet',
      depth,
      ...image,
      flop: resnetFlop(depth, image),
      nodePeers: ['tfjs'],
    })),
    ...[0, 20_000].map((bank) => {
      const text = { batch: 256, vocabulary: 20_000, width: 96, dimension: 384, bank };
      return {
        name: bank ? 'static, bank' : 'static, batch',
        kind: 'static',
        ...text,
        flop: staticFlop(text),
        nodePeers: ['tfjs', 'jax-js'],
      };
    }),
    transformer({ batch: 64, length: 24, layers: 2, hidden: 384, heads: 12, vocabulary: 20_000, dimension: 384 }),
  ];
}

function resnetFlop(depth, { batch, size, classes }) {
  const blocks = (depth - 2) / 6;
  const conv = (side, from, to, kernel) => 2 * side * side * from * to * kernel * kernel;
  let forward = conv(size, 3, 16, 3);
  for (let stage = 0, from = 16; stage < 3; stage++) {
    const to = 16 * 2 ** stage;
    const side = size / 2 ** stage;
    for (let block = 0; block < blocks; block++) {
      forward += conv(side, from, to, 3) + conv(side, to, to, 3);
      // A stage that changes width begins with a shortcut of its own.
      if (from !== to) forward += conv(side, from, to, 1);
      from = to;
    }
  }
  return 3 * batch * (forward + 2 * 64 * classes);
}

/** The projection, and the logits with their gradient; the mean of token vectors is a sum and not counted. */
function staticFlop({ batch, width, dimension, bank }) {
  return 3 * 2 * batch * width * dimension + 2 * 2 * batch * (bank || batch) * dimension;
}

function transformer(configuration) {
  const { batch, length, layers, hidden, dimension } = configuration;
  const tokens = batch * length;
  const layer = 2 * tokens * (4 * hidden * hidden + 2 * hidden * 4 * hidden) + 2 * 2 * tokens * length * hidden;
  const flop = 3 * layers * layer + 2 * 2 * batch * batch * dimension;
  return { name: 'transformer-2', kind: 'transformer', ...configuration, flop };
}
