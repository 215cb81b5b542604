// What embedding texts with an encoder of the BERT family comes to.

/**
 * FLOP of the products that the texts' own tokens need (a multiply-add counts as two); padding is not counted.
 *
 * @param lengths tokens of every text
 */
export function encoderFlop(lengths, { layers, hidden, intermediate }) {
  const token = 2 * (4 * hidden * hidden + 2 * hidden * intermediate);
  return lengths.reduce((sum, length) => sum + layers * length * (token + 4 * length * hidden), 0);
}

/**
 * Batches of texts in their order, filled up to the longest of each, as the encoder takes them.
 *
 * @param encoded token ids of every text
 * @returns { ids, mask, positions }, each { dtype, dims, data }
 */
export function paddedBatches(encoded, size, padId) {
  const batches = [];
  for (let start = 0; start < encoded.length; start += size) {
    const texts = encoded.slice(start, start + size);
    const length = Math.max(...texts.map((ids) => ids.length));
    const ids = new Int32Array(texts.length * length).fill(padId);
    const mask = new Float32Array(texts.length * length);
    for (const [k, tokens] of texts.entries()) {
      ids.set(tokens, k * length);
      mask.fill(1, k * length, k * length + tokens.length);
    }
    const dims = [texts.length, length];
    batches.push({
      ids: { dtype: 'int32', dims, data: ids },
      mask: { dtype: 'float32', dims, data: mask },
      positions: { dtype: 'int32', dims: [length], data: Int32Array.from({ length }, (_, i) => i) },
    });
  }
  return batches;
}
