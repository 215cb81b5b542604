/** experiments/README.md and what the README says of the experiments are what follows from the result files; how they follow, on a small comparison. */
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ComparisonResult, parseComparisonResults } from '../src/report/comparison-record.ts';
import type { ComparisonSummary } from '../src/report/comparison-summary.ts';
import type { PairedDifference } from '../src/report/paired-difference.ts';
import { repository } from './cli/compiled-command.ts';
import { CONFIG, type SmallExperiment, smallExperiment } from './small-experiment.ts';

let experiment: SmallExperiment;
beforeAll(async () => {
  experiment = await smallExperiment();
  const { code, stderr } = await limbeck(['compare', 'experiments/tiny/compare.yaml']);
  expect([code, stderr]).toEqual([0, expect.any(String)]);
  expect(await write()).toMatchObject({ code: 0, stderr: '' });
}, 600_000);
afterAll(() => experiment.remove());

const at: SmallExperiment['at'] = (...path) => experiment.at(...path);
const read: SmallExperiment['read'] = (path) => experiment.read(path);
const write: SmallExperiment['write'] = (args) => experiment.write(args);
const limbeck: SmallExperiment['limbeck'] = (args) => experiment.limbeck(args);
const withFile: SmallExperiment['changed'] = (path, change, look) => experiment.changed(path, change, look);
const results = (): ComparisonResult[] => parseComparisonResults(read('experiments/tiny/results.jsonl'));
const FILES = ['experiments/README.md', 'experiments/tiny/differences.json', 'README.md'];
const documents = () => FILES.map(read);
const summary = () => JSON.parse(read('experiments/tiny/summary.json')) as ComparisonSummary;

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
    const start = lines.findIndex((line) => line.startsWith('- ') && line.endsWith(`**: ${text}`));
    const end = lines.findIndex((line, i) => i > start && !line.startsWith('  - '));
    return lines.slice(start, end);
  };

  const differences = () =>
    (
      JSON.parse(read('experiments/tiny/differences.json')) as {
        differences: { what: string; difference: PairedDifference }[];
      }
    ).differences;

  it('held, with the figures of the results and the interval of the summary', () => {
    const [head, ...cases] = linesOf('as expected');
    expect(head).toBe('- **held**: as expected');
    const ofSummary = (student: string) => {
      const { methods } = summary().students.find(({ name }) => name === student)!;
      const { low, high, samples } = methods.find(({ name }) => name === 'untrained')!.differences.meanCosine;
      return { low: (-high!).toFixed(3), high: (-low!).toFixed(3), samples };
    };
    expect(cases).toEqual(
      ['small', 'large'].map((student) => {
        const below = mean('cosine', student, 'meanCosine') - mean('untrained', student, 'meanCosine');
        const { low, high, samples } = ofSummary(student);
        return (
          `  - ${student}: \`untrained\` is ${below.toFixed(3)} below \`cosine\` in cosine ` +
          `(95 % interval ${low} to ${high}; 3 seeds, ${samples} samples).`
        );
      }),
    );
  });

  it('did not hold: the opposite was seen', () => {
    const [head, ...cases] = linesOf('the opposite');
    expect(head).toBe('- **did not hold**: the opposite');
    expect(cases).toEqual(linesOf('as expected').slice(1));
  });

  it('no difference seen, and no side named', () => {
    const lines = linesOf('one and the same');
    expect(lines[0]).toBe('- **no difference seen**: one and the same');
    for (const line of lines.slice(1)) {
      expect(line).toMatch(
        /no difference seen between `same` and `cosine` in R@1 \(0\.0 points, 95 % interval 0\.0 to 0\.0; 3 seeds, \d+ samples\)/,
      );
      expect(line).not.toMatch(/above|below/);
    }
  });

  it('of two methods that are not the baseline: as if one were it', async () => {
    expect(linesOf('not the baseline')[0]).toBe('- **held**: not the baseline');
    cpSync(at('experiments/tiny'), at('other'), { recursive: true });
    await withFile(
      'other/comparison.json',
      (text) => text.replace('"baseline": "cosine",\n  "seeds"', '"baseline": "untrained",\n  "seeds"'),
      async () => {
        const { stdout } = await limbeck(['compare', '--render', 'other', '--json']);
        const { students } = JSON.parse(stdout) as ComparisonSummary;
        for (const { name, methods } of students) {
          const what = `ntxent-bank against untrained: tiny, ${name}, meanCosine`;
          const found = differences().find((one) => one.what === what);
          expect(found?.difference.samples).toBeGreaterThan(50);
          expect(found?.difference).toEqual(methods.find((one) => one.name === 'ntxent-bank')?.differences.meanCosine);
        }
      },
    );
  });

  it('a gain is a difference of differences, and says what of', () => {
    const gain = (student: string) =>
      mean('ntxent-bank', student, 'meanCosine') - mean('untrained', student, 'meanCosine');
    const [head, line] = linesOf('a gain');
    const stored = differences().find(({ what }) => what.startsWith('ntxent-bank over untrained'))!.difference;
    const less = gain('small') - gain('large');
    expect(stored.mean).toBeCloseTo(less, 12);
    const none = stored.low! <= 0 && stored.high! >= 0;
    expect(head).toBe(`- **${none ? 'no difference seen' : less < 0 ? 'held' : 'did not hold'}**: a gain`);
    expect(line).toContain(
      none
        ? '  - no difference seen between the gains of `ntxent-bank` over `untrained` in cosine for small and for large ('
        : `in cosine is ${Math.abs(less).toFixed(3)} ${less < 0 ? 'smaller' : 'larger'} for small than for large (`,
    );
    expect(linesOf('no gain')[1]).toContain(
      'small: no difference seen between the gains of `same` over `cosine` for kNN-10 and for R@1 (0.0 points, ',
    );
  });

  it('tables have mean, spread, the number of a curve, differences, and what the methods are', () => {
    const text = read('experiments/README.md');
    const [, temperature, recall] = (text.match(/^\| ntxent-bank \|.*$/m)?.[0] ?? '').split(' | ');
    expect([temperature, recall]).toEqual(['0.1', expect.stringContaining('±')]);
    expect(recall).toContain(mean('ntxent-bank', 'small', 'recallAt1').toFixed(3));
    expect(text).toContain('- `cosine` (the baseline): regression');
    expect(text).toContain('(temperature: 0.1)');
    expect(text).toMatch(/\| same \| – \| 0\.000 \[0\.000, 0\.000\] no difference seen \|/);
    expect(text).toContain('Stated time on two cores: 3m 00s. It took ');
    expect(text).toMatch(/glosses\.jsonl`: 311 texts to train on .* 89 test texts to measure on/);
  });

  it('what has no results is not run yet, in both files; the rest of README.md stays', () => {
    expect(read('experiments/README.md')).toMatch(/### First\n\n`experiments\/later\/first`\n\nNot run yet\./);
    expect(read('experiments/README.md')).toMatch(/### Second\n\n`experiments\/later\/second`\n\nNot run yet\./);
    expect(read('experiments/README.md')).toContain('- **not run yet**: some day');
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
        const edited = read(file);
        const { code, stderr } = await write(['--check']);
        expect([code, stderr]).toEqual([
          1,
          `${file}: expected what follows from the result files, got something else. Run npm run experiments.\n`,
        ]);
        expect(read(file)).toBe(edited);
      });
    },
  );

  it('a figure changed in the results: summary.json is not of them', async () => {
    const change = (text: string) => text.replace(/"meanCosine":(-?)0\.\d/, '"meanCosine":$10.9');
    const { code, stderr } = await withFile('experiments/tiny/results.jsonl', change, () => write());
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/tiny\/summary\.json: expected the summary of results\.jsonl.*\[DATA_MISMATCH\]/),
    ]);
  });

  it('a configuration that the results are not of', async () => {
    const { code, stderr } = await withFile(
      'experiments/tiny/compare.yaml',
      (text) => text.replace('epochs: 8', 'epochs: 9'),
      () => write(),
    );
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/training\.epochs: then 8, now 9\..*\[CHECKPOINT_MISMATCH\]/),
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
        expect(text).toContain('- **not run yet**: as expected');
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
      /claim 3 .*a metric of tiny: recallAt1, knnAccuracy, meanCosine, got recalAt1/,
    ],
    [
      'student',
      'students: [small]',
      'students: [tiny]',
      /claim 5 .*a student that both methods train in tiny: small, large, got tiny/,
    ],
    ['other student', 'student: large', 'student: larger', /claim 5 .*a student of tiny: small, large, got larger/],
    [
      'scale',
      '{ metric: recallAt1 }',
      '{ metric: meanCosine }',
      /claim 6 .*a metric like knnAccuracy: .*, got meanCosine/,
    ],
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
      /later\/claims\.yaml, claim 1 \("some day"\): expected the name of a method of later\/first: .*, got kd/,
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
