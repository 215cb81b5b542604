/**
 * The normalizers of the CRD objective, one for each anchor direction: log(Z/M), the logarithm of the mean score, set once from the
 * first batch (mathematics.md, section 2).
 */
import { restoreArrays, type StateArrays } from '../matrix/state-arrays.ts';
import type { AnchorSide } from './anchor-direction.ts';
import type { Evaluation, Pair } from './batch.ts';
import { meanScoreName } from './contrast.ts';

const SIDES: readonly AnchorSide[] = ['student', 'teacher'];

export class MeanScores {
  /** NaN until frozen. */
  readonly #logs = new Float64Array(SIDES.length).fill(Number.NaN);

  /** log(Z/M) of a direction; undefined before the first batch. */
  log(anchors: AnchorSide): number | undefined {
    const value = this.#logs[SIDES.indexOf(anchors)];
    return Number.isNaN(value) ? undefined : value;
  }

  /** Z/M of both directions. */
  values(): Pair<number | undefined> {
    const value = (anchors: AnchorSide): number | undefined => {
      const log = this.log(anchors);
      return log === undefined ? undefined : Math.exp(log);
    };
    return { student: value('student'), teacher: value('teacher') };
  }

  /** Keeps what was observed for directions that are not frozen yet. */
  freeze(observed: Evaluation['observed']): void {
    const values = SIDES.map((anchors) => observed[meanScoreName(anchors)]).map(
      (tensor) => tensor && Number(tensor.data[0]),
    );
    // What is not finite comes from a batch that is refused, and then the other direction's is not kept either.
    if (values.some((value) => value !== undefined && !Number.isFinite(value))) return;
    for (const [i, value] of values.entries()) {
      if (value !== undefined && Number.isNaN(this.#logs[i])) this.#logs[i] = value;
    }
  }

  state(): StateArrays {
    return { 'log mean scores': this.#logs.slice() };
  }

  restore(state: StateArrays): void {
    restoreArrays({ 'log mean scores': this.#logs }, state, 'ContrastiveDistillationStrategy');
  }
}
