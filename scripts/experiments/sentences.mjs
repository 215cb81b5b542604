// What was found, as sentences: every figure is of the difference that was judged, and where no difference was seen the sentence says so.
import { describeMetric } from '../../dist/evaluation/metrics.js';
import { formatCount } from '../../dist/report/format.js';

/** "static-32: `ntxent-bank` is 2.1 points above `cosine` in R@1 (95 % interval 1.5 to 2.7; 3 seeds, 3,306 samples)." */
export function caseSentence({ method, than }, { here, there, difference, verdict }) {
  const { label } = describeMetric(here.metric);
  const [a, b] = [`\`${method}\``, `\`${than}\``];
  const where = placeOf(here, there);
  const start = where === '' ? '' : `${where}: `;
  if (verdict === 'not run yet') return `${start}not run yet.`;
  if (!difference) return `${start}${a} against ${b} in ${label} is not judged: no seed has figures of both.`;
  const { mean, outcome, seeds } = difference;
  if (there) return `${start}${gainSentence([a, b], here, there, difference)}`;
  if (outcome === 'not judged') return `${start}${a} against ${b} in ${label} is not judged: ${countedSeeds(seeds)}.`;
  if (outcome === 'no difference seen') {
    return `${start}no difference seen between ${a} and ${b} in ${label} (${around(here, difference)}).`;
  }
  const side = mean > 0 ? 'above' : 'below';
  return `${start}${a} is ${amount(here, Math.abs(mean))} ${side} ${b} in ${label} (${beside(here, difference)}).`;
}

/** "the gain of `a` over `b` in R@1 is 1.2 points larger for static-32 than for static-256 (…)." */
function gainSentence([a, b], here, there, difference) {
  const [mine, theirs] = contrastOf(here, there);
  const what = `of ${a} over ${b}${here.metric === there.metric ? ` in ${describeMetric(here.metric).label}` : ''}`;
  const { mean, outcome, seeds } = difference;
  if (outcome === 'not judged')
    return `the gain ${what} for ${mine} is not judged against that for ${theirs}: ${countedSeeds(seeds)}.`;
  if (outcome === 'no difference seen') {
    return `no difference seen between the gains ${what} for ${mine} and for ${theirs} (${around(here, difference)}).`;
  }
  const more = outcome === 'better' ? 'larger' : 'smaller';
  return `the gain ${what} is ${amount(here, Math.abs(mean))} ${more} for ${mine} than for ${theirs} (${beside(here, difference)}).`;
}

/** "+2.1 [+1.5, +2.7]", in points where the metric is a share. */
export function caseFigures({ here, difference }) {
  if (!difference) return '–';
  const { mean, low, high } = difference;
  const text = (value) => signed(inUnit(here, value), digitsOf(here));
  return low === null ? text(mean) : `${text(mean)} [${text(low)}, ${text(high)}]`;
}

/** Which comparison, where there are several, and which student; not what a gain is held against another by. */
function placeOf({ comparison, student }, there) {
  const named = comparison.name !== '.' && (!there || there.comparison === comparison);
  return [named ? comparison.shown : [], !there || there.student === student ? (student ?? []) : []].flat().join(', ');
}

/** Here and there by what they have different. */
function contrastOf(here, there) {
  const namesOf = ({ comparison, student, metric }) => [comparison.shown, student, describeMetric(metric).label];
  const [mine, theirs] = [namesOf(here), namesOf(there)];
  return [mine, theirs].map((names) => names.filter((_, i) => mine[i] !== theirs[i]).join(', '));
}

const isShare = ({ metric }) => describeMetric(metric).unit === 'share';
const inUnit = (place, value) => (isShare(place) ? 100 * value : value);
const digitsOf = (place) => (isShare(place) ? 1 : 3);
const amount = (place, value) => `${plain(inUnit(place, value), digitsOf(place))}${isShare(place) ? ' points' : ''}`;

/** The interval of a difference that has a side: seen from that side, so that both ends are positive. */
function beside(place, { mean, low, high, ...rest }) {
  const ends = mean > 0 ? [low, high] : [-high, -low];
  const [from, to] = ends.map((end) => plain(inUnit(place, end), digitsOf(place)));
  return `95 % interval ${from} to ${to}; ${basis(rest)}`;
}

/** Of one that has none. */
function around(place, { mean, low, high, ...rest }) {
  const text = (value) => signed(inUnit(place, value), digitsOf(place));
  return `${text(mean)}${isShare(place) ? ' points' : ''}, 95 % interval ${text(low)} to ${text(high)}; ${basis(rest)}`;
}

const countedSeeds = (seeds) => `${seeds} seed${seeds === 1 ? '' : 's'}`;
const basis = ({ seeds, samples }) =>
  samples === null ? `over ${countedSeeds(seeds)} alone` : `${countedSeeds(seeds)}, ${formatCount(samples)} samples`;

const signed = (value, digits) => {
  const text = plain(Math.abs(value), digits);
  return Number(text) === 0 ? text : `${value < 0 ? '−' : '+'}${text}`;
};

/** With as many digits as it takes to see that it is not 0. */
function plain(value, digits) {
  const text = value.toFixed(digits);
  return Number(text) !== 0 || Math.abs(value) < 1e-9
    ? text.replace(/^-(?=[0.]*$)/, '')
    : value.toFixed(9).replace(/(\.0*[1-9]).*$/, '$1');
}
