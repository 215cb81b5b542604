// experiments/README.md, and what the main README says of the experiments.
import { resultsOfRuns } from '../../dist/report/comparison-record.js';
import { formatSeconds } from '../../dist/report/format.js';
import { DIFFERENCE_RULE } from '../../dist/report/paired-difference.js';
import { comparisonSection } from './comparison-section.mjs';
import { anchor, table } from './markdown.mjs';
import { caseFigures, caseSentence } from './sentences.mjs';

const INTRODUCTION = `<!-- Written by npm run experiments from the result files of this directory; a test fails while it is not current. -->
# Experiments

What contrastive distillation promises, held against data. Every table, figure and verdict below is written by \`npm run experiments\` from the
files that \`limbeck compare\` left; by hand are only the questions and the claims (\`claims.yaml\` of each directory), written before the results
were known. What was changed in one of them since stands in its first lines.

## How to read it

- **held**: the difference that the claim expects was seen. **did not hold**: the opposite was seen. **no difference seen**: the interval holds 0,
  which is not "equal". **held in part**: held for some of what it speaks of, and each case says how. **not judged**: one seed, or no figures.
- ${DIFFERENCE_RULE}
- Figures are means over seeds ± their sample standard deviation, of the last step of every run; there is no best epoch. A point is a hundredth.
- "over 3 seeds alone" means that the interval does not cover the choice of test samples, as where a metric is no mean over samples.
- Test samples are taken away first, by a digest of each sample or as a file of their own; the command ends when one of them, equal or but for case
  and white space, is left in what is trained on. What is chosen by results is chosen on validation samples (\`measureOn: validation\`).
- Methods of one comparison have the same data, teacher rows, steps and batches, and the same initial weights for one seed, or the text says what
  differs. [docs/compare.md](../docs/compare.md) has the rules, [docs/configuration.md](../docs/configuration.md#comparisons) every key.

## How to do it again

Each experiment names its command. Results that are there are kept, so a clean start needs an empty directory: \`--out\` names one. Afterwards
\`npm run experiments\` judges the claims and writes this file; \`node scripts/write-experiments.mjs --check\` says whether it is current. The
students and their scores sample by sample (\`runs/\`) are not in the repository; \`summary.json\` and \`differences.json\` keep the intervals that were
drawn from them, and are refused where they do not fit \`results.jsonl\`. \`limbeck report <directory>\` draws a page of a comparison.`;

/** @param experiments each with its claims judged */
export function renderExperiments(experiments) {
  const sections = experiments.map(experimentSection);
  return `${[INTRODUCTION, '## What held, and what did not', claimsTable(experiments, ''), ...sections.flat()].join('\n\n')}\n`;
}

/** For the main README: claims and verdicts of what was run, and what was not. */
export function renderBlock(experiments) {
  const run = experiments.filter(({ comparisons }) => comparisons.some(({ finished }) => finished));
  const rest = experiments.filter((experiment) => !run.includes(experiment)).map(({ written }) => written.title);
  return [
    ...(run.length > 0 ? [claimsTable(run, 'experiments/README.md')] : []),
    ...(rest.length > 0 ? [`Not run yet: ${rest.join(' · ')}.`] : []),
  ].join('\n\n');
}

function claimsTable(experiments, file) {
  const rows = experiments.flatMap(({ written: { title }, judged }) => {
    const link = `[${title}](${file}#${anchor(title)})`;
    return judged.length === 0
      ? [[link, '–', 'no claims']]
      : judged.map((claim, i) => [i === 0 ? link : '', claim.text, briefVerdict(claim)]);
  });
  return table(['experiment', 'claim', 'verdict: difference [95 % interval], of shares in points'], rows, { left: 3 });
}

/** "**held**: static-32 +2.1 [+1.5, +2.7]; …". */
function briefVerdict({ verdict, cases }) {
  if (verdict === 'not run yet') return verdict;
  const several = new Set(cases.map(({ here }) => here.comparison.name)).size > 1;
  const figures = cases.map((one) => {
    const { comparison, student } = one.here;
    const told = one.verdict === verdict ? '' : ` (${one.verdict})`;
    return `${several ? `${comparison.shown}, ` : ''}${student} ${caseFigures(one)}${told}`;
  });
  return `**${verdict}**: ${figures.join('; ')}`;
}

function experimentSection({ name, written, comparisons, judged }) {
  const { title, question, prepare, minutes } = written;
  const one = comparisons.length === 1;
  const commands = [
    ...prepare,
    ...comparisons.map((comparison) => `npm run limbeck -- compare ${directoryOf(name, comparison)}/compare.yaml`),
  ];
  return [
    `## ${title}`,
    question,
    ['```sh', ...commands, '```'].join('\n'),
    timeSentence(minutes, comparisons),
    claimList(judged),
    ...comparisons.flatMap((comparison) => [
      ...(one ? [] : [`### ${comparison.title ?? comparison.name}`, `\`${directoryOf(name, comparison)}\``]),
      ...(comparison.finished ? comparisonSection(comparison) : ['Not run yet.']),
    ]),
  ];
}

/** What was stated, and what it took; a time that was longer than stated is seen as such. */
function timeSentence(minutes, comparisons) {
  const stated =
    minutes === undefined
      ? 'No time is stated for it yet.'
      : `Stated time on two cores: ${formatSeconds(60 * minutes)}.`;
  const finished = comparisons.flatMap((comparison) => comparison.finished ?? []);
  if (finished.length === 0) return stated;
  const runs = finished.flatMap(({ record, results }) => resultsOfRuns(record, results));
  const total = (key) => runs.reduce((sum, result) => sum + (result[key] ?? 0), 0);
  const [training, measuring] = [total('trainingSeconds'), total('evaluationSeconds')];
  const late = minutes !== undefined && training + measuring > 60 * minutes ? ' **That is longer than stated.**' : '';
  return `${stated} It took ${formatSeconds(training)} of training and ${formatSeconds(measuring)} of measuring, the teacher's pass apart.${late}`;
}

const directoryOf = (experiment, { name }) => `experiments/${name === '.' ? experiment : `${experiment}/${name}`}`;

function claimList(judged) {
  if (judged.length === 0) return 'No claims were written for it.';
  return judged
    .flatMap((claim) => {
      const nothing = claim.cases.every(({ verdict }) => verdict === 'not run yet');
      const cases = nothing ? [] : claim.cases.map((one) => `  - ${caseSentence(claim, one)}`);
      return [`- **${claim.verdict}**: ${claim.text}`, ...cases];
    })
    .join('\n');
}
