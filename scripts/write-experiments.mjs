// Judges the claims of the experiments by their result files, and writes experiments/README.md and what README.md says of them (npm run
// experiments). With --check nothing is written: exit status 1 while a file is not what would be written; a test does that. Nothing is run.
//
//   node scripts/write-experiments.mjs [--check] [directory]      # directory: of README.md and experiments/, by default the repository
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { LimbeckError } from '../dist/errors.js';
import { readStored, storedText } from './experiments/differences-file.mjs';
import { renderBlock, renderExperiments } from './experiments/documents.mjs';
import { judge } from './experiments/judge.mjs';
import { readExperiments } from './experiments/read-experiments.mjs';

const MARKERS = ['<!-- experiments:begin -->', '<!-- experiments:end -->'];

const args = process.argv.slice(2);
const check = args.includes('--check');
const [root = join(import.meta.dirname, '..')] = args.filter((arg) => arg !== '--check');

try {
  const files = await documents();
  const stale = [];
  for (const [path, text] of files) {
    const now = existsSync(path) ? await readFile(path, 'utf8') : undefined;
    if (now === text) continue;
    stale.push(relative(root, path));
    if (check) continue;
    await (text === undefined ? rm(path) : writeFile(path, text));
  }
  const names = stale.join(', ');
  if (check && stale.length > 0) {
    console.error(
      `${names}: expected what follows from the result files, got something else. Run npm run experiments.`,
    );
    process.exitCode = 1;
  } else console.log(stale.length === 0 ? 'Everything is current.' : `Written: ${names}`);
} catch (error) {
  if (!(error instanceof LimbeckError)) throw error;
  console.error(`${error.message} [${error.code}]`);
  process.exitCode = 1;
}

/** Path and text of every file; without text there is to be none. */
async function documents() {
  const directory = join(root, 'experiments');
  const files = [];
  const experiments = [];
  for (const experiment of await readExperiments(directory)) {
    const path = join(experiment.path, 'differences.json');
    const { claims, kept } = judge(experiment, await readStored(path));
    files.push([path, storedText(kept)]);
    experiments.push({ ...experiment, judged: claims });
  }
  const readme = join(root, 'README.md');
  files.push([join(directory, 'README.md'), renderExperiments(experiments)]);
  files.push([readme, withBlock(readme, await readFile(readme, 'utf8'), renderBlock(experiments))]);
  return files;
}

function withBlock(path, text, block) {
  const [begin, end] = MARKERS.map((marker) => text.indexOf(marker));
  if (begin < 0 || end < begin) {
    throw new LimbeckError(
      'FILE_CORRUPT',
      `${path}: expected a line ${MARKERS[0]} and behind it a line ${MARKERS[1]}, got no such lines. Put them where the verdicts are to stand.`,
    );
  }
  return `${text.slice(0, begin)}${MARKERS[0]}\n${block}\n${text.slice(end)}`;
}
