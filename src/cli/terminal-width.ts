/** Columns that output may take: the terminal's; COLUMNS where there is none, as in a pipe; else 80. At least 40. */
export function terminalWidth(): number {
  const columns = process.stdout.columns ?? (Number.parseInt(process.env.COLUMNS ?? '', 10) || 80);
  return Math.max(40, columns);
}
