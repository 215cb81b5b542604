/** A place to drop files or a folder, with buttons that do the same by keyboard. */
import { element } from './dom.ts';

export interface DropZoneParts {
  /** What belongs here: "Texts with embeddings". */
  readonly title: string;
  /** Which files, in a sentence. */
  readonly hint: string;
  /** Whether a folder can be chosen as well. */
  readonly folder?: boolean;
  readonly onFiles: (files: File[]) => void;
}

let zones = 0;

/** The files of a drop keep their path in the folder, as `webkitRelativePath` has it for chosen folders. */
export function dropZone({ title, hint, folder = false, onFiles }: DropZoneParts): HTMLElement {
  const number = ++zones;
  const chosen = (event: Event): void => {
    const input = event.target as HTMLInputElement;
    const files = [...(input.files ?? [])];
    // The same file again is to be read again.
    input.value = '';
    if (files.length > 0) onFiles(files);
  };
  const chooser = (what: string, attributes: Record<string, boolean>): HTMLElement[] => {
    const input = element('input', {
      type: 'file',
      ...attributes,
      class: 'unseen',
      'aria-label': `${title}: choose ${what}`,
      change: chosen,
    });
    return [element('label', { class: 'button' }, `Choose ${what}`, input)];
  };
  const zone = element(
    'div',
    { class: 'drop', role: 'group', 'aria-labelledby': `drop-${number}`, 'aria-describedby': `drop-hint-${number}` },
    element('p', { class: 'drop-title', id: `drop-${number}` }, title),
    element('p', { class: 'soft', id: `drop-hint-${number}` }, hint),
    element(
      'p',
      { class: 'row' },
      ...chooser('files', { multiple: true }),
      ...(folder ? chooser('a folder', { webkitdirectory: true }) : []),
      element('span', { class: 'soft' }, folder ? 'or drop them here' : 'or drop here'),
    ),
  );
  const mark = (over: boolean) => (event: Event) => {
    event.preventDefault();
    zone.classList.toggle('over', over);
  };
  zone.addEventListener('dragover', mark(true));
  zone.addEventListener('dragleave', mark(false));
  zone.addEventListener('drop', (event) => {
    mark(false)(event);
    void filesOf(event.dataTransfer).then((files) => files.length > 0 && onFiles(files));
  });
  return zone;
}

/** A file that is dropped beside a zone would replace the page. */
export function keepPageOnDrop(): void {
  for (const name of ['dragover', 'drop'] as const) addEventListener(name, (event) => event.preventDefault());
}

async function filesOf(transfer: DataTransfer | null): Promise<File[]> {
  // Entries have to be asked for before the first pause. What is no file of a disk has none.
  const items = [...(transfer?.items ?? [])].map((item) => ({
    entry: item.webkitGetAsEntry(),
    file: item.getAsFile(),
  }));
  const found = items.map(({ entry, file }) => (entry ? filesBelow(entry) : file ? [file] : []));
  return (await Promise.all(found)).flat();
}

/** More files than any student or run has: a folder that was dropped by mistake is not walked to its end. */
const MOST_FILES = 2_000;

async function filesBelow(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    const path = entry.fullPath.replace(/^\//, '');
    if (path.includes('/')) Object.defineProperty(file, 'webkitRelativePath', { value: path });
    return [file];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const files: File[] = [];
  // The reader gives a part of the folder at a time, and nothing at its end.
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (part.length === 0 || files.length > MOST_FILES) return files;
    for (const one of part) files.push(...(await filesBelow(one)));
  }
}
