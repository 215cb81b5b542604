/**
 * An axis of numbers for small pictures: logarithmic where they span more than a decade, with ticks that do not run into each other. Values
 * are turned into places here, and the plot's own scale stays linear, so that a zero has a place too: half a decade below the smallest.
 */
import { formatCount } from './format.ts';

export interface NumberAxis {
  readonly logarithmic: boolean;
  /** Where a value stands. */
  readonly place: (value: number) => number;
  readonly domain: readonly [number, number];
  /** Values that have a tick, in ascending order; written by {@link formatNumber}. */
  readonly ticks: readonly number[];
}

export interface NumberAxisOptions {
  /** At the values themselves, or at round numbers. Default 'values'. */
  readonly ticks?: 'values' | 'round';
  /** How long the axis is, in pixels of the picture; default 300. */
  readonly width?: number;
}

/** How wide a letter of a tick is, at the font size of the pictures, and how far ticks stay apart. */
const LETTER = 7.5;
const GAP = 10;
const MOST_TICKS = 7;

/** Two ticks have room beside each other. */
type Apart = (left: number, right: number) => boolean;

/**
 * @param values at least one, finite; with negative ones it is never logarithmic
 *
 * @example
 * numberAxis([0.02, 0.05, 0.5]).logarithmic; // true
 */
export function numberAxis(
  values: readonly number[],
  { ticks = 'values', width = 300 }: NumberAxisOptions = {},
): NumberAxis {
  const sorted = [...new Set(values)].sort((a, b) => a - b);
  const positive = sorted.filter((value) => value > 0);
  const least = positive[0];
  const most = sorted[sorted.length - 1];
  const logarithmic = sorted[0] >= 0 && positive.length > 1 && most > 10 * least;
  const place = (value: number): number =>
    !logarithmic ? value : value > 0 ? Math.log10(value) : Math.log10(least) - 0.5;
  const [low, high] = [place(sorted[0]), place(most)];
  const air = (high - low || Math.abs(high) || 1) * 0.06;
  const domain = [low - air, high + air] as const;
  const pixels = (value: number): number => ((place(value) - domain[0]) / (domain[1] - domain[0])) * width;
  const half = (tick: number): number => (formatNumber(tick).length * LETTER) / 2;
  const apart: Apart = (left, right) => pixels(right) - half(right) - pixels(left) - half(left) >= GAP;
  const round = logarithmic ? roundPowers(least, most, apart) : roundSteps(sorted[0], most, apart);
  return { logarithmic, place, domain, ticks: ticks === 'values' ? withoutOverlap(sorted, apart) : round };
}

/** From the left what has room beside its left neighbour; but the last has the right of way. */
function withoutOverlap(ticks: readonly number[], apart: Apart): number[] {
  const last = ticks[ticks.length - 1];
  const kept: number[] = [];
  for (const tick of ticks) if (kept.length === 0 || apart(kept[kept.length - 1], tick)) kept.push(tick);
  if (kept[kept.length - 1] === last) return kept;
  while (kept.length > 1 && !apart(kept[kept.length - 1], last)) kept.pop();
  return apart(kept[kept.length - 1], last) ? [...kept, last] : kept;
}

/** The finest of 1-2-5, 1-5 and 1 of every power of ten that has room. */
function roundPowers(low: number, high: number, apart: Apart): number[] {
  const powers = Array.from(
    { length: Math.ceil(Math.log10(high / low)) + 2 },
    (_, i) => i + Math.floor(Math.log10(low)),
  );
  const ticks = [[1, 2, 5], [1, 5], [1]].map((digits) =>
    powers
      .flatMap((power) => digits.map((digit) => Number(`${digit}e${power}`)))
      .filter((value) => value >= low && value <= high),
  );
  return ticks.find((some) => haveRoom(some, apart)) ?? withoutOverlap(ticks[ticks.length - 1], apart);
}

/** Multiples of the finest of 1, 2 and 5 times a power of ten that have room; where none lies there, the two ends. */
function roundSteps(low: number, high: number, apart: Apart): number[] {
  if (high === low) return [low];
  const first = Math.floor(Math.log10(high - low)) - 1;
  for (const step of [0, 1, 2].flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** (first + power)))) {
    const [from, to] = [Math.ceil(low / step - 1e-9), Math.floor(high / step + 1e-9)];
    if (to - from >= MOST_TICKS || to <= from) continue;
    const ticks = Array.from({ length: to - from + 1 }, (_, i) => Number(((from + i) * step).toPrecision(12)));
    if (haveRoom(ticks, apart)) return ticks;
  }
  return withoutOverlap([low, high], apart);
}

const haveRoom = (ticks: readonly number[], apart: Apart): boolean =>
  ticks.every((tick, i) => i === 0 || apart(ticks[i - 1], tick));

/** Short and exact enough for a tick: `0.02`, `16,384`, `−1.25`. */
export function formatNumber(value: number): string {
  const text = Number.isInteger(value) ? formatCount(value) : String(Number(value.toPrecision(3)));
  return text.replaceAll('-', '−');
}
