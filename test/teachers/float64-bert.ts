/**
 * A forward pass of BERT in float64, written as plainly as it can be: one text at a time, one loop per formula, no
 * engine, no graph, no ONNX Runtime, and its own few lines for safetensors and half floats. A second reference beside
 * the goldens, for any text that a test likes to try.
 *
 * Not fast (about a million multiplications a millisecond) and not for anything but tests.
 */
import { readFileSync } from 'node:fs';

export interface BertShape {
  hidden_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  layer_norm_eps: number;
}

/**
 * BERT from an fp16 safetensors file and its config.json.
 *
 * @example
 * const bert = new Float64Bert('model.fp16.safetensors', config);
 * bert.embed([101, 3682, 102]); // 384 numbers of length 1
 */
export class Float64Bert {
  readonly #shape: BertShape;
  readonly #bytes: Buffer;
  readonly #dataStart: number;
  readonly #header: Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;
  readonly #widened = new Map<string, Float64Array>();

  constructor(path: string, shape: BertShape) {
    this.#shape = shape;
    this.#bytes = readFileSync(path);
    const headerLength = Number(this.#bytes.readBigUInt64LE(0));
    this.#dataStart = 8 + headerLength;
    this.#header = JSON.parse(this.#bytes.toString('utf8', 8, this.#dataStart));
  }

  /** The mean of the last layer's rows over all tokens, divided by its length: `hidden_size` numbers. */
  embed(ids: ArrayLike<number>): Float64Array {
    const size = this.#shape.hidden_size;
    const rows = this.lastHiddenState(ids);
    const mean = new Float64Array(size);
    for (let i = 0; i < rows.length; i++) mean[i % size] += rows[i] / ids.length;
    const length = Math.sqrt(mean.reduce((sum, x) => sum + x * x, 0));
    return mean.map((x) => x / length);
  }

  /** The last layer's output, one row of `hidden_size` for each token, nothing padded. */
  lastHiddenState(ids: ArrayLike<number>): Float64Array {
    let x = this.#layerNorm(this.#embeddings(ids), 'embeddings.LayerNorm');
    for (let layer = 0; layer < this.#shape.num_hidden_layers; layer++) {
      const at = `encoder.layer.${layer}`;
      const attended = this.#linear(this.#attention(x, `${at}.attention.self`), `${at}.attention.output.dense`);
      x = this.#layerNorm(add(x, attended), `${at}.attention.output.LayerNorm`);
      const inner = this.#linear(x, `${at}.intermediate.dense`).map(gelu);
      x = this.#layerNorm(add(x, this.#linear(inner, `${at}.output.dense`)), `${at}.output.LayerNorm`);
    }
    return x;
  }

  /** Word + position + type 0, before the layer norm. */
  #embeddings(ids: ArrayLike<number>): Float64Array {
    const size = this.#shape.hidden_size;
    const result = new Float64Array(ids.length * size);
    const type = this.#row('embeddings.token_type_embeddings.weight', 0);
    for (let i = 0; i < ids.length; i++) {
      const word = this.#row('embeddings.word_embeddings.weight', ids[i]);
      const position = this.#row('embeddings.position_embeddings.weight', i);
      for (let k = 0; k < size; k++) result[i * size + k] = word[k] + position[k] + type[k];
    }
    return result;
  }

  /** softmax(QKᵀ/√d)V, head by head and token by token. */
  #attention(x: Float64Array, at: string): Float64Array {
    const size = this.#shape.hidden_size;
    const width = size / this.#shape.num_attention_heads;
    const tokens = x.length / size;
    const [q, k, v] = ['query', 'key', 'value'].map((name) => this.#linear(x, `${at}.${name}`));
    const result = new Float64Array(x.length);
    for (let head = 0; head < size; head += width) {
      for (let i = 0; i < tokens; i++) {
        const scores = new Float64Array(tokens);
        for (let j = 0; j < tokens; j++) {
          for (let d = head; d < head + width; d++) scores[j] += q[i * size + d] * k[j * size + d];
          scores[j] /= Math.sqrt(width);
        }
        const highest = Math.max(...scores);
        const weights = scores.map((score) => Math.exp(score - highest));
        const sum = weights.reduce((a, b) => a + b, 0);
        for (let j = 0; j < tokens; j++) {
          for (let d = head; d < head + width; d++) result[i * size + d] += (weights[j] / sum) * v[j * size + d];
        }
      }
    }
    return result;
  }

