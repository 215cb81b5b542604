// Claims held against results. Differences and verdicts are the library's own; here is only which runs a claim is about.
//
// Intervals over test samples need the scores of the runs, which are too large to commit. Those against the baseline are in summary.json; of
// other pairs, and of gains, differences.json keeps what was drawn while the scores were there, each under a digest of the runs that it is of.
import { createHash } from 'node:crypto';
import { LimbeckError, show } from '../../dist/errors.js';
import { describeMetric, METRICS } from '../../dist/evaluation/metrics.js';
import { closestName } from '../../dist/nearest-names.js';
import { resultsOfRuns } from '../../dist/report/comparison-record.js';
import { pairedDifference } from '../../dist/report/paired-difference.js';
import { gainPairs, scoredPairs } from '../../dist/report/scored-pairs.js';

/**
 * Every claim of an experiment with its cases: a case is a comparison and a student, and where both methods were run the difference.
 *
 * @param stored entries of differences.json
 * @returns the claims, and the entries that differences.json is to hold
 * @throws LimbeckError INVALID_ARGUMENT naming file and claim, for a name that the comparison does not have
 */
export function judge({ written, comparisons, file }, stored) {
  const kept = [];
  const claims = written.claims.map((claim, i) => {
    const cases = casesOf(claim, comparisons, `${file}, claim ${i + 1} (${show(claim.text)})`).map((one) => {
      const { here, there } = one;
      const finished = here.comparison.finished && (!there || there.comparison.finished);
      const difference = finished ? differenceOf(claim, one, stored, kept) : undefined;
      return { ...one, difference, verdict: finished ? verdictOf(claim, difference) : 'not run yet' };
    });
    return { ...claim, cases, verdict: verdictOfAll(cases.map(({ verdict }) => verdict)) };
  });
  // Of a comparison that is being run again nothing is judged, and nothing that cannot be drawn again is thrown away.
  const again = comparisons.some(({ finished }) => !finished);
  return { claims, kept: again ? [...kept, ...stored.filter(({ of }) => !kept.some((one) => one.of === of))] : kept };
}

function verdictOf({ direction }, { outcome } = { outcome: 'not judged' }) {
  if (outcome !== 'better' && outcome !== 'worse') return outcome;
  return outcome === direction ? 'held' : 'did not hold';
}

function verdictOfAll(verdicts) {
  const has = (verdict) => verdicts.includes(verdict);
  if (has('not run yet')) return 'not run yet';
  if (verdicts.every((verdict) => verdict === 'held')) return 'held';
  if (has('held')) return 'held in part';
  return ['did not hold', 'no difference seen', 'not judged'].find(has);
}

function casesOf(claim, comparisons, place) {
  const wrong = (what, names, got) => {
    const near = closestName(got, names);
    return new LimbeckError(
      'INVALID_ARGUMENT',
      `${place}: expected ${what}: ${names.join(', ')}, got ${got}.${near ? ` Did you mean ${near}?` : ''} Correct the claim or the comparison.`,
    );
  };
  const known = (what, names, got) => {
    if (!names.includes(got)) throw wrong(what, names, got);
    return got;
  };
  const comparisonOf = (name) => {
    known(
      'the name of a comparison',
      comparisons.map((one) => one.name),
      name,
    );
    return comparisons.find((one) => one.name === name);
  };
  const names = claim.comparisons ?? comparisons.map(({ name }) => name);
  return names.flatMap((name) => {
    const comparison = comparisonOf(name);
    // Not even written: there is nothing to hold names against.
    if (!comparison.runs) return [{ here: { comparison, student: undefined, metric: claim.metric } }];
    const { runs, metrics } = comparison;
    const methods = [...new Set(runs.map(({ method }) => method))];
    for (const method of [claim.method, claim.than])
      known(`the name of a method of ${comparison.shown}`, methods, method);
    const of = (method) => new Set(runs.filter((run) => run.method === method).map(({ student }) => student));
    const [mine, theirs] = [of(claim.method), of(claim.than)];
    const students = [...mine].filter((student) => theirs.has(student));
    for (const student of claim.students ?? [])
      known(`a student that both methods train in ${comparison.shown}`, students, student);
    if (metrics) known(`a metric of ${comparison.shown}`, metrics, claim.metric);
    return (claim.students ?? students).map((student) => {
      const here = { comparison, student, metric: claim.metric };
      if (!claim.gainThan) return { here };
      const { comparison: other = name, ...rest } = claim.gainThan;
      const there = { ...here, ...rest, comparison: comparisonOf(other) };
      const alike = METRICS.map(({ key }) => key).filter((key) => sameScale(key, claim.metric));
      if (!sameScale(there.metric, claim.metric)) throw wrong(`a metric like ${claim.metric}`, alike, there.metric);
      if (there.comparison.runs) {
        const trained = there.comparison.runs.filter(({ method }) => method === claim.than).map((run) => run.student);
        known(`a student of ${there.comparison.shown}`, [...new Set(trained)], there.student);
        if (there.comparison.metrics)
          known(`a metric of ${there.comparison.shown}`, there.comparison.metrics, there.metric);
      }
      return { here, there };
    });
  });
}

