// The table of the suite "steps".
import { formatFigure, tableLines } from './table.mjs';

const COLUMNS = [
  { label: '', width: 14, left: true },
  { label: 'ms', width: 8 },
  { label: 'samples/s', width: 10 },
  { label: 'GFLOP/s', width: 8 },
  { label: 'peak', width: 5 },
  { label: 'runs', width: 6 },
  { label: 'MB', width: 7 },
  { label: 'torch ms', width: 9 },
  { label: 'channels last', width: 14 },
  { label: '×', width: 6 },
];

/** { header, rows(result) } of text. */
export function stepsTable() {
  const { header, line } = tableLines(COLUMNS);
  return { header, rows: (result) => lines(result, line).join('\n') };
}

function lines({ name, kind, batch, flop, sides }, line) {
  const { limbeck, torch, 'channels last': channelsLast, ...others } = sides;
  const best = Math.min(torch?.median ?? Infinity, channelsLast?.median ?? Infinity);
  const samples = kind === 'matmul' ? undefined : batch;
  const own = line([
    name,
    ...rates(limbeck, samples, flop),
    limbeck.shareOfPeak === undefined ? '' : `${(100 * limbeck.shareOfPeak).toFixed(0)} %`,
    String(limbeck.runs ?? '–'),
    figure(limbeck.peakBytes && limbeck.peakBytes / 1e6),
    figure(torch?.median),
    figure(channelsLast?.median),
    ratio(best, limbeck.median),
  ]);
  return [
    own,
    ...Object.entries(others).map(([side, { error, median, runs, peakBytes }]) =>
      error
        ? `  ${side}: cannot: ${error}`
        : line([
            `  ${side}`,
            ...rates({ median }, samples, flop),
            '',
            String(runs ?? '–'),
            figure(peakBytes && peakBytes / 1e6),
            '',
            '',
            ratio(median, limbeck.median),
          ]),
    ),
  ];
}

/** Milliseconds, samples a second, GFLOP/s. */
function rates({ median }, samples, flop) {
  const perSecond = median && samples && (1000 * samples) / median;
  return [figure(median), figure(perSecond), figure(median && flop / median / 1e6)];
}

function figure(value) {
  return value === undefined ? '–' : formatFigure(value);
}

function ratio(other, own) {
  return own && Number.isFinite(other) ? (other / own).toFixed(2) : '–';
}
