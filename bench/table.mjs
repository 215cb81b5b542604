// Aligned text of fixed columns, printed line by line while the measurements run.

const GAP = '  ';

/** @param columns { label, width, left? } in order; texts longer than their column push the rest of the line aside */
export function tableLines(columns) {
  const line = (texts) =>
    columns
      .map(({ width, left }, j) => (left ? texts[j].padEnd(width) : texts[j].padStart(width)))
      .join(GAP)
      .trimEnd();
  return { header: [line(columns.map(({ label }) => label)), '─'.repeat(lineWidth(columns))].join('\n'), line };
}

function lineWidth(columns) {
  return columns.reduce((sum, { width }) => sum + width + GAP.length, -GAP.length);
}

/** Four digits at most, for times and rates: `0.712`, `6.03`, `92.1`, `12,345`. */
export function formatFigure(value) {
  const decimals = value < 1 ? 3 : value < 10 ? 2 : value < 100 ? 1 : 0;
  return value.toLocaleString('en', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

/** Breaks text at spaces into lines of at most `width` characters. */
export function wrap(text, width) {
  return text.replace(new RegExp(`(.{1,${width}})(?: +|$)`, 'g'), '$1\n').trimEnd();
}