/** Gains of one can be held against gains of the other. */
function sameScale(one, other) {
  const [a, b] = [describeMetric(one), describeMetric(other)];
  return a.unit === b.unit && a.better === b.better;
}

/** Undefined where no seed has both. */
function differenceOf({ method, than }, { here, there }, stored, kept) {
  const { finished, baseline } = here.comparison;
  if (!there && than === baseline) {
    const student = finished.summary.students.find(({ name }) => name === here.student);
    return student?.methods.find(({ name }) => name === method)?.differences[here.metric];
  }
  const ofHere = pairsOf(here, method, than);
  const ofThere = there && pairsOf(there, method, than);
  const pairs = ofThere
    ? gainPairs(ofHere.pairs, ofThere.pairs, { sameSamples: measureTheSame(here, there) })
    : ofHere.pairs;
  if (pairs.length === 0) return undefined;
  const { better } = describeMetric(here.metric);
  const ofSeeds = pairedDifference(
    pairs.map(({ seed, challenger, baseline: base }) => ({ seed, challenger, baseline: base })),
    better,
  );
  const of = createHash('sha256')
    .update(JSON.stringify([ofHere.of, ofThere?.of]))
    .digest('hex');
  const earlier = stored.find((entry) => entry.of === of)?.difference;
  const fits = earlier && ['mean', 'seeds', 'wins'].every((key) => earlier[key] === ofSeeds[key]);
  const difference = fits ? earlier : pairedDifference(pairs, better);
  // What is over seeds alone can be drawn anywhere.
  if (difference.samples !== null && !kept.some((entry) => entry.of === of)) {
    kept.push({ of, what: describe(method, than, here, there), difference });
  }
  return difference;
}

function pairsOf({ comparison: { finished }, student, metric }, method, than) {
  const { record, results, scores } = finished;
  const runs = resultsOfRuns(record, results).filter((run) => run.student === student);
  const runsOf = (name) => runs.filter((run) => run.method === name);
  const [mine, theirs] = [runsOf(method), runsOf(than)];
  return {
    pairs: scoredPairs(metric, mine, theirs, scores),
    of: [metric, ...[mine, theirs].map((runs) => runs.map(({ digest }) => digest))],
  };
}

const measureTheSame = (here, there) =>
  here.comparison.finished.record.data.heldOutFingerprint === there.comparison.finished.record.data.heldOutFingerprint;

function describe(method, than, here, there) {
  const place = ({ comparison, student, metric }) => `${comparison.shown}, ${student}, ${metric}`;
  return there
    ? `${method} over ${than}: ${place(here)}; against ${place(there)}`
    : `${method} against ${than}: ${place(here)}`;
}
