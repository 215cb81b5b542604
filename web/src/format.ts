/** Numbers as people read them. */

const grouped = new Intl.NumberFormat('en');

/** 12,345 */
export const count = (value: number): string => grouped.format(value);

/** "1 text", "12,345 texts" */
export const counted = (value: number, one: string, several = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : several}`;

/** "4.3 MB", in millions of bytes; small ones in "12 kB". */
export function bytes(value: number): string {
  if (value < 1e5) return `${(value / 1e3).toPrecision(2)} kB`;
  return `${(value / 1e6).toFixed(1)} MB`;
}

/** "0.84 ms" */
export const milliseconds = (value: number): string =>
  `${value < 9.95 ? value.toFixed(1) : count(Math.round(value))} ms`;

/** "42 s", "3 min 20 s" */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** "61.3 %" */
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** A text, or as much of it as has a place on the page. */
export const shortened = (text: string): string => (text.length > 300 ? `${text.slice(0, 299)}…` : text);
