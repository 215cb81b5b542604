/** The files of a BERT encoder in a directory as Hugging Face lays it out. */
import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { LimbeckError } from '../errors.ts';
import type { BertTeacherFiles } from '../teachers/bert-teacher.ts';

const FAVOURITES = ['model.safetensors', 'model.fp16.safetensors'];

/** @throws LimbeckError FILE_UNREADABLE for a directory that is missing, or in which the weights are missing or not the only ones */
export async function bertFiles(directory: string): Promise<BertTeacherFiles> {
  const names = await readdir(directory).catch((cause: NodeJS.ErrnoException) => {
    const got = cause.code === 'ENOENT' ? 'no such directory' : cause.code === 'ENOTDIR' ? 'a file' : cause.message;
    throw new LimbeckError(
      'FILE_UNREADABLE',
      `${directory}: expected a directory with config.json, tokenizer.json and weights in .safetensors, got ${got}. Check the path of teacher.bert.`,
      { cause },
    );
  });
  const weights = names.filter((name) => name.endsWith('.safetensors'));
  const chosen = FAVOURITES.find((name) => weights.includes(name)) ?? (weights.length === 1 ? weights[0] : undefined);
  if (chosen === undefined) {
    throw new LimbeckError(
      'FILE_UNREADABLE',
      `${directory}: expected weights in one file, ${FAVOURITES.join(' or ')}, got ${weights.length === 0 ? 'none' : weights.sort().join(', ')}. ` +
        'Name the directory of one model.',
    );
  }
  return {
    config: join(directory, 'config.json'),
    weights: join(directory, chosen),
    tokenizer: join(directory, 'tokenizer.json'),
  };
}

/** What to call a model by its place: the name of its folder, or of the one around it where that says nothing. */
export function modelName(path: string): string {
  const [last, before] = resolve(path).split(/[/\\]/).reverse();
  return ['model', 'onnx', 'model.onnx'].includes(last) && before ? before : basename(path);
}
