// The table of the suite "losses", for a terminal of 100 columns.
import { FLOP_NOTE } from './losses-configurations.mjs';
import { originLine } from './record.mjs';
import { formatFigure, tableLines, wrap } from './table.mjs';

const WIDTH = 100;

const COLUMNS = [
  { label: '', width: 10, left: true },
  { label: 'B', width: 6 },
  { label: 'D', width: 4 },
  { label: 'ms', width: 8 },
  { label: 'runs', width: 7 },
  { label: 'GFLOP/s', width: 7 },
  { label: 'peak', width: 5 },
  { label: 'MB', width: 7 },
  { label: 'torch ms', width: 12 },
  { label: 'MB', width: 7 },
  { label: '×', width: 5 },
];

const NOTES = [
  'ms: median of the runs, or the one run when the first took longer than the time budget. runs: limbeck/torch. peak: GFLOP/s as a ' +
    "share of the fastest matmul row. MB: how far the peak of the process's resident memory rose above what it was with the inputs " +
    'loaded. ×: torch ms / limbeck ms, in the lines of other libraries (WebAssembly, one thread) their ms / limbeck ms.',
  FLOP_NOTE,
];

const BANK_NOTE =
  'crd bank: draw, loss, gradients of rows and heads, update of both banks. torch gathers B·(K+1) rows of each bank, as the code of the CRD paper does; ' +
  '"shared" gathers K negatives for the whole batch, as Limbeck does.';

/** { header, rows(result), footer(record) } of text. */
export function lossTable() {
  const { header, line } = tableLines(COLUMNS);
  return {
    header,
    rows({ name, batch, width, sides: { limbeck, torch, ...others } }) {
      const size = [name, String(batch), String(width)];
      const lines = [line([...size, ...ownCells(limbeck, torch), ...peerCells(torch)])];
      for (const [side, peer] of Object.entries(others)) {
        lines.push(line([`  ${side}`, '', '', '', runs(undefined, peer), '', '', '', ...peerCells(peer)]));
      }
      return lines.join('\n');
    },
    footer(record) {
      const { results } = record;
      const notes = [...NOTES];
      if (results.some((result) => result.name === 'crd bank')) notes.push(BANK_NOTE);
      notes.push(originLine(record));
      for (const { name, batch, width, problems } of results) {
        for (const problem of problems) notes.push(`PROBLEM ${name} ${batch} × ${width}: ${problem}`);
      }
      return ['', ...notes.map((note) => wrap(note, WIDTH))].join('\n');
    },
  };
}

function ownCells({ error, median, gflops, shareOfPeak, peakBytes, ...rest }, peer) {
  if (error) return ['failed', runs(rest, peer), '', '', ''];
  const share = shareOfPeak === undefined ? '' : `${(100 * shareOfPeak).toFixed(0)} %`;
  return [formatFigure(median), runs(rest, peer), formatFigure(gflops), share, megabytes(peakBytes)];
}

function peerCells(peer) {
  if (!peer) return ['', '', ''];
  const { tooLarge, error, median, ratio, peakBytes } = peer;
  if (tooLarge) return ['does not fit', '', ''];
  if (error) return ['failed', '', ''];
  if (median === undefined) return ['', '', ''];
  return [formatFigure(median), megabytes(peakBytes), ratio === undefined ? '' : ratio.toFixed(2)];
}

function runs(own, peer) {
  return [own?.runs ?? '–', ...(peer?.runs ? [peer.runs] : [])].join('/');
}

function megabytes(bytes) {
  return (bytes / 1e6).toFixed(0);
}