  /** x Wᵀ + b, with W stored as outputs × inputs. */
  #linear(x: Float64Array, at: string): Float64Array {
    const weight = this.#tensor(`${at}.weight`);
    const bias = this.#tensor(`${at}.bias`);
    const outputs = bias.length;
    const inputs = weight.length / outputs;
    const rows = x.length / inputs;
    const result = new Float64Array(rows * outputs);
    for (let i = 0; i < rows; i++) {
      for (let o = 0; o < outputs; o++) {
        let sum = bias[o];
        for (let k = 0; k < inputs; k++) sum += x[i * inputs + k] * weight[o * inputs + k];
        result[i * outputs + o] = sum;
      }
    }
    return result;
  }

  /** Each row minus its mean, over its standard deviation (ε inside the root), scaled and shifted. */
  #layerNorm(x: Float64Array, at: string): Float64Array {
    const size = this.#shape.hidden_size;
    const scale = this.#tensor(`${at}.weight`);
    const shift = this.#tensor(`${at}.bias`);
    const result = new Float64Array(x.length);
    for (let start = 0; start < x.length; start += size) {
      const row = x.subarray(start, start + size);
      const mean = row.reduce((a, b) => a + b, 0) / size;
      const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / size;
      const deviation = Math.sqrt(variance + this.#shape.layer_norm_eps);
      for (let k = 0; k < size; k++) result[start + k] = ((row[k] - mean) / deviation) * scale[k] + shift[k];
    }
    return result;
  }

  /** A whole tensor, widened once and kept. */
  #tensor(name: string): Float64Array {
    let tensor = this.#widened.get(name);
    if (!tensor) {
      tensor = this.#widen(
        name,
        0,
        this.#header[name].shape.reduce((a, b) => a * b, 1),
      );
      this.#widened.set(name, tensor);
    }
    return tensor;
  }

  /** One row of a table, without widening the table. */
  #row(name: string, index: number): Float64Array {
    const [rows, columns] = this.#header[name].shape;
    if (!(index >= 0 && index < rows)) throw new Error(`${name}: expected a row below ${rows}, got ${index}`);
    return this.#widen(name, index * columns, columns);
  }

  #widen(name: string, from: number, count: number): Float64Array {
    const { dtype, data_offsets } = this.#header[name];
    if (dtype !== 'F16') throw new Error(`${name}: expected F16, got ${dtype}`);
    const start = this.#dataStart + data_offsets[0] + 2 * from;
    return Float64Array.from({ length: count }, (_, i) => fromHalf(this.#bytes.readUInt16LE(start + 2 * i)));
  }
}

function add(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value + b[i]);
}

/** IEEE half precision: 1 sign, 5 exponent, 10 fraction bits; infinities and NaN do not occur in weights. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

/** The exact GELU, x·Φ(x), with the error function and not its tanh approximation. */
export function gelu(x: number): number {
  return x < 0 ? (x * erfc(-x / Math.SQRT2)) / 2 : x - (x * erfc(x / Math.SQRT2)) / 2;
}

/**
 * 1 − erf(x) for x ≥ 0, to about 1e-15: the Maclaurin series of erf where it does not cancel (Abramowitz and Stegun
 * 7.1.6, whose terms are all positive), the continued fraction (7.1.14) evaluated from its end where the tail is thin.
 */
export function erfc(x: number): number {
  const gauss = Math.exp(-x * x) / Math.sqrt(Math.PI);
  if (x < 2.5) {
    let term = 2 * x;
    let sum = term;
    for (let n = 1; term > 1e-18 * sum; n++) {
      term *= (2 * x * x) / (2 * n + 1);
      sum += term;
    }
    return 1 - gauss * sum;
  }
  let fraction = x;
  for (let n = 120; n >= 1; n--) fraction = x + n / 2 / fraction;
  return gauss / fraction;
}
