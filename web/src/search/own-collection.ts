/** "Use your own" of the tab Search: a student, an index, and how its files say what is what. */
import { columnFields } from '../column-fields.ts';
import { element } from '../dom.ts';
import { dropZone } from '../drop-zone.ts';
import { type ChosenFile, chosenFiles } from '../files/chosen-file.ts';
import type { CollectionOptions } from '../files/collection-options.ts';

export interface OwnCollectionParts {
  /** Says what is wrong with the files. */
  readonly notice: HTMLElement;
  readonly onStudent: (files: readonly File[]) => void;
  readonly onIndex: (input: CollectionOptions & { readonly files: readonly ChosenFile[] }) => void;
}

export function ownCollection({ notice, onStudent, onIndex }: OwnCollectionParts): HTMLElement {
  const columns = columnFields('index');
  return element(
    'section',
    { class: 'own', 'aria-labelledby': 'own-title' },
    element('h2', { id: 'own-title' }, 'Use your own'),
    element(
      'div',
      { class: 'columns' },
      dropZone({
        title: 'Student',
        hint: 'The directory that save(), limbeck distill or the tab Train gave, or a .zip of it.',
        folder: true,
        onFiles: onStudent,
      }),
      dropZone({
        title: 'Index',
        hint: 'Texts with their teacher’s embeddings: one .jsonl or .parquet, or rows in .npy or .safetensors together with texts in .jsonl or .txt.',
        onFiles: (files) => onIndex({ files: chosenFiles(files), ...columns.read() }),
      }),
    ),
    notice,
    columns.node,
  );
}
