// The experiments of a directory with what was written of them by hand and what was measured. A comparison that has not run to its end has
// no figures here, so that nothing can be concluded from a part of it; one whose files do not belong together is an error.
import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { COMPARISON_FILES, readComparisonParts } from '../../dist/cli/compare-directory.js';
import { readComparison } from '../../dist/config/read-compare.js';
import { differences } from '../../dist/config/write-config.js';
import { LimbeckError } from '../../dist/errors.js';
import { parseJson } from '../../dist/report/check-json.js';
import { summarizeComparison } from '../../dist/report/comparison-summary.js';
import { readClaims } from './claims-file.mjs';

const CLAIMS = 'claims.yaml';
const CONFIG = 'compare.yaml';

/** In the order of their sections. */
export async function readExperiments(root) {
  const names = readdirSync(root, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && entry.name !== 'data',
  );
  const found = [];
  for (const { name } of names) {
    const path = join(root, name);
    const comparisons = comparisonDirectories(path);
    const file = join(path, CLAIMS);
    if (!existsSync(file)) {
      if (comparisons.length === 0) continue;
      throw new LimbeckError(
        'FILE_UNREADABLE',
        `${file}: expected a question and claims for the comparisons of ${path}, got no such file. Write it.`,
      );
    }
    const written = await readClaims(file);
    const declared = Object.keys(written.comparisons);
    const all = [...new Set([...declared, ...comparisons])];
    found.push({
      ...{ name, path, file, written },
      comparisons: await Promise.all((all.length === 0 ? ['.'] : all).map((one) => readOne(path, one, written))),
    });
  }
  return found.sort((a, b) => a.written.order - b.written.order || (a.name < b.name ? -1 : 1));
}

/** Of this directory and those below it, relative to it; sorted. */
function comparisonDirectories(path, below = '.') {
  const entries = readdirSync(join(path, below), { withFileTypes: true });
  const own = entries.some(({ name }) => name === CONFIG || name === COMPARISON_FILES.record);
  const folders = entries.filter(({ name }) => ![COMPARISON_FILES.runs, COMPARISON_FILES.unfinished].includes(name));
  return [
    ...(own ? [below] : []),
    ...folders
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort()
      .flatMap((name) => comparisonDirectories(path, below === '.' ? name : `${below}/${name}`)),
  ];
}

async function readOne(experiment, name, { comparisons }) {
  const path = join(experiment, name);
  const { title, option } = comparisons[name] ?? {};
  const file = join(path, CONFIG);
  const config = existsSync(file) ? await readComparison({ file }) : undefined;
  const known = {
    name,
    path,
    title,
    option,
    shown: name === '.' ? basename(experiment) : `${basename(experiment)}/${name}`,
  };
  if (!existsSync(join(path, COMPARISON_FILES.record))) return { ...known, ...planOf(config) };
  const parts = await readComparisonParts(path);
  const { record, results } = parts;
  const done = new Set(results.map(({ digest }) => digest));
  const finished = record.status === 'complete' && record.runs.every(({ digest }) => done.has(digest));
  if (!finished) return { ...known, ...planOf(config) };
  if (config) refuseOtherConfig(path, record, config);
  const summary = parseJson(
    await readFile(join(path, COMPARISON_FILES.summary), 'utf8'),
    join(path, COMPARISON_FILES.summary),
    renderAgain(path),
  );
  refuseOtherSummary(path, parts, summary);
  const ofRecord = { runs: record.runs, baseline: record.baseline, metrics: summary.metrics.map(({ key }) => key) };
  return { ...known, ...ofRecord, finished: { ...parts, summary } };
}

/** What a comparison that has no results yet will have; nothing of one that is not even written. */
function planOf(config) {
  if (!config) return {};
  return { runs: config.runs, baseline: config.baseline, metrics: config.parsed.metrics };
}

const renderAgain = (path) => `Draw it again where the scores of the runs are: limbeck compare --render ${path}.`;

/** Results are of the file as it is; keys that later versions add with a default change nothing. */
function refuseOtherConfig(path, record, { parsed }) {
  const now = JSON.parse(JSON.stringify(parsed));
  const different = differences(record.config, now).filter(
    (line) => /^(students|methods)\./.test(line) || !line.includes(': then nothing, now '),
  );
  if (different.length === 0) return;
  throw new LimbeckError(
    'CHECKPOINT_MISMATCH',
    `${path}: expected results of ${CONFIG} as it is, got those of another: ${different.slice(0, 4).join('; ')}. ` +
      'Run the comparison again, or put the values back.',
  );
}

/** The summary is of these results. Its intervals over samples cannot be drawn without the scores; means over seeds can. */
function refuseOtherSummary(path, { record, results }, summary) {
  const figures = ({ students }) =>
    students.map((student) => [
      student.name,
      student.methods.map(({ name, seeds, metrics, differences: found }) => [
        ...[name, seeds, metrics],
        Object.entries(found).map(([key, { mean, seeds: pairs, wins }]) => [key, mean, pairs, wins]),
      ]),
    ]);
  const fresh = JSON.stringify(figures(summarizeComparison({ record, results, scores: new Map() })));
  if (JSON.stringify(figures(summary)) === fresh) return;
  throw new LimbeckError(
    'DATA_MISMATCH',
    `${join(path, COMPARISON_FILES.summary)}: expected the summary of ${COMPARISON_FILES.results}, got other figures. ${renderAgain(path)}`,
  );
}
