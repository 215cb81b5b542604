/** The run that lies beside the page, as tests hold the page against it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type HeldOutRows, parseHeldOut } from '../../../src/report/held-out.ts';
import type { GivenFile } from './open-page.ts';

export function heldOut(run: string): HeldOutRows {
  const [texts, rows] = ['texts.jsonl', 'rows.safetensors'].map((name) => join(run, 'held-out', name));
  return parseHeldOut(
    { name: texts, content: readFileSync(texts, 'utf8') },
    { name: rows, content: readFileSync(rows) },
  );
}

/** Texts with embeddings, as one file. */
export function collection(
  { texts, teacher }: Pick<HeldOutRows, 'texts' | 'teacher'>,
  count = texts.length,
): GivenFile[] {
  const lines = texts.slice(0, count).map((text, i) => JSON.stringify({ text, embedding: Array.from(teacher.row(i)) }));
  return [{ name: 'texts.jsonl', content: `${lines.join('\n')}\n` }];
}
