// Where a step's time goes outside ONNX Runtime: methods of our own parts, timed from outside, so that the sources need no hooks.

/** The stage that is a session's run as JavaScript sees it: ONNX Runtime's own time, and the binding around it. */
export const RUN_STAGE = 'run';

/** The time of named stages, each without the stages inside it. Only for work that goes one after another. */
export class Stages {
  #totals = new Map();
  #open = [];

  /** Replaces a method by itself, timed. */
  wrap(object, method, name) {
    const original = object[method];
    if (typeof original !== 'function') throw new Error(`stage "${name}": expected a method "${method}", got none`);
    const stages = this;
    object[method] = function timed(...args) {
      const frame = stages.#enter(name);
      let result;
      try {
        result = original.apply(this, args);
      } catch (error) {
        stages.#leave(frame);
        throw error;
      }
      if (typeof result?.then === 'function') return result.finally(() => stages.#leave(frame));
      stages.#leave(frame);
      return result;
    };
  }

  /** Forgets what was measured so far. */
  reset() {
    this.#totals.clear();
  }

  /** { name, milliseconds, calls } in the order in which stages were first left. */
  totals() {
    return [...this.#totals].map(([name, { milliseconds, calls }]) => ({ name, milliseconds, calls }));
  }

  #enter(name) {
    const frame = { name, start: performance.now(), inside: 0 };
    this.#open.push(frame);
    return frame;
  }

  #leave(frame) {
    const whole = performance.now() - frame.start;
    if (this.#open.pop() !== frame) throw new Error(`stage "${frame.name}": expected stages one inside the other`);
    const outer = this.#open.at(-1);
    if (outer) outer.inside += whole;
    const known = this.#totals.get(frame.name) ?? { milliseconds: 0, calls: 0 };
    this.#totals.set(frame.name, {
      milliseconds: known.milliseconds + whole - frame.inside,
      calls: known.calls + 1,
    });
  }
}
