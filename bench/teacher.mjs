// The suite "teacher": MiniLM as a teacher, the rows of texts into a cache, beside ONNX Runtime alone on the same batches and on batches
// as they come. With --profile, where the time goes.
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { count, duration } from './arguments.mjs';
import { measurePeak } from './losses.mjs';
import { showProfile } from './profile.mjs';
import { originLine, saveRecord, startRecord, tellProblems } from './record.mjs';
import { disagreements, measureSides } from './sides.mjs';
import { formatFigure, tableLines, wrap } from './table.mjs';

const command = [process.execPath, fileURLToPath(new URL('teacher-worker.mjs', import.meta.url))];

const SIDES = {
  'cache, float32': { side: 'cache', dtype: 'float32' },
  'cache, float16': { side: 'cache', dtype: 'float16' },
  'ONNX Runtime, same batches': { side: 'recorded' },
  'ONNX Runtime, unsorted by 32': { side: 'unsorted' },
};
const [OWN, , ALONE, UNSORTED] = Object.keys(SIDES);

const COLUMNS = [
  { label: '', width: 28, left: true },
  { label: 'ms', width: 7 },
  { label: 'texts/s', width: 8 },
  { label: 'GFLOP/s', width: 8 },
  { label: 'peak', width: 5 },
  { label: 'runs', width: 5 },
  { label: 'MB', width: 6 },
  { label: 'of alone', width: 9 },
  { label: 'unsorted ×', width: 11 },
];

const NOTE =
  'cache: tokens, batches, rows, checks and files, as embed and distill make them. ONNX Runtime: the same model alone, tokens and batches ' +
  'made beforehand. of alone: its time on the same batches over this time. unsorted ×: its time on batches of 32 in the order of the ' +
  "texts over this time. peak: GFLOP/s of the texts' own tokens as a share of the faster matmul row. MB: the peak of " +
  'resident memory, the model included.';

export async function run(args) {
  const { texts, seconds, profile, json } = parse(args);
  const record = startRecord('teacher', { texts, seconds });
  if (profile) {
    for (const [name, side] of Object.entries(SIDES).filter(([, { side }]) => side === 'cache')) {
      record.results.push(await showProfile(`${name}, ${texts} texts`, command, { ...side, texts }, seconds));
    }
    await saveRecord(record, json);
    return record;
  }
  const { versions } = record;
  const { peak, results } = await measurePeak({ found: { nodePeers: {} }, seconds: Math.min(2, seconds), versions });
  const { versions: seen, sides } = await measureSides(
    Object.entries(SIDES).map(([name, side]) => ({ name, command, request: { ...side, texts } })),
    seconds,
  );
  Object.assign(versions, seen);
  const problems = Object.entries(sides).flatMap(([name, figures]) => {
    if (figures.error) return [`${name}: ${figures.error}`];
    return name === OWN || sides[OWN].error ? [] : disagreements(name, sides[OWN], figures, ['gradient']);
  });
  for (const figures of Object.values(sides)) Object.assign(figures, rates(figures, { texts, peak, sides }));
  record.results.push(...results, { name: 'MiniLM', texts, sides, problems });
  await saveRecord(record, json);
  const { header, line } = tableLines(COLUMNS);
  console.log(header);
  for (const [name, figures] of Object.entries(sides)) console.log(line(cells(name, figures)));
  console.log(
    `\n${wrap(NOTE, 100)}\n${texts.toLocaleString('en')} texts of WordNet; matmul ${formatFigure(peak)} GFLOP/s. ${originLine(record)}`,
  );
  tellProblems(record.results);
  return record;
}

function parse(args) {
  return new Command('npm run bench -- teacher')
    .option('--texts <n>', 'how many texts of WordNet', count, 2048)
    .option('--seconds <s>', 'time budget for each side', duration, 15)
    .option('--profile', 'show where the time goes instead', false)
    .option('--json <file>', 'also write every number')
    .parse(args, { from: 'user' })
    .opts();
}

function rates({ median, flop }, { texts, peak, sides }) {
  if (median === undefined) return {};
  const gflops = flop / median / 1e6;
  return {
    textsPerSecond: (1000 * texts) / median,
    gflops,
    shareOfPeak: gflops / peak,
    ofAlone: sides[ALONE].median / median,
    timesUnsorted: sides[UNSORTED].median / median,
  };
}

function cells(
  name,
  { error, median, runs, residentBytes, textsPerSecond, gflops, shareOfPeak, ofAlone, timesUnsorted },
) {
  if (median === undefined) return [name, error ? 'failed' : 'not run', ...Array(COLUMNS.length - 2).fill('')];
  return [
    name,
    formatFigure(median),
    formatFigure(textsPerSecond),
    formatFigure(gflops),
    `${(100 * shareOfPeak).toFixed(0)} %`,
    String(runs),
    formatFigure(residentBytes / 1e6),
    ofAlone.toFixed(3),
    timesUnsorted.toFixed(2),
  ];
}
