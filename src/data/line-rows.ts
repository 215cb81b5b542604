/** Rows of files that hold one on a line: plain texts, and JSON objects (.jsonl, .ndjson). */
import { LimbeckError } from '../errors.ts';
import { type Columns, missingColumn, type RowReader, type SourceRow, showValue } from './source-row.ts';
import { textChunks } from './text-chunks.ts';

interface Line {
  readonly number: number;
  readonly text: string;
  readonly begin: number;
  readonly length: number;
}

/** Longer lines do not fit into a string. */
const LONGEST_LINE = 2 ** 28;

/** Plain texts, one on a line; a blank line is a row without a text. */
export async function* plainRows(path: string): RowReader {
  for await (const lines of fileLines(path)) {
    yield lines.map(({ number, text, begin, length }) => ({ number, values: [text], begin, length }));
  }
}

/**
 * Rows of JSON objects. The first column may be missing in some rows, the others must be in the first.
 *
 * @throws LimbeckError FILE_CORRUPT naming a line that is not a JSON object, NON_FINITE one with NaN or Infinity in it;
 *   INVALID_OPTION for a column that the file does not have; errors of {@link textChunks}
 */
export async function* jsonRows(path: string, columns: Columns): RowReader {
  const seen = new Set<string>();
  let rows = 0;
  let found = false;
  for await (const lines of fileLines(path)) {
    const piece: SourceRow[] = [];
    for (const { number, text, begin, length } of lines) {
      if (text.trim() === '') {
        piece.push({ number, values: [], blank: true });
        continue;
      }
      const object = parseJsonLine(text, path, number);
      if (rows++ === 0) {
        const missing = columns.slice(1).find(({ name }) => !Object.hasOwn(object, name));
        if (missing) throw missingColumn(path, missing, Object.keys(object));
      }
      const values = columns.map(({ name }) => (Object.hasOwn(object, name) ? object[name] : undefined));
      if (!found) {
        found = values[0] !== undefined;
        if (seen.size < 100) for (const name of Object.keys(object)) seen.add(name);
      }
      piece.push({ number, values, begin, length });
    }
    yield piece;
  }
  if (rows > 0 && !found) throw missingColumn(path, columns[0], [...seen]);
}

/** @throws LimbeckError FILE_CORRUPT, NON_FINITE */
export function parseJsonLine(text: string, path: string, number: number): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const place = `${path}, line ${number}`;
    // Python writes these, JSON does not know them.
    if (/[[,:]\s*-?(NaN|Infinity)\b/.test(text)) {
      throw new LimbeckError('NON_FINITE', `${place}: expected JSON with finite numbers, got NaN or Infinity.`, {
        cause: error,
      });
    }
    throw new LimbeckError(
      'FILE_CORRUPT',
      `${place}: expected one JSON object, got ${(error as Error).message}. Mend the line or take it out.`,
      { cause: error },
    );
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new LimbeckError(
    'FILE_CORRUPT',
    `${path}, line ${number}: expected one JSON object such as {"text": "…"}, got ${showValue(value)}. ` +
      'For plain texts, one on a line, use a .txt file.',
  );
}

/** Without line breaks (\n or \r\n) and without a byte order mark. */
async function* fileLines(path: string): AsyncGenerator<Line[]> {
  let parts: Buffer[] = [];
  let waiting = 0;
  let begin = 0;
  let number = 0;
  const line = (last: Buffer): Line => {
    const bytes = parts.length > 0 ? Buffer.concat([...parts, last]) : last;
    const first = number === 0 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
    const end = bytes[bytes.length - 1] === 13 ? bytes.length - 1 : bytes.length;
    const result = {
      number: ++number,
      text: bytes.toString('utf8', first, end),
      begin: begin + first,
      length: end - first,
    };
    begin += bytes.length + 1;
    parts = [];
    waiting = 0;
    return result;
  };
  for await (const chunk of textChunks(path)) {
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      lines.push(line(chunk.subarray(start, end)));
      start = end + 1;
    }
    if (start < chunk.length) {
      parts.push(chunk.subarray(start));
      waiting += chunk.length - start;
    }
    if (waiting > LONGEST_LINE) {
      throw new LimbeckError(
        'FILE_CORRUPT',
        `${path}, line ${number + 1}: expected lines of at most ${LONGEST_LINE} bytes, got a longer one. ` +
          'Check that the lines end with line feeds.',
      );
    }
    yield lines;
  }
  if (waiting > 0) yield [line(Buffer.alloc(0))];
}
