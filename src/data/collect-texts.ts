/**
 * Rows of a file to samples, one after another: which are kept, which are left out and why, their labels and names. The same for
 * data in memory and for data on disk, so that both are the same data.
 */
import { LimbeckError, show } from '../errors.ts';
import type { SkippedSample } from './dataset.ts';
import { DigestIndex } from './digest-index.ts';
import { GrowingArray } from './growing-array.ts';
import { LabelsByName } from './labels-by-name.ts';
import type { ReadTextsOptions } from './read-texts-options.ts';
import { placeIn, type SourceRow, showValue } from './source-row.ts';

export class TextCollector {
  readonly skipped: SkippedSample[] = [];
  readonly ids: string[] | undefined;
  readonly positions = new GrowingArray(Int32Array);
  readonly lengths = new GrowingArray(Int32Array);
  /** Rows so far, those left out included. */
  rows = 0;
  readonly #path: string;
  readonly #unit: 'line' | 'row';
  readonly #options: ReadTextsOptions;
  readonly #labels: LabelsByName | undefined;
  /** Number of the row that each sample comes from. */
  readonly #numbers = new GrowingArray(Int32Array);
  readonly #knownTexts: DigestIndex | undefined;
  readonly #knownIds = new DigestIndex();
  readonly #firsts = new GrowingArray(Int32Array);
  #repeats = false;

  /** @param marking whether equal texts are to be found, to be left out or for {@link duplicateOf} */
  constructor(path: string, unit: 'line' | 'row', options: ReadTextsOptions, marking: boolean) {
    this.#path = path;
    this.#unit = unit;
    this.#options = options;
    this.#labels = options.labelColumn === undefined ? undefined : new LabelsByName(options.classNames);
    this.ids = options.idColumn === undefined ? undefined : [];
    this.#knownTexts = marking ? new DigestIndex() : undefined;
  }

  get size(): number {
    return this.positions.length;
  }

  /** Whether as many samples are kept as were asked for. */
  get full(): boolean {
    return this.size >= (this.#options.limit ?? Number.POSITIVE_INFINITY);
  }

  /**
   * Values of a row: text, then label and id where they are read.
   *
   * @returns the text, or undefined when the row is left out
   * @throws LimbeckError FILE_CORRUPT for a text that is not a string; DATA_MISMATCH for a label or an id that cannot be used
   */
  add({ number, values, blank }: SourceRow): string | undefined {
    if (blank) return this.#skip(number, 'blank line');
    const position = this.rows++;
    const [text, ...others] = values;
    if (text === undefined || text === null) return this.#skip(number, 'no text');
    const place = () => placeIn(this.#path, this.#unit, number);
    if (typeof text !== 'string') {
      const column = show(this.#options.column);
      throw new LimbeckError(
        'FILE_CORRUPT',
        `${place()}: expected a string in column ${column}, got ${showValue(text)}. Set column to the one that holds the texts.`,
      );
    }
    if (text.trim() === '') return this.#skip(number, text === '' ? 'empty text' : 'blank text');
    if (/\p{Surrogate}/u.test(text))
      return this.#skip(number, 'half of a surrogate pair: cut in the middle of a character');
    const label = this.#labels?.read(others.shift(), place());
    const first = this.#knownTexts?.add(text, this.size) ?? this.size;
    if (first < this.size && this.#options.deduplicate) {
      const other = label !== undefined && !this.#labels?.isLabelOf(label, first) ? ', which has another label' : '';
      return this.#skip(number, `duplicate of ${this.#unit} ${this.#numbers.at(first)}${other}`);
    }
    this.#repeats ||= first < this.size;
    if (this.ids) this.ids.push(this.#idOf(others[0], place()));
    if (label !== undefined) this.#labels?.keep(label);
    this.#firsts.push(first);
    this.#numbers.push(number);
    this.positions.push(position);
    this.lengths.push(text.length);
    return text;
  }

  /** For every sample the first with an equal text; undefined when all differ. */
  duplicateOf(): Int32Array | undefined {
    return this.#repeats ? this.#firsts.finish() : undefined;
  }

  /** @throws LimbeckError EMPTY_DATA when nothing was kept */
  finish() {
    if (this.size === 0) {
      const why =
        this.skipped.length > 0 ? `${this.skipped.length} without one, ${show(this.skipped[0].reason)}` : 'no rows';
      throw new LimbeckError(
        'EMPTY_DATA',
        `${this.#path}: expected at least one row with a text, got ${why}. Check that this is the right file and column.`,
      );
    }
    return {
      ...this.#labels?.finish(),
      ...(this.ids && { ids: this.ids as readonly string[] }),
      positions: this.positions.finish(),
      // Beyond a limit nothing was read.
      ...(!this.full && { sourceSize: this.rows }),
      skipped: this.skipped as readonly SkippedSample[],
      lengths: this.lengths.finish(),
    };
  }

  #skip(number: number, reason: string): undefined {
    this.skipped.push({ where: placeIn(this.#path, this.#unit, number), reason });
  }

  #idOf(value: unknown, place: string): string {
    const id = idOf(value);
    if (id === undefined) {
      throw new LimbeckError(
        'DATA_MISMATCH',
        `${place}: expected an id, a string or a whole number, in column ${show(this.#options.idColumn)}, got ${showValue(value)}.`,
      );
    }
    const first = this.#knownIds.add(id, this.size);
    if (first === this.size) return id;
    throw new LimbeckError(
      'DATA_MISMATCH',
      `${place}: expected an id of its own, got ${show(id)}, which is that of ${this.#unit} ${this.#numbers.at(first)}. ` +
        'Give every row another id, or set idColumn to a column that tells rows apart.',
    );
  }
}

/** An id as a string; undefined for what is none. */
export function idOf(value: unknown): string | undefined {
  if (typeof value === 'string' && value !== '') return value;
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value))) return `${value}`;
  return undefined;
}
