/** Rows of .jsonl files in memory: one JSON object a line, named by line in every message. */
import { LimbeckError } from 'limbeck';

export interface JsonRow {
  /** "texts.jsonl, line 17" */
  readonly place: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/** @throws LimbeckError FILE_CORRUPT naming a line that is not a JSON object, NON_FINITE one with NaN or Infinity in it */
export function* jsonRows(text: string, name: string): Generator<JsonRow> {
  let number = 0;
  for (let start = 0; start < text.length; ) {
    const found = text.indexOf('\n', start);
    const end = found < 0 ? text.length : found;
    const line = text.slice(start, end).trim();
    start = end + 1;
    number++;
    if (line !== '') yield { place: `${name}, line ${number}`, values: parseLine(line, `${name}, line ${number}`) };
  }
}

function parseLine(line: string, place: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    // Python writes these, JSON does not know them.
    if (/[[,:]\s*-?(NaN|Infinity)\b/.test(line)) {
      throw new LimbeckError('NON_FINITE', `${place}: expected JSON with finite numbers, got NaN or Infinity.`, {
        cause,
      });
    }
    throw new LimbeckError(
      'FILE_CORRUPT',
      `${place}: expected one JSON object, got ${shown(line)}. Mend the line or take it out.`,
      { cause },
    );
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new LimbeckError(
    'FILE_CORRUPT',
    `${place}: expected one JSON object such as {"text": "…"}, got ${shown(line)}. Mend the line or take it out.`,
  );
}

function shown(line: string): string {
  return JSON.stringify(line.length > 40 ? `${line.slice(0, 39)}…` : line);
}
