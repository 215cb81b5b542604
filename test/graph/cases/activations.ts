/** Gradient cases: activation functions, on both sides of their kinks and far out. */
import * as g from '../../../src/graph/index.ts';
import type { Random } from '../../../src/matrix/random.ts';
import type { GradientCase } from '../check-gradient.ts';

const wide = (random: Random) => 4 * random.normal();

export const activations: Record<string, GradientCase> = {
  relu: { shapes: [[3, 5]], build: ([x]) => g.mul(g.relu(x), x) },
  'relu, run-time sizes': { shapes: [[3, 5]], symbolic: [['batch', 'width']], build: ([x]) => g.relu(x) },
  leakyRelu: { shapes: [[3, 5]], build: ([x]) => g.mul(g.leakyRelu(x), x) },
  'leakyRelu, slope above 1': { shapes: [[3, 5]], build: ([x]) => g.leakyRelu(x, 1.5) },
  gelu: { shapes: [[3, 5]], build: ([x]) => g.gelu(x), values: wide },
  sigmoid: { shapes: [[3, 5]], build: ([x]) => g.sigmoid(x), values: wide },
  hardSigmoid: { shapes: [[3, 5]], build: ([x]) => g.hardSigmoid(x, 0.3, 0.4), values: wide },
  hardSwish: { shapes: [[3, 5]], build: ([x]) => g.hardSwish(x), values: wide },
  tanh: { shapes: [[3, 5]], build: ([x]) => g.tanh(x) },
  boundedSoftplus: { shapes: [[3, 5]], build: ([x]) => g.boundedSoftplus(x), values: wide },
  softplus: { shapes: [[3, 5]], build: ([x]) => g.softplus(x), values: wide },
  clip: { shapes: [[3, 5]], build: ([x]) => g.mul(g.clip(x, -0.5, 1), x) },
};
