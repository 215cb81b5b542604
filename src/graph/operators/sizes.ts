/**
 * Arithmetic on sizes that are known only when the program runs. A result gets a name made from the names that went in, so
 * that two tensors that must have one size have one name: 'batch·length', 'length+1', 'length−1' (and that padded by one is
 * 'length' again), 'length/2', rounded up.
 */
import type { Dimension, Shape } from '../tensor.ts';

/** The sum of sizes: 'n+2·m+3'. */
export function addSizes(sizes: readonly Dimension[]): Dimension {
  const terms = new Map<string, { times: number; names: readonly string[] }>();
  let known = 0;
  for (const size of sizes) {
    const [name, offset] = splitOffset(size);
    known += offset;
    for (const term of name === '' ? [] : splitOutside(name, '+')) {
      const { known: times, names } = factors([term]);
      const key = product(1, names);
      terms.set(key, { times: (terms.get(key)?.times ?? 0) + times, names });
    }
  }
  if (terms.size === 0) return known;
  const sum = [...terms.values()].map(({ times, names }) => product(times, names)).join('+');
  return sum + (known === 0 ? '' : `${known < 0 ? '−' : '+'}${Math.abs(known)}`);
}

/** The product of sizes: '2·batch·length'. */
export function multiplySizes(sizes: readonly Dimension[]): Dimension {
  const { known, names } = factors(sizes);
  return names.length === 0 || known === 0 ? known : product(known, names);
}

/** A size divided by a known one, rounded up. A multiple with an offset divides: '2·n−1' by 2 is 'n'. */
export function divideSize(size: Dimension, by: number): Dimension {
  if (by === 1) return size;
  const [name, offset] = splitOffset(size);
  const { known, names } = factors(name === '' ? [] : [name]);
  if (name === '' || known % by === 0) {
    const whole = name === '' ? 0 : multiplySizes([known / by, ...names]);
    return addSizes([whole, Math.ceil(offset / by)]);
  }
  return `${bracketed(size as string, /[+−·]/)}/${by}`;
}

/** Equal for shapes of equal numbers of entries. */
export function sizeKey(shape: Shape): string {
  const { known, names } = factors(shape);
  return [known, ...names.sort()].join(' · ');
}

/** A known factor, and the others as they are written when they stand alone. */
function factors(sizes: readonly Dimension[]): { known: number; names: string[] } {
  const names: string[] = [];
  let known = 1;
  for (const size of sizes) {
    for (const factor of typeof size === 'number' ? [size] : splitFactors(size)) {
      if (typeof factor === 'number' || /^\d+$/.test(factor)) known *= Number(factor);
      else names.push(outsideBrackets(factor) === '' ? factor.slice(1, -1) : factor);
    }
  }
  return { known, names };
}

function product(known: number, names: readonly string[]): string {
  if (known === 1 && names.length === 1) return names[0];
  return [...(known === 1 ? [] : [known]), ...names.map((name) => bracketed(name, /[+−/]/))].join('·');
}

/** The factors of 'a·(b+1)·c', not looking into brackets; a sum is one factor. */
function splitFactors(name: string): string[] {
  return /[+−]/.test(outsideBrackets(name)) ? [name] : splitOutside(name, '·');
}

function splitOutside(name: string, separator: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const character of name) {
    if (character === '(') depth++;
    if (character === ')') depth--;
    if (character === separator && depth === 0) {
      parts.push(part);
      part = '';
    } else {
      part += character;
    }
  }
  return [...parts, part];
}

/** 'n+3' → ['n', 3]. */
function splitOffset(size: Dimension): [string, number] {
  if (typeof size === 'number') return ['', size];
  const match = /^(.+)([+−])(\d+)$/.exec(size);
  return match ? [match[1], (match[2] === '+' ? 1 : -1) * Number(match[3])] : [size, 0];
}

/** In brackets when an operator outside brackets would bind otherwise. */
function bracketed(name: string, operators: RegExp): string {
  return operators.test(outsideBrackets(name)) ? `(${name})` : name;
}

function outsideBrackets(name: string): string {
  let rest = name;
  for (let before = ''; before !== rest; ) {
    before = rest;
    rest = rest.replace(/\([^()]*\)/g, '');
  }
  return rest;
}
