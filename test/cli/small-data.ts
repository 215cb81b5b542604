/** Small real data for commands: WordNet glosses, and as their teacher's rows bags of words, hashed to 24 numbers. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeNpy } from '../../src/data/npy.ts';
import { parseWordNet, SUPERSENSES, splitWordNet } from '../../src/data/wordnet.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import { WORDNET } from '../material.ts';

const WIDTH = 24;

/** Every word adds one of the numbers. */
export function bagOfWords(texts: readonly string[]): Matrix {
  const rows = new Float32Array(texts.length * WIDTH);
  for (const [i, text] of texts.entries()) {
    for (const word of text.toLowerCase().match(/\w+/g) ?? ['']) {
      rows[i * WIDTH + (createHash('md5').update(word).digest()[0] % WIDTH)] += 1;
    }
  }
  return new Matrix(texts.length, WIDTH, rows);
}

/** Writes glosses.jsonl (id, text, label) and glosses.npy to a directory. */
export async function writeGlosses(directory: string, count: number): Promise<readonly string[]> {
  const { train } = splitWordNet(await parseWordNet(WORDNET), { heldOut: 50, train: count, seed: 0 });
  const lines = train.texts.map((text, i) =>
    JSON.stringify({ id: `g${i}`, text, label: SUPERSENSES[train.labels?.[i] ?? 0] }),
  );
  writeFileSync(join(directory, 'glosses.jsonl'), `${lines.join('\n')}\n`);
  writeFileSync(join(directory, 'glosses.npy'), writeNpy(bagOfWords(train.texts)));
  return train.texts;
}
