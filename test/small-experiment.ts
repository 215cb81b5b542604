/** A small comparison made by the command, in a folder of its own, with what writes documents of it. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileCommand, type Finished, repository, runCommand } from './cli/compiled-command.ts';
import { writeGlosses } from './cli/small-data.ts';

// `same` is cosine regression by another name: where it is held against it, there is no difference.
export const CONFIG = `data: { texts: ../data/glosses.jsonl, labelColumn: label }
test: { share: 0.2 }
teacher: { embeddings: ../data/glosses.npy }
students:
  small: { width: 8, vocabularySize: 600 }
  large: { width: 16, vocabularySize: 600 }
methods:
  untrained:
  cosine:
  same: { method: cosine }
  ntxent-bank: { strategy: { temperature: 0.1 } }
seeds: 3
baseline: cosine
metrics: [recallAt1, knnAccuracy, meanCosine]
training: { epochs: 8, batchSize: 32, optimizer: { learningRate: 0.05 } }
output: { directory: ., students: false }
`;

const claim = (text: string, metric: string, rest: string) => `  - { text: ${text}, metric: ${metric}, ${rest} }\n`;
const CLAIMS = `order: 1
title: Glosses
question: Is it so?
minutes: 3
comparisons: { .: { title: All, option: strategy.temperature } }
claims:
${claim('as expected', 'meanCosine', 'method: untrained, than: cosine, direction: worse')}\
${claim('the opposite', 'meanCosine', 'method: untrained, than: cosine, direction: better')}\
${claim('one and the same', 'recallAt1', 'method: same, than: cosine, direction: better')}\
${claim('not the baseline', 'meanCosine', 'method: ntxent-bank, than: untrained, direction: better')}\
${claim('a gain', 'meanCosine', 'method: ntxent-bank, than: untrained, direction: worse, students: [small], gainThan: { student: large }')}\
${claim('no gain', 'knnAccuracy', 'method: same, than: cosine, direction: better, gainThan: { metric: recallAt1 }')}\
`;

const LATER = `order: 2
title: Later
question: And then?
comparisons: { first: { title: First }, second: { title: Second } }
claims:
${claim('some day', 'recallAt1', 'method: same, than: cosine, direction: better, comparisons: [first]')}`;

export interface SmallExperiment {
  at(...path: string[]): string;
  read(path: string): string;
  /** Runs scripts/write-experiments.mjs. */
  write(args?: readonly string[]): Promise<Finished>;
  /** Runs the command. */
  limbeck(args: readonly string[]): Promise<Finished>;
  /** With a file changed for as long as something is looked at. */
  changed<T>(path: string, change: (text: string) => string, look: () => Promise<T>): Promise<T>;
  remove(): void;
}

/** experiments/tiny is run; experiments/later has two comparisons, of which one is only named. */
export async function smallExperiment(): Promise<SmallExperiment> {
  const { root, main } = compileCommand();
  const at = (...path: string[]): string => join(root, ...path);
  const read = (path: string): string => readFileSync(at(path), 'utf8');
  cpSync(join(repository, 'scripts/write-experiments.mjs'), at('scripts/write-experiments.mjs'));
  cpSync(join(repository, 'scripts/experiments'), at('scripts/experiments'), { recursive: true });
  for (const folder of ['data', 'tiny', 'later/first']) mkdirSync(at('experiments', folder), { recursive: true });
  await writeGlosses(at('experiments/data'), 400);
  writeFileSync(at('README.md'), '# x\n\n<!-- experiments:begin -->\nold\n<!-- experiments:end -->\n\nthe end\n');
  writeFileSync(at('experiments/tiny/compare.yaml'), CONFIG);
  writeFileSync(at('experiments/tiny/claims.yaml'), CLAIMS);
  writeFileSync(at('experiments/later/first/compare.yaml'), CONFIG.replaceAll('../data', '../../data'));
  writeFileSync(at('experiments/later/claims.yaml'), LATER);
  return {
    ...{ at, read },
    write: (args = []) => runCommand(at('scripts/write-experiments.mjs'), args),
    limbeck: (args) => runCommand(main, args),
    async changed(path, change, look) {
      const before = read(path);
      const after = change(before);
      if (after === before) throw new Error(`${path} does not have what was to be changed`);
      writeFileSync(at(path), after);
      try {
        return await look();
      } finally {
        writeFileSync(at(path), before);
      }
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
