/** experiments/README.md and what the README says of the experiments are what follows from the result files; how they follow, on a small comparison. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ComparisonResult, parseComparisonResults } from '../src/report/comparison-record.ts';
import type { ComparisonSummary } from '../src/report/comparison-summary.ts';
import type { PairedDifference } from '../src/report/paired-difference.ts';
import { compileCommand, repository, runCommand } from './cli/compiled-command.ts';
import { writeGlosses } from './cli/small-data.ts';

// `same` is cosine regression by another name: where it is held against it, there is no difference.
const CONFIG = `data: { texts: ../data/glosses.jsonl, labelColumn: label }
test: { share: 0.2 }
teacher: { embeddings: ../data/glosses.npy }
students:
  small: { width: 4, vocabularySize: 600 }
  large: { width: 12, vocabularySize: 600 }
methods:
  untrained:
  cosine:
  same: { method: cosine }
  ntxent-bank: { strategy: { temperature: 0.1 } }
seeds: 3
baseline: cosine
metrics: [recallAt1, meanCosine]
training: { epochs: 4, batchSize: 32 }
output: { directory: ., students: false }
`;

const claim = (text: string, metric: string, rest: string) => `  - { text: ${text}, metric: ${metric}, ${rest} }\n`;
const CLAIMS = `order: 1
title: Glosses
question: Is it so?
minutes: 3
claims:
${claim('as expected', 'meanCosine', 'method: untrained, than: cosine, direction: worse')}\
${claim('the opposite', 'meanCosine', 'method: untrained, than: cosine, direction: better')}\
${claim('one and the same', 'recallAt1', 'method: same, than: cosine, direction: better')}\
${claim('not the baseline', 'meanCosine', 'method: ntxent-bank, than: untrained, direction: better')}\
${claim('a gain', 'recallAt1', 'method: cosine, than: untrained, direction: worse, students: [small], gainThan: { student: large }')}\
`;

let root: string;
let main: string;
const at = (...path: string[]): string => join(root, ...path);
const read = (path: string): string => readFileSync(at(path), 'utf8');
const write = (args: readonly string[] = []) => runCommand(at('scripts/write-experiments.mjs'), args);
const results = (): ComparisonResult[] => parseComparisonResults(read('experiments/tiny/results.jsonl'));
const FILES = ['experiments/README.md', 'experiments/tiny/differences.json', 'README.md'];
const documents = () => FILES.map(read);

/** Changes a file while something is looked at. */
async function withFile<T>(path: string, change: (text: string) => string, look: () => Promise<T>): Promise<T> {
  const before = read(path);
  const changed = change(before);
  expect(changed).not.toBe(before);
  writeFileSync(at(path), changed);
  try {
    return await look();
  } finally {
    writeFileSync(at(path), before);
  }
}

