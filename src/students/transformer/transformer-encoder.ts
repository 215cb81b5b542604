import type { TextTokenizer } from '../../data/tokenizer.ts';
import { parseTransformerOptions, type TransformerOptions } from './transformer-options.ts';
import { TransformerStudent } from './transformer-student.ts';

/**
 * A BERT encoder to be trained: token and place embeddings, post-norm layers of attention and feed-forward with gelu, mean over
 * the tokens. As many places as the tokenizer's `maxTokens`. No dropout, no token types.
 *
 * With `fromTeacher` its embeddings and layers start as the teacher's, and have its sizes; a pruned tokenizer comes with the
 * `oldIds` that say which of the teacher's tokens each of its own was.
 *
 * @throws LimbeckError INVALID_OPTION; FILE_CORRUPT for a checkpoint that does not hold what its configuration says
 *
 * @example
 * const student = transformerEncoder(tokenizer, { layers: 2, heads: 4, hidden: 128, dimension: 384, seed: 0 });
 *
 * const { tokenizer: pruned, oldIds } = tokenizer.prune(tokenizer.encodeAll(corpus));
 * const started = transformerEncoder(pruned, { fromTeacher: { checkpoint, layers: [0, 5], oldIds }, seed: 0 });
 *
 * Source: Devlin et al., NAACL 2019; layers of the teacher as a start: Sanh et al. 2019, arXiv:1910.01108.
 */
export function transformerEncoder(tokenizer: TextTokenizer, options: TransformerOptions): TransformerStudent {
  return new TransformerStudent(tokenizer, parseTransformerOptions(options, 'transformerEncoder'));
}
