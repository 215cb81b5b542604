/** The files of a student, however they are given: by place, as files that a person chose or dropped, or in memory. */
import { source } from '#student-source';
import { LimbeckError, show } from '../errors.ts';
import { unzipFiles } from '../runtime/zip.ts';
import { MODEL_FILE } from '../students/student-files.ts';
import type { FileContents } from './student-source.ts';

/** What of a student directory is read. */
const READ_FILES = ['config.json', 'tokenizer.json', 'tokenizer_config.json', MODEL_FILE];

/** A file as browsers and Node have it: a `File`. */
export interface ChosenFile {
  readonly name: string;
  /** Its path in a folder that was chosen as a whole. */
  readonly webkitRelativePath?: string;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/**
 * A place (on Node a directory, in a browser the address of a folder or of a .zip file, or `opfs:` and a path), the files of a student or its
 * one .zip file, or content by relative path.
 */
export type StudentInput = string | URL | readonly ChosenFile[] | FileContents;

/** @throws LimbeckError INVALID_ARGUMENT, FILE_UNREADABLE, FILE_CORRUPT, NOT_TEXT */
export async function readStudentInput(input: StudentInput): Promise<{ files: FileContents; name: string }> {
  if (input instanceof Map) return { files: withTexts(input, 'student'), name: 'student' };
  if (Array.isArray(input)) return chosen(input as readonly ChosenFile[]);
  const path = input instanceof URL ? placeOf(input) : input;
  if (typeof path !== 'string' || path === '') {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `load: expected ${source.what}, an array of files or a map of their content, got ${show(input)}.`,
    );
  }
  return { files: withTexts(await source.open(path, READ_FILES), path), name: path };
}

/** The path in a file: URL, which Node's own modules are named by; else the address. */
function placeOf(url: URL): string {
  return url.protocol === 'file:' ? decodeURIComponent(url.pathname) : url.href;
}

async function chosen(files: readonly ChosenFile[]): Promise<{ files: FileContents; name: string }> {
  const [first] = files;
  if (first === undefined || files.some((file) => typeof file?.arrayBuffer !== 'function')) {
    throw new LimbeckError('INVALID_ARGUMENT', `load: expected files of a student, got ${show(files)}.`);
  }
  if (files.length === 1 && first.name.endsWith('.zip')) {
    const content = unzipFiles(new Uint8Array(await first.arrayBuffer()), first.name);
    return { files: withTexts(content, first.name), name: first.name };
  }
  const name = first.webkitRelativePath?.split('/')[0] || 'student';
  const content = new Map<string, Uint8Array>();
  for (const wanted of READ_FILES) {
    const file = fileFor(wanted, files);
    if (file) content.set(wanted, new Uint8Array(await file.arrayBuffer()));
  }
  return { files: withTexts(content, name), name };
}

/** The file of that relative path, wherever the chosen folder lies; files that were chosen one by one have no folders. */
function fileFor(wanted: string, files: readonly ChosenFile[]): ChosenFile | undefined {
  const path = (file: ChosenFile): string => file.webkitRelativePath || file.name;
  const last = wanted.split('/').pop();
  const fitting = files.filter(
    (file) =>
      path(file) === wanted || path(file).endsWith(`/${wanted}`) || (!file.webkitRelativePath && file.name === last),
  );
  return fitting.sort((a, b) => path(a).length - path(b).length)[0];
}

/** Everything but the model as text. */
function withTexts(files: FileContents, place: string): FileContents {
  return new Map(
    [...files]
      .filter(([name]) => READ_FILES.includes(name))
      .map(([name, content]) => {
        if (name === MODEL_FILE || typeof content === 'string') return [name, content];
        try {
          return [name, new TextDecoder('utf-8', { fatal: true }).decode(content)];
        } catch (cause) {
          throw new LimbeckError(
            'NOT_TEXT',
            `${place}: ${name}: expected UTF-8 text, got other bytes. Check that this is the right file.`,
            { cause },
          );
        }
      }),
  );
}
