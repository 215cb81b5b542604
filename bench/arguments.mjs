// What the suites' command lines have in common.
import { InvalidArgumentError } from 'commander';

/** Parses a number of seconds. */
export function duration(text) {
  if (!/^\d*\.?\d+$/.test(text)) throw new InvalidArgumentError('Expected a number of seconds.');
  return Number(text);
}

/** Parses a whole number ≥ 1. */
export function count(text) {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('Expected a whole number ≥ 1.');
  return Number(text);
}

/** Parses items between commas. */
export function listOf(parseItem) {
  return (text) => text.split(',').map((item) => parseItem(item.trim()));
}
