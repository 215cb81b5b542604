/** Pixels of an image channel by channel, as students take them, or pixel by pixel, as files and decoders have them. */
import type { ImageSample } from '../../students/images/pixels.ts';

/** [height · width, channels] → [channels, height · width]. */
export function channelFirst<P extends ImageSample>(pixels: P, channels: number): P {
  const plane = pixels.length / channels;
  const result = pixels.slice() as P;
  for (let c = 0; c < channels; c++) {
    for (let i = 0, from = c; i < plane; i++, from += channels) result[c * plane + i] = pixels[from];
  }
  return result;
}

/** [channels, height · width] → [height · width, channels]. */
export function channelLast<P extends ImageSample>(pixels: P, channels: number): P {
  const plane = pixels.length / channels;
  const result = pixels.slice() as P;
  for (let c = 0; c < channels; c++) {
    for (let i = 0, to = c; i < plane; i++, to += channels) result[to] = pixels[c * plane + i];
  }
  return result;
}
