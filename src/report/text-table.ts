/**
 * A results table for a terminal. It fits the width by changing its form, never by cutting: values with their spread on
 * one line, else the spread beneath, else one block a method.
 */
import { LimbeckError, show } from '../errors.ts';
import type { ResultsCell, ResultsRow, ResultsTable } from './results-table.ts';

const GAP = '  ';
/** Narrower than this a wrapped method name is no longer readable. */
const NARROWEST_LABEL = 12;

/**
 * The table, the verdict and the notes as lines of at most `width` characters (a longer single word stays whole).
 *
 * @param options `width` in characters, at least 30, default 80; `split`: columns that do not fit stand in a table of their own below the
 *   others, instead of one block a method
 * @returns text with a line end after every line
 * @throws LimbeckError INVALID_ARGUMENT for a narrower width
 *
 * @example
 * process.stdout.write(renderTextTable(resultsTable(record), { width: process.stdout.columns ?? 80 }));
 */
export function renderTextTable(
  table: ResultsTable,
  { width = 80, split = false }: { readonly width?: number; readonly split?: boolean } = {},
): string {
  if (!(width >= 30)) {
    throw new LimbeckError('INVALID_ARGUMENT', `Text table: expected a width of at least 30, got ${show(width)}.`);
  }
  const whole = () => grid(table, width, true) ?? grid(table, width, false);
  const lines = table.rows.length === 0 ? [] : (whole() ?? (split ? grids(table, width) : undefined) ?? blocks(table));
  if (table.comparison) {
    const { challenger, baseline, verdicts } = table.comparison;
    lines.push('', ...wrap(`${challenger} against ${baseline}:`, width));
    const labelWidth = Math.max(...verdicts.map((verdict) => verdict.label.length));
    const outcomeWidth = Math.max(...verdicts.map((verdict) => verdict.outcome.length));
    for (const { label, outcome, detail } of verdicts) {
      const start = `${GAP}${label.padEnd(labelWidth)}${GAP}`;
      lines.push(...hang(start, `${outcome.padEnd(outcomeWidth)}${GAP}${detail}`, `${outcome}: ${detail}`, width));
    }
  }
  if (lines.length > 0 && table.notes.length > 0) lines.push('');
  for (const note of table.notes) lines.push(...wrap(note, width));
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}

/** As many tables below each other as the columns need; undefined when a column alone does not fit. */
function grids(table: ResultsTable, width: number): string[] | undefined {
  const lines: string[] = [];
  for (let start = 0; start < table.columns.length; ) {
    let end = table.columns.length;
    let part: string[] | undefined;
    for (; end > start && !part; end--) {
      part = grid(
        {
          ...table,
          columns: table.columns.slice(start, end),
          rows: table.rows.map((row) => ({ ...row, cells: row.cells.slice(start, end) })),
        },
        width,
        false,
      );
    }
    if (!part) return undefined;
    lines.push(...(start === 0 ? [] : ['']), ...part);
    start = end + 1;
  }
  return lines;
}

/** Rows and columns, or undefined when they do not fit. */
function grid(table: ResultsTable, width: number, inline: boolean): string[] | undefined {
  const cellText = ({ text, spread }: ResultsCell) => (spread === null ? text : `${text} ±${spread}`);
  const columns = table.columns.map(({ label }, j) => {
    const cells = table.rows.map((row) => row.cells[j]);
    const spreads = cells.map(({ spread }) => (spread === null ? '' : `±${spread}`));
    const texts = inline ? cells.map(cellText) : [...cells.map(({ text }) => text), ...spreads];
    return { label, width: Math.max(label.length, ...texts.map((text) => text.length)) };
  });
  const taken = columns.reduce((sum, column) => sum + column.width + GAP.length, 0);
  const longest = Math.max(...table.rows.map((row) => row.label.length));
  const labelWidth = Math.min(longest, width - taken);
  const longestWord = Math.max(...table.rows.flatMap((row) => row.label.split(' ').map((word) => word.length)));
  if (labelWidth < (inline ? longest : Math.min(longest, Math.max(NARROWEST_LABEL, longestWord)))) return undefined;
  const line = (label: string, cells: readonly string[]) =>
    [label.padEnd(labelWidth), ...cells.map((cell, j) => cell.padStart(columns[j].width))].join(GAP);
  const lines = [
    line(
      '',
      columns.map(({ label }) => label),
    ),
    '─'.repeat(labelWidth + taken),
  ];
  for (const row of table.rows)
    lines.push(...gridRow(row, wrap(row.label, labelWidth), inline ? cellText : undefined, line));
  return lines;
}

function gridRow(
  row: ResultsRow,
  label: readonly string[],
  inlineText: ((cell: ResultsCell) => string) | undefined,
  line: (label: string, cells: readonly string[]) => string,
): string[] {
  if (inlineText) return [line(row.label, row.cells.map(inlineText))];
  const lines = [
    line(
      label[0],
      row.cells.map(({ text }) => text),
    ),
  ];
  const spreads = row.cells.map(({ spread }) => (spread === null ? '' : `±${spread}`));
  if (label.length > 1 || spreads.some((spread) => spread !== '')) lines.push(line(label[1] ?? '', spreads));
  for (const more of label.slice(2)) lines.push(more);
  return lines;
}

/** One block a method, one line a measure. */
function blocks(table: ResultsTable): string[] {
  const labelWidth = Math.max(...table.columns.map(({ label }) => label.length));
  return table.rows.flatMap((row, i) => [
    ...(i > 0 ? [''] : []),
    row.label,
    ...row.cells.map(({ text, spread }, j) => {
      const value = spread === null ? text : `${text} ± ${spread}`;
      return `${GAP}${table.columns[j].label.padEnd(labelWidth)}${GAP}${value}`;
    }),
  ]);
}

/** `start` and the aligned text on one line, or `start` alone and the loose text wrapped beneath it. */
function hang(start: string, aligned: string, loose: string, width: number): string[] {
  if (start.length + aligned.length <= width) return [start + aligned];
  const indent = GAP.repeat(2);
  return [start.trimEnd(), ...wrap(loose, width - indent.length).map((line) => indent + line)];
}

/** Breaks text at spaces into lines of at most `width` characters; a longer word keeps a line of its own. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.length - 1;
    if (last >= 0 && lines[last].length + 1 + word.length <= width) lines[last] += ` ${word}`;
    else lines.push(word);
  }
  return lines;
}
