/** A file on its way to the worker: paths that the page found out do not survive `postMessage` by themselves. */

export interface ChosenFile {
  /** Its path in the folder that was chosen, or its name. */
  readonly path: string;
  readonly blob: Blob;
}

export function chosenFiles(files: readonly File[]): ChosenFile[] {
  return files.map((file) => ({ path: file.webkitRelativePath || file.name, blob: file }));
}

/** "runs/demo/run.json" → "run.json" */
export const nameOf = ({ path }: Pick<ChosenFile, 'path'>): string => path.slice(path.lastIndexOf('/') + 1);

/** "texts.JSONL" → "jsonl" */
export const endingOf = (file: Pick<ChosenFile, 'path'>): string =>
  /\.(\w+)$/.exec(nameOf(file))?.[1].toLowerCase() ?? '';
