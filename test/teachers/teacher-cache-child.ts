/**
 * The program that teacher-cache.test.ts starts and kills: embeds the texts of a JSON file into a cache, with one line of JSON
 * on standard output for every report of progress, and the SHA-256 of the rows as the last line.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { textDataset } from '../../src/data/text-dataset.ts';
import { embedWithCache } from '../../src/teachers/teacher-cache.ts';
import { CountingTeacher } from './counting-teacher.ts';

const [textsFile, directory, dimension, rounds, shardRows] = process.argv.slice(2);
const warnings: string[] = [];
const { rows, reused, computed } = await embedWithCache({
  teacher: new CountingTeacher(Number(dimension), Number(rounds)),
  dataset: textDataset({ texts: JSON.parse(readFileSync(textsFile, 'utf8')) }),
  directory,
  shardRows: Number(shardRows),
  onProgress: (progress) => process.stdout.write(`${JSON.stringify(progress)}\n`),
  onWarning: (message) => warnings.push(message),
});
const digest = createHash('sha256').update(new Uint8Array(rows.data.buffer)).digest('hex');
process.stdout.write(`${JSON.stringify({ digest, reused, computed, warnings })}\n`);
