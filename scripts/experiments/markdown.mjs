// Tables and cells of Markdown.

export const row = (cells) =>
  `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;

/** Numbers stand on the right. */
export function table(head, rows, { left = 1 } = {}) {
  const rule = `|${head.map((_, i) => (i < left ? '---' : '--:')).join('|')}|`;
  return [row(head), rule, ...rows.map(row)].join('\n');
}

/** What GitHub makes of a heading for its link. */
export const anchor = (heading) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');