beforeAll(async () => {
  ({ root, main } = compileCommand());
  cpSync(join(repository, 'scripts/write-experiments.mjs'), at('scripts/write-experiments.mjs'));
  cpSync(join(repository, 'scripts/experiments'), at('scripts/experiments'), { recursive: true });
  for (const folder of ['data', 'tiny', 'later/first']) mkdirSync(at('experiments', folder), { recursive: true });
  await writeGlosses(at('experiments/data'), 400);
  writeFileSync(at('README.md'), '# x\n\n<!-- experiments:begin -->\nold\n<!-- experiments:end -->\n\nthe end\n');
  writeFileSync(at('experiments/tiny/compare.yaml'), CONFIG);
  writeFileSync(at('experiments/tiny/claims.yaml'), CLAIMS);
  writeFileSync(at('experiments/later/first/compare.yaml'), CONFIG.replaceAll('../data', '../../data'));
  writeFileSync(
    at('experiments/later/claims.yaml'),
    `order: 2\ntitle: Later\nquestion: And then?\ncomparisons: { first: { title: First }, second: { title: Second } }\nclaims:\n${claim('some day', 'recallAt1', 'method: same, than: cosine, direction: better, comparisons: [first]')}`,
  );
  const { code, stderr } = await runCommand(main, ['compare', 'experiments/tiny/compare.yaml']);
  expect([code, stderr]).toEqual([0, expect.any(String)]);
  expect(await write()).toMatchObject({ code: 0, stderr: '' });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

it('what is in the repository is current: npm run experiments writes it', async () => {
  expect(await write(['--check', repository])).toMatchObject({ code: 0, stderr: '' });
});

describe('verdicts', () => {
  const mean = (method: string, student: string, metric: string): number => {
    const mine = results().filter((one) => one.method === method && one.student === student);
    expect(mine).toHaveLength(3);
    return mine.reduce((sum, { metrics }) => sum + metrics[metric], 0) / mine.length;
  };
  const linesOf = (text: string) => {
    const lines = read('experiments/README.md').split('\n');
    const start = lines.findIndex((line) => line.startsWith(`- ${text}: `));
    const end = lines.findIndex((line, i) => i > start && !line.startsWith('  - '));
    return lines.slice(start, end);
  };

  it('held, with the figures of the results and the interval of the summary', () => {
    const [head, ...cases] = linesOf('as expected');
    expect(head).toBe('- as expected: **held**');
    const summary = JSON.parse(read('experiments/tiny/summary.json')) as ComparisonSummary;
    expect(cases).toEqual(
      ['small', 'large'].map((student) => {
        const below = mean('cosine', student, 'meanCosine') - mean('untrained', student, 'meanCosine');
        const { methods } = summary.students.find(({ name }) => name === student) as ComparisonSummary['students'][0];
        const { low, high, samples } = methods.find(({ name }) => name === 'untrained')?.differences
          .meanCosine as PairedDifference;
        return (
          `  - ${student}: \`untrained\` is ${below.toFixed(3)} below \`cosine\` in cosine ` +
          `(95 % interval ${(-(high as number)).toFixed(3)} to ${(-(low as number)).toFixed(3)}; 3 seeds, ${samples} samples).`
        );
      }),
    );
  });

  it('did not hold: the opposite was seen', () => {
    const [head, ...cases] = linesOf('the opposite');
    expect(head).toBe('- the opposite: **did not hold**');
    expect(cases).toEqual(linesOf('as expected').slice(1));
  });

  it('no difference seen, and no side named', () => {
    const lines = linesOf('one and the same');
    expect(lines[0]).toBe('- one and the same: **no difference seen**');
    for (const line of lines.slice(1)) {
      expect(line).toMatch(
        /no difference seen between `same` and `cosine` in R@1 \(0\.0 points, 95 % interval 0\.0 to 0\.0; 3 seeds, \d+ samples\)/,
      );
      expect(line).not.toMatch(/above|below/);
    }
  });

  it('of two methods that are not the baseline: as if one were it', async () => {
    expect(linesOf('not the baseline')[0]).toBe('- not the baseline: **held**');
    cpSync(at('experiments/tiny'), at('other'), { recursive: true });
    await withFile(
      'other/comparison.json',
      (text) => text.replace('"baseline": "cosine",\n  "seeds"', '"baseline": "untrained",\n  "seeds"'),
      async () => {
        const { stdout } = await runCommand(main, ['compare', '--render', 'other', '--json']);
        const { students } = JSON.parse(stdout) as ComparisonSummary;
        const stored = JSON.parse(read('experiments/tiny/differences.json')) as {
          differences: { what: string; difference: PairedDifference }[];
        };
        for (const { name, methods } of students) {
          const found = stored.differences.find(
            ({ what }) => what === `ntxent-bank against untrained: tiny, ${name}, meanCosine`,
          );
          expect(found?.difference.samples).toBeGreaterThan(50);
          expect(found?.difference).toEqual(methods.find((one) => one.name === 'ntxent-bank')?.differences.meanCosine);
        }
      },
    );
  });

  it('a gain is a difference of differences', () => {
    const gain = (student: string) => mean('cosine', student, 'recallAt1') - mean('untrained', student, 'recallAt1');
    const [head, line] = linesOf('a gain');
    expect(head).toBe('- a gain: **held**');
    const less = (100 * (gain('large') - gain('small'))).toFixed(1);
    expect(line).toContain(
      `the gain of \`cosine\` over \`untrained\` in R@1 is ${less} points smaller for small than for large (95 % interval `,
    );
  });

  it('tables have mean, spread, differences and what the methods are', () => {
    const text = read('experiments/README.md');
    const [, ...cells] = (text.match(/^\| ntxent-bank \|.*$/m)?.[0] ?? '').split(' | ');
    expect(cells[0]).toContain(mean('ntxent-bank', 'small', 'recallAt1').toFixed(3));
    expect(cells[0]).toMatch(/± /);
    expect(text).toContain('- `cosine` (the baseline): regression');
    expect(text).toContain('(temperature: 0.1)');
    expect(text).toMatch(/\| same \| 0\.000 \[0\.000, 0\.000\] no difference seen \|/);
    expect(text).toContain('Stated time on two cores: 3m 00s.');
    expect(text).toMatch(/320 texts to train on|3\d\d texts to train on/);
  });

  it('what has no results is not run yet, in both files; the rest of README.md stays', () => {
    expect(read('experiments/README.md')).toMatch(/### First\n\n`experiments\/later\/first`\n\nNot run yet\./);
    expect(read('experiments/README.md')).toMatch(/### Second\n\n`experiments\/later\/second`\n\nNot run yet\./);
    expect(read('experiments/README.md')).toContain('- some day: **not run yet**');
    const readme = read('README.md');
    expect(readme).toMatch(
      /^# x\n\n<!-- experiments:begin -->\n\| experiment [\s\S]*\n<!-- experiments:end -->\n\nthe end\n$/,
    );
    expect(readme).toContain('| the opposite | **did not hold**: small −0.');
    expect(readme).toContain('Not run yet: Later.');
  });
});

describe('current or not', () => {
  it('the same files give the same bytes, also where the scores of the runs are gone', async () => {
    const before = documents();
    expect(await write(['--check'])).toMatchObject({ code: 0, stderr: '' });
    cpSync(at('experiments/tiny/runs'), at('kept'), { recursive: true });
    rmSync(at('experiments/tiny/runs'), { recursive: true });
    try {
      expect(await write()).toMatchObject({ code: 0, stdout: 'Everything is current.\n' });
      expect(documents()).toEqual(before);
      // What was drawn from them is gone too: less is known, and that is said.
      await withFile(
        'experiments/tiny/differences.json',
        (text) => text.replaceAll(/"of": "[0-9a-f]/g, '"of": "_'),
        async () => {
          expect((await write(['--check'])).stderr).toMatch(/tiny\/differences\.json, .*README\.md: expected/);
          await write();
          expect(read('experiments/README.md')).toContain('over 3 seeds alone');
          expect(existsSync(at('experiments/tiny/differences.json'))).toBe(false);
        },
      );
    } finally {
      cpSync(at('kept'), at('experiments/tiny/runs'), { recursive: true });
    }
    await write();
    expect(documents()).toEqual(before);
  });

  it.each(['experiments/README.md', 'README.md'])(
    '%s changed by hand: --check says so, and leaves it',
    async (file) => {
      const change = (text: string) => text.replace('**did not hold**', '**held**');
      await withFile(file, change, async () => {
        const { code, stderr } = await write(['--check']);
        expect([code, stderr]).toEqual([
          1,
          `${file}: expected what follows from the result files, got something else. Run npm run experiments.\n`,
        ]);
        expect(read(file)).not.toContain(file === 'README.md' ? '**did not hold**:' : 'the opposite: **did not hold**');
      });
    },
  );

  it('a figure changed in the results: summary.json is not of them', async () => {
    const change = (text: string) => text.replace(/"meanCosine":0\.\d/, '"meanCosine":0.0');
    const { code, stderr } = await withFile('experiments/tiny/results.jsonl', change, () => write());
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/tiny\/summary\.json: expected the summary of results\.jsonl.*\[DATA_MISMATCH\]/),
    ]);
  });

  it('a configuration that the results are not of', async () => {
    const { code, stderr } = await withFile(
      'experiments/tiny/compare.yaml',
      (text) => text.replace('epochs: 4', 'epochs: 5'),
      () => write(),
    );
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/training\.epochs: then 4, now 5\..*\[CHECKPOINT_MISMATCH\]/),
    ]);
  });

  it('an unfinished comparison has no figures: a run is missing, or it was broken off', async () => {
    const changes = [
      ['results.jsonl', (text: string) => text.slice(text.indexOf('\n') + 1)],
      ['comparison.json', (text: string) => text.replace('"status": "complete"', '"status": "interrupted"')],
    ] as const;
    for (const [name, change] of changes) {
      await withFile(`experiments/tiny/${name}`, change, async () => {
        expect(await write()).toMatchObject({ code: 0, stderr: '' });
        const text = read('experiments/README.md');
        expect(text).toContain('- as expected: **not run yet**');
        expect(text).not.toMatch(/95 % interval \d|\| cosine \|/);
      });
    }
    await write();
  });
});

