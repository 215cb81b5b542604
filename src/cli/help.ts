/** How help is laid out: in two columns where there is room, else each description below its term. */
import type { HelpConfiguration } from 'commander';

/** Columns of text that are worth a column of their own. */
const WORTH_A_COLUMN = 24;
/** What stands left of and between the columns. */
const MARGIN = 2;
const INDENT = 6;

/** @param columns width of the terminal; undefined where there is none */
export function helpLayout(columns: number | undefined): HelpConfiguration {
  const width = Math.min(100, columns ?? 80);
  return {
    helpWidth: width,
    minWidthToWrap: WORTH_A_COLUMN - MARGIN,
    formatItem(term, termWidth, description, helper) {
      const left = ' '.repeat(MARGIN);
      if (!description) return `${left}${term}`;
      const wide = width - termWidth - 2 * MARGIN;
      if (wide >= WORTH_A_COLUMN) {
        const below = ' '.repeat(termWidth + 2 * MARGIN);
        const padded = term + ' '.repeat(termWidth - helper.displayWidth(term));
        return `${left}${padded}${left}${helper.boxWrap(description, wide).replaceAll('\n', `\n${below}`)}`;
      }
      const lines = helper.boxWrap(description, Math.max(WORTH_A_COLUMN, width - INDENT)).split('\n');
      return [`${left}${term}`, ...lines.map((line) => ' '.repeat(INDENT) + line)].join('\n');
    },
  };
}
