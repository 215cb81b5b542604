/** Numbers as text, alike in the terminal and on the page. Independent of the locale, so that reports compare. */
import { formatScore } from '../evaluation/metrics.ts';

export { formatScore };

/** The spread of scores: three decimals, and `<.001` (no wider) where three would claim that there is none. */
export function formatSpread(standardDeviation: number): string {
  const small = standardDeviation > 1e-12 && standardDeviation < 0.0005;
  return small ? '<.001' : standardDeviation.toFixed(3);
}

/** A difference with its sign: `+0.011`, `−0.002`, `0.000`. */
export function formatDifference(value: number): string {
  const text = formatScore(value);
  if (text === '0.000') return text;
  return text.startsWith('-') ? `−${text.slice(1)}` : `+${text}`;
}

/** A whole number with commas between thousands: `22,713,216`. */
export function formatCount(value: number): string {
  return value.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Bytes as megabytes (10⁶ bytes), without the unit: `2.9`, `45`. */
export function formatMegabytes(bytes: number): string {
  const megabytes = bytes / 1e6;
  return megabytes < 0.1 ? megabytes.toFixed(3) : megabytes < 100 ? megabytes.toFixed(1) : formatCount(megabytes);
}

/** A duration: `4.2s`, `42s`, `1m 23s`, `2h 05m`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  const pad = (n: number) => String(n).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${pad(whole % 60)}s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)}h ${pad(minutes % 60)}m`;
}

/** A share as percent with one decimal: `96.7 %`. */
export function formatPercent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
