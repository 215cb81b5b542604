/** Half-precision floats widened to single precision, bit for bit. */

let halfTable: Uint32Array | undefined;

/** IEEE 754 half precision to single, bit for bit: subnormals, infinities and the payloads of NaN included. */
export function halvesToFloats(halves: Uint16Array): Float32Array {
  halfTable ??= Uint32Array.from({ length: 65_536 }, (_, half) => singleBits(half));
  // Written as bits: passing a NaN through a number may change its payload.
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halfTable[halves[i]];
  return new Float32Array(bits.buffer);
}

function singleBits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return (sign | 0x7f800000 | (fraction << 13)) >>> 0;
  if (exponent > 0) return (sign | ((exponent + 112) << 23) | (fraction << 13)) >>> 0; // bias 127 instead of 15
  if (fraction === 0) return sign >>> 0;
  // Subnormal: fraction · 2⁻²⁴ is normal in single precision; its leading one goes into the exponent.
  const leading = 31 - Math.clz32(fraction);
  return (sign | ((leading + 103) << 23) | (((fraction << (10 - leading)) & 0x3ff) << 13)) >>> 0;
}

/** A bfloat16 is the upper half of a float32. */
export function brainFloatsToFloats(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i] << 16;
  return new Float32Array(bits.buffer);
}
