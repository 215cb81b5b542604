/** Where a part of the page says what went wrong, at once to screen readers too, and what it is doing. */
import { LimbeckError } from 'limbeck/page';
import { element, fill } from './dom.ts';

/** A place for one message. It is there from the start, since screen readers only follow what they know. */
export class Notice {
  readonly node = element('div', { class: 'notice', role: 'alert' });

  clear(): void {
    fill(this.node);
  }

  /** The message as the command line gives it, with its code; an error that is none of ours is a bug, and says so. */
  show(error: unknown): void {
    const [title, message] =
      error instanceof LimbeckError
        ? [error.code, error.message]
        : ['Unexpected error', error instanceof Error ? `${error.name}: ${error.message}` : String(error)];
    fill(
      this.node,
      element('p', { class: 'error' }, element('strong', {}, title), ' ', message),
      element('button', { type: 'button', class: 'quiet', click: () => this.clear() }, 'Dismiss'),
    );
  }

  /**
   * Does work; what it throws is shown, and what was shown before is gone.
   *
   * @returns undefined when it failed
   */
  async during<T>(work: () => Promise<T>): Promise<T | undefined> {
    this.clear();
    try {
      return await work();
    } catch (error) {
      this.show(error);
      return undefined;
    }
  }
}
