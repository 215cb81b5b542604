/** How files of texts and embeddings say what is what: the names of columns and of a tensor, out of sight until they are needed. */
import { element } from './dom.ts';
import { COLLECTION_DEFAULTS, type CollectionOptions } from './files/collection-options.ts';

/** @param place makes the ids of the fields unlike those of the other tab */
export function columnFields(place: string): { readonly node: HTMLElement; read(): CollectionOptions } {
  const field = (name: string, value: string, placeholder = ''): HTMLInputElement =>
    element('input', { type: 'text', id: `${place}-${name}`, value, placeholder, autocomplete: 'off' });
  const labelled = (label: string, input: HTMLInputElement): HTMLElement =>
    element('p', { class: 'field' }, element('label', { for: input.id }, label), input);
  const text = field('text', COLLECTION_DEFAULTS.textColumn);
  const embedding = field('embedding', COLLECTION_DEFAULTS.embeddingColumn);
  const tensor = field('tensor', '', 'the only one');
  return {
    node: element(
      'details',
      {},
      element('summary', {}, 'Names of columns and tensors'),
      element(
        'div',
        { class: 'fields' },
        labelled('Column with the texts', text),
        labelled('Column with the embeddings', embedding),
        labelled('Tensor in .safetensors of several', tensor),
      ),
    ),
    read() {
      const name = tensor.value.trim();
      return {
        textColumn: text.value.trim(),
        embeddingColumn: embedding.value.trim(),
        ...(name !== '' && { tensor: name }),
      };
    },
  };
}
