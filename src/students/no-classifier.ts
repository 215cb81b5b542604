import { LimbeckError } from '../errors.ts';

/** What every embedder answers when it is to classify and its model cannot. */
export function noClassifier(): LimbeckError {
  return new LimbeckError(
    'UNSUPPORTED',
    'classify: expected a model with a classifier, got one without. Build the student with the option classes.',
  );
}
