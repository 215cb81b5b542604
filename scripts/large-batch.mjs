// Computes a contrastive loss with its gradient for a batch whose logits could never be held at once (65,536 × 65,536 of them are
// 16 GiB), and holds the result against plain loops over all keys in float64. Prints the seconds and the peak of resident memory;
// fails when that exceeds 1 GB, when a number is not finite, or when a gradient row is wrong.
// Usage: npm run large-batch -- [ntxent|infonce|symmetric|sampled|labelled|triplet] [rows]
import { ContrastiveDistillationStrategy, Matrix, Random } from '../dist/index.js';

const MEMORY = 1e9; // bytes
const TOLERANCE = 1e-4;
const WIDTH = 128;
const TEMPERATURE = 0.07;
const MODES = {
  ntxent: { mode: 'ntxent' },
  infonce: { mode: 'infonce' },
  symmetric: { mode: 'ntxent', symmetric: true },
  sampled: { mode: 'ntxent', negativesSampleSize: 1024 },
  labelled: { mode: 'ntxent', positives: 'class' },
  triplet: { mode: 'triplet', mining: 'hard' },
};

const name = process.argv[2] ?? 'ntxent';
const rows = Number(process.argv[3] ?? 65_536);
if (!Object.hasOwn(MODES, name) || !Number.isInteger(rows) || rows < 2) {
  console.error(`expected [${Object.keys(MODES).join('|')}] [rows ≥ 2], got ${process.argv.slice(2).join(' ')}`);
  process.exit(2);
}

const random = new Random(1);
const teacher = new Matrix(
  rows,
  WIDTH,
  Float32Array.from({ length: rows * WIDTH }, () => random.normal()),
);
// A student half way to its teacher, so that no part of the gradient is negligible.
const student = new Matrix(
  rows,
  WIDTH,
  teacher.data.map((x) => 0.3 * x + 0.7 * random.normal()),
);
const strategy = new ContrastiveDistillationStrategy({
  contrastiveWeight: 1,
  temperature: TEMPERATURE,
  negativesSampleSize: rows,
  ...MODES[name],
});

const labels = name === 'labelled' ? Int32Array.from({ length: rows }, () => random.integer(1000)) : undefined;

const before = process.resourceUsage().maxRSS * 1024;
const started = performance.now();
const { loss, gradient } = await strategy.computeContrastiveLossAndGradient(student, teacher, labels);
const seconds = (performance.now() - started) / 1000;
const peak = process.resourceUsage().maxRSS * 1024;
await strategy.release();

const finite = Number.isFinite(loss) && gradient.data.every(Number.isFinite);
const error = check(name, [0, 1, Math.floor(rows / 2), rows - 1]);
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(0)} MB`;
console.log(
  [
    `${name}: ${rows} rows of width ${WIDTH}, loss ${loss.toFixed(6)} (ln of the rows: ${Math.log(rows).toFixed(6)})`,
    `loss and gradient: ${seconds.toFixed(1)} s`,
    `peak resident memory: ${megabytes(peak)} (allowed: ${megabytes(MEMORY)}; before: ${megabytes(before)})`,
    `all finite: ${finite}`,
    `gradient rows against plain loops, relative error: ${error === undefined ? 'not worked out for this mode and size' : `${error.toExponential(2)} (allowed: ${TOLERANCE})`}`,
  ].join('\n'),
);
process.exit(finite && peak < MEMORY && (error === undefined || error < TOLERANCE) ? 0 : 1);

/** The largest error of gradient rows, relative to the largest entry of each; undefined where it is not worked out. */
function check(mode, anchors) {
  const parts = {
    ntxent: [studentAnchored],
    infonce: [teacherAnchored],
    symmetric: [studentAnchored, teacherAnchored],
  };
  // With teacher anchors a gradient row takes the softmax of every row: minutes of plain loops above this.
  if (!parts[mode] || (mode !== 'ntxent' && rows > 8192)) return undefined;
  const [s, t] = [unit(student), unit(teacher)];
  const expected = parts[mode].map((part) => part(s.rows, t.rows, anchors));
  let worst = 0;
  for (const [k, i] of anchors.entries()) {
    const u = s.rows.subarray(i * WIDTH, (i + 1) * WIDTH);
    const g = Float64Array.from(u, (_, d) => expected.reduce((sum, part) => sum + part[k][d], 0) / expected.length);
    // Back through the normalisation: (g − u (u·g)) / ‖s‖.
    const along = dot(u, 0, g, 0);
    const row = g.map((x, d) => (x - along * u[d]) / s.norms[i]);
    const largest = row.reduce((a, x) => Math.max(a, Math.abs(x)), 0);
    for (const [d, x] of row.entries()) worst = Math.max(worst, Math.abs(gradient.get(i, d) - x) / largest);
  }
  return worst;
}

/** (1/(Bτ)) (Σⱼ pᵢⱼ vⱼ − vᵢ), pᵢⱼ the softmax over the keys of anchor i: mathematics.md, section 4. */
function studentAnchored(s, t, anchors) {
  return anchors.map((i) => {
    const p = softmaxRow(s, i, t);
    const sums = new Float64Array(WIDTH);
    for (let j = 0; j < rows; j++) for (let d = 0; d < WIDTH; d++) sums[d] += p[j] * t[j * WIDTH + d];
    return sums.map((x, d) => (x - t[i * WIDTH + d]) / (rows * TEMPERATURE));
  });
}

/** (1/(Bτ)) (Σᵢ qᵢⱼ vᵢ − vⱼ) for keys j: every teacher row's softmax, of which a column is needed, so B² cosines. */
function teacherAnchored(s, t, keys) {
  const sums = keys.map(() => new Float64Array(WIDTH));
  for (let i = 0; i < rows; i++) {
    const q = softmaxRow(t, i, s);
    for (const [k, j] of keys.entries()) for (let d = 0; d < WIDTH; d++) sums[k][d] += q[j] * t[i * WIDTH + d];
  }
  return keys.map((j, k) => sums[k].map((x, d) => (x - t[j * WIDTH + d]) / (rows * TEMPERATURE)));
}

function softmaxRow(anchors, i, keys) {
  // Cosines are at most 1: exp(cos/τ) is far from overflowing float64.
  const p = new Float64Array(rows);
  let total = 0;
  for (let j = 0; j < rows; j++) total += p[j] = Math.exp(dot(anchors, i * WIDTH, keys, j * WIDTH) / TEMPERATURE);
  for (let j = 0; j < rows; j++) p[j] /= total;
  return p;
}

function dot(a, aStart, b, bStart) {
  let sum = 0;
  for (let d = 0; d < WIDTH; d++) sum += a[aStart + d] * b[bStart + d];
  return sum;
}

function unit(matrix) {
  const result = Float64Array.from(matrix.data);
  const norms = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    norms[i] = Math.sqrt(dot(result, i * WIDTH, result, i * WIDTH));
    for (let d = 0; d < WIDTH; d++) result[i * WIDTH + d] /= norms[i];
  }
  return { rows: result, norms };
}