describe('claims of what is not there: file and claim are named', () => {
  it.each([
    [
      'method',
      'method: same',
      'method: sme',
      /claims\.yaml, claim 3 \("one and the same"\): expected the name of a method of tiny: untrained, cosine, same, ntxent-bank, got sme\. Did you mean same\?/,
    ],
    [
      'metric',
      'metric: recallAt1, method: same',
      'metric: recalAt1, method: same',
      /claim 3 .*a metric of tiny: recallAt1, meanCosine, got recalAt1/,
    ],
    [
      'student',
      'students: [small]',
      'students: [tiny]',
      /claim 5 .*a student that both methods train in tiny: small, large, got tiny/,
    ],
    ['other student', 'student: large', 'student: larger', /claim 5 .*a student of tiny: small, large, got larger/],
    ['key', 'direction: worse, students', 'directions: worse, students', /claims\.yaml, claims\[4\].*direction/],
  ])('%s', async (_, good, bad, message) => {
    const before = documents();
    const { code, stderr } = await withFile(
      'experiments/tiny/claims.yaml',
      (text) => text.replace(good, bad),
      () => write(),
    );
    expect([code, stderr]).toEqual([1, expect.stringMatching(message)]);
    expect(documents()).toEqual(before);
  });

  it('also before anything was run; a comparison without claims; a README without the place for them', async () => {
    const early = await withFile(
      'experiments/later/claims.yaml',
      (text) => text.replace('method: same', 'method: kd'),
      () => write(),
    );
    expect(early.stderr).toMatch(
      /later\/claims\.yaml, claim 1 \("some day"\): expected the name of a method of first: .*, got kd/,
    );
    mkdirSync(at('experiments/silent'));
    writeFileSync(at('experiments/silent/compare.yaml'), CONFIG);
    expect((await write()).stderr).toMatch(/silent\/claims\.yaml: expected a question and claims.*\[FILE_UNREADABLE\]/);
    rmSync(at('experiments/silent'), { recursive: true });
    const { stderr } = await withFile(
      'README.md',
      (text) => text.replace('experiments:end', ''),
      () => write(),
    );
    expect(stderr).toMatch(/README\.md: expected a line <!-- experiments:begin --> and behind it/);
  });
});
