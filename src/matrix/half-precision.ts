/** Half-precision floats: widened to single precision bit for bit, and narrowed to the nearest. */

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

/** Single precision to IEEE 754 half, to the nearest, ties to even; what is too large becomes ±∞. */
export function floatsToHalves(floats: Float32Array): Uint16Array {
  const bits = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  const halves = new Uint16Array(bits.length);
  for (let i = 0; i < bits.length; i++) halves[i] = halfBits(bits[i]);
  return halves;
}

function halfBits(single: number): number {
  const sign = (single >>> 16) & 0x8000;
  const exponent = ((single >>> 23) & 0xff) - 127;
  const fraction = single & 0x7fffff;
  if (exponent === 128) return sign | 0x7c00 | (fraction === 0 ? 0 : 0x200 | (fraction >> 13));
  if (exponent > 15) return sign | 0x7c00;
  // Below 2⁻¹⁴ halves are subnormal: multiples of 2⁻²⁴, with the leading one in the fraction.
  if (exponent < -25) return sign;
  const subnormal = exponent < -14;
  const significand = subnormal ? fraction | 0x800000 : fraction;
  const dropped = subnormal ? -1 - exponent : 13;
  const kept = (subnormal ? 0 : (exponent + 15) << 10) + (significand >>> dropped);
  const rest = significand & ((1 << dropped) - 1);
  const halfway = 1 << (dropped - 1);
  // A carry out of the fraction is the next exponent, and out of the largest, infinity.
  return sign | (kept + (rest > halfway || (rest === halfway && (kept & 1) === 1) ? 1 : 0));
}

/** Single precision to bfloat16, to the nearest, ties to even. */
export function floatsToBrainFloats(floats: Float32Array): Uint16Array {
  const bits = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  return Uint16Array.from(bits, (single) => {
    if ((single & 0x7fffffff) > 0x7f800000) return (single >>> 16) | 0x40; // NaN must not round to infinity
    return (single + 0x7fff + ((single >>> 16) & 1)) >>> 16;
  });
}
