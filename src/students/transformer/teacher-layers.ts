/** Gives a transformer student the weights of some of its teacher's layers to start from (Sanh et al. 2019, arXiv:1910.01108, §3). */
import { LimbeckError } from '../../errors.ts';
import type { Parameter } from '../../matrix/parameter.ts';
import { bertTensor, transposed } from '../../teachers/bert-checkpoint.ts';
import type { TeacherLayers } from './transformer-options.ts';

/**
 * Overwrites embeddings and layers; heads that the teacher does not have stay as they are.
 *
 * @throws LimbeckError INVALID_OPTION when the student has tokens or positions that the teacher has not, FILE_CORRUPT when the
 *   checkpoint does not hold what its configuration says
 */
export function copyTeacherLayers(parameters: readonly Parameter[], teacher: TeacherLayers): void {
  const { weights } = teacher.checkpoint;
  for (const { name, shape, data } of parameters) {
    const [rows, columns] = shape;
    const layer = /^encoder\.layer\.(\d+)\.(.*)$/.exec(name);
    if (name === 'embeddings.word_embeddings.weight') data.set(tokenRows(teacher, rows, columns));
    else if (name === 'embeddings.position_embeddings.weight') data.set(placeRows(teacher, rows, columns));
    else if (name.startsWith('embeddings.')) data.set(bertTensor(weights, name, shape));
    else if (layer) {
      const source = `encoder.layer.${teacher.layers[Number(layer[1])]}.${layer[2]}`;
      const linear = shape.length === 2;
      data.set(
        linear
          ? transposed(bertTensor(weights, source, [columns, rows]), columns, rows)
          : bertTensor(weights, source, shape),
      );
    }
  }
}

function tokenRows({ checkpoint, oldIds }: TeacherLayers, tokens: number, width: number): Float32Array {
  const { vocabularySize } = checkpoint.config;
  const known = oldIds?.every((id) => id >= 0 && id < vocabularySize) ?? tokens <= vocabularySize;
  if (!known || (oldIds && oldIds.length !== tokens)) {
    throw new LimbeckError(
      'INVALID_OPTION',
      `fromTeacher: expected one of the teacher's ${vocabularySize} tokens for each of the student's ${tokens}, ` +
        `got ${oldIds ? `${oldIds.length} oldIds` : 'none'}. Give the oldIds that prune() returned with the tokenizer.`,
    );
  }
  const table = bertTensor(checkpoint.weights, 'embeddings.word_embeddings.weight', [vocabularySize, width]);
  const rows = new Float32Array(tokens * width);
  for (let i = 0; i < tokens; i++) {
    const row = oldIds ? oldIds[i] : i;
    rows.set(table.subarray(row * width, (row + 1) * width), i * width);
  }
  return rows;
}

/** One text per row: every token is of type 0, whose vector joins those of the places. */
function placeRows({ checkpoint: { config, weights } }: TeacherLayers, places: number, width: number): Float32Array {
  if (places > config.maxPositions) {
    throw new LimbeckError(
      'INVALID_OPTION',
      `fromTeacher: expected a tokenizer with at most the teacher's ${config.maxPositions} positions as maxTokens, got ${places}.`,
    );
  }
  const table = bertTensor(weights, 'embeddings.position_embeddings.weight', [config.maxPositions, width]);
  const types = bertTensor(weights, 'embeddings.token_type_embeddings.weight', [config.tokenTypes, width]);
  return table.slice(0, places * width).map((value, k) => value + types[k % width]);
}
