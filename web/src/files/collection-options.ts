/** How files of texts and embeddings say what is what. */
export interface CollectionOptions {
  readonly textColumn: string;
  readonly embeddingColumn: string;
  /** The tensor that holds the rows, in .safetensors of several. */
  readonly tensor?: string;
}

export const COLLECTION_DEFAULTS: CollectionOptions = { textColumn: 'text', embeddingColumn: 'embedding' };
