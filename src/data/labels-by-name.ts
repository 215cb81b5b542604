/** Labels as files hold them, strings or whole numbers, to class indices with names. */
import { LimbeckError, show } from '../errors.ts';
import { GrowingArray } from './growing-array.ts';
import { showValue } from './source-row.ts';

/** Larger numbers are names and not indices: the classes below them would be empty. */
const LARGEST_INDEX = 9_999;

/**
 * Collects labels in one pass. With names given, a label is one of them, or the index of one. Without, whole numbers from 0 on stay
 * the numbers they are and are named in decimal; anything else is a name, and classes are sorted: by number when all are whole
 * numbers, else by code unit.
 *
 * @example
 * const labels = new LabelsByName();
 * for (const value of ['spam', 'ham', 'spam']) labels.keep(labels.read(value, 'a.csv, row 1'));
 * labels.finish(); // { labels: Int32Array [1, 0, 1], classNames: ['ham', 'spam'] }
 */
export class LabelsByName {
  readonly #given: ReadonlyMap<string, number> | undefined;
  readonly #found = new Map<string, number>();
  readonly #labels = new GrowingArray(Int32Array);

  constructor(classNames?: readonly string[]) {
    this.#given = classNames && new Map(classNames.map((name, i) => [name, i]));
  }

  /**
   * A label as the name it is kept by, checked and not kept yet.
   *
   * @throws LimbeckError DATA_MISMATCH naming the place of what is no label or not among the names given
   */
  read(value: unknown, place: string): string {
    const name = nameOf(value);
    if (name === undefined) {
      throw new LimbeckError(
        'DATA_MISMATCH',
        `${place}: expected a label, a string or a whole number, got ${value === undefined ? 'nothing' : showValue(value)}. ` +
          'Give every row a label, or read the file without labelColumn.',
      );
    }
    const given = this.#given;
    if (!given || given.has(name) || (isIndex(name) && Number(name) < given.size)) return name;
    const known = [...given.keys()].slice(0, 10).map(show).join(', ');
    throw new LimbeckError(
      'DATA_MISMATCH',
      `${place}: expected a label among the ${given.size} class names ${known}${given.size > 10 ? ', …' : ''}, got ${show(name)}. ` +
        'Mend the label, or add it to classNames.',
    );
  }

  /** Keeps a label that was read. */
  keep(name: string): void {
    const given = this.#given;
    if (given) {
      this.#labels.push(given.get(name) ?? Number(name));
      return;
    }
    let number = this.#found.get(name);
    if (number === undefined) {
      number = this.#found.size;
      this.#found.set(name, number);
    }
    this.#labels.push(number);
  }

  /** Whether a label is the one that a sample has. */
  isLabelOf(name: string, sample: number): boolean {
    return (this.#given ? (this.#given.get(name) ?? Number(name)) : this.#found.get(name)) === this.#labels.at(sample);
  }

  finish(): { readonly labels: Int32Array; readonly classNames: readonly string[] } {
    const labels = this.#labels.finish();
    if (this.#given) return { labels, classNames: [...this.#given.keys()] };
    const found = [...this.#found.keys()];
    const classNames = classNamesOf(found);
    const indices = new Map(classNames.map((name, i) => [name, i]));
    return { labels: labels.map((number) => indices.get(found[number]) as number), classNames };
  }
}

function classNamesOf(found: readonly string[]): string[] {
  if (!found.every((name) => /^-?\d+$/.test(name))) return [...found].sort();
  const numbers = found.map(Number).sort((a, b) => a - b);
  const largest = numbers[numbers.length - 1];
  const indices = found.every(isIndex) && numbers[0] === 0 && largest <= LARGEST_INDEX;
  if (indices) return Array.from({ length: largest + 1 }, (_, i) => String(i));
  return [...found].sort((a, b) => Number(a) - Number(b) || (a < b ? -1 : 1));
}

function nameOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value.trim() === '' ? undefined : value.trim();
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value))) return `${value}`;
  return undefined;
}

function isIndex(name: string): boolean {
  return /^(0|[1-9]\d{0,8})$/.test(name);
}
