/** A training as one watches it: progress, numbers, curves and the map. Drawn a few times a second, whatever the pace of the steps. */
import type { MetricsLine } from 'limbeck';
import { element, fill } from '../dom.ts';
import { count, duration, percent } from '../format.ts';
import type { PageWorker } from '../page-worker.ts';
import { MapCanvas } from './map-canvas.ts';
import type { TrainEvent } from './train-tasks.ts';

/** Milliseconds between two drawings of the curves, and between two sentences to a screen reader. */
const DRAW_EVERY = 1_000;
const SAY_EVERY = 10_000;

export class LiveView {
  readonly node = element('section', { class: 'live', hidden: true, 'aria-labelledby': 'live-title' });
  readonly #title = element('h2', { id: 'live-title' }, 'Training');
  readonly #progress = element('progress', { max: 1, value: 0, 'aria-label': 'Steps done' });
  readonly #line = element('p', { class: 'soft numbers' });
  readonly #said = element('p', { class: 'unseen', role: 'status' });
  readonly #warnings = element('div', { role: 'status' });
  readonly #facts = element('ul', { class: 'facts', 'aria-label': 'Numbers of this training' });
  readonly #curves = element('div', { class: 'panels' });
  readonly #map = new MapCanvas();
  readonly #drawer: () => PageWorker;
  #lines: MetricsLine[] = [];
  #steps = 0;
  #about = '';
  #drawing: ReturnType<typeof setTimeout> | undefined;
  #lastSaid = 0;

  /** @param drawer the worker that draws curves: another than the one that trains */
  constructor(drawer: () => PageWorker) {
    this.#drawer = drawer;
    this.node.append(
      ...[this.#title, this.#progress, this.#line, this.#said, this.#warnings, this.#facts],
      element('div', { class: 'watch' }, this.#map.node, this.#curves),
    );
  }

  show(event: TrainEvent): void {
    this.node.hidden = false;
    switch (event.type) {
      case 'stage':
        this.#title.textContent = event.stage;
        this.#say(event.stage, true);
        break;
      case 'prepared':
        this.#steps = event.steps;
        this.#lines = [];
        fill(this.#curves);
        fill(this.#warnings);
        this.#about = `${count(event.trained)} texts to learn from, ${count(event.heldOut)} held out; ${count(event.steps)} steps are ${event.epochs} ${event.epochs === 1 ? 'pass' : 'passes'}; vocabulary ${count(event.vocabulary)}, ${count(event.parameters)} parameters.`;
        this.#map.start(event.places);
        this.#numbers();
        break;
      case 'resumed':
        this.#lines = [...event.lines];
        this.#say(`Going on after step ${count(event.step)}.`, true);
        this.#drawSoon();
        break;
      case 'lines':
        this.#lines.push(...event.lines);
        this.#numbers();
        this.#drawSoon();
        break;
      case 'map':
        this.#map.move(event.places);
        break;
      case 'warning':
        this.#warnings.append(element('p', {}, event.message));
        break;
    }
  }

  paused(): void {
    this.#title.textContent = 'Paused';
    this.#say('Paused. The run is kept in this browser, also when the tab is closed.', true);
    this.#line.textContent = `${this.#line.textContent} Kept in this browser, also when the tab is closed.`;
  }

  finished(seconds: number): void {
    this.#title.textContent = `Trained in ${duration(seconds)}`;
    this.#say('Trained.', true);
  }

  #numbers(): void {
    const step = this.#lines.findLast((line) => 'loss' in line);
    const measured = this.#lines.findLast((line) => 'validation' in line);
    const done = step?.step ?? 0;
    this.#progress.value = this.#steps > 0 ? done / this.#steps : 0;
    const fact = (value: string, what: string): HTMLElement =>
      element('li', {}, element('strong', {}, value), ' ', element('span', {}, what));
    const left = step && done > 0 ? (step.seconds / done) * (this.#steps - done) : undefined;
    fill(
      this.#facts,
      fact(`${count(done)} / ${count(this.#steps)}`, 'steps'),
      step && fact(step.loss.toFixed(3), 'loss'),
      ...Object.entries(step?.components ?? {}).map(([name, value]) => fact(value.toFixed(3), name)),
      measured?.validation.recallAt1 !== undefined &&
        fact(percent(measured.validation.recallAt1), 'R@1 on held-out texts'),
      left !== undefined && done < this.#steps && fact(duration(left), 'left'),
    );
    this.#line.textContent = this.#about;
    if (measured && performance.now() - this.#lastSaid > SAY_EVERY) {
      this.#say(`Step ${done} of ${this.#steps}, R at 1 ${percent(measured.validation.recallAt1 ?? 0)}.`, false);
    }
  }

  #say(words: string, now: boolean): void {
    if (!now && performance.now() - this.#lastSaid < SAY_EVERY) return;
    this.#lastSaid = performance.now();
    this.#said.textContent = words;
  }

  /** The curves are drawn later, all lines that have come until then at once, and by another worker: the page has no time to lose. */
  #drawSoon(): void {
    this.#drawing ??= setTimeout(async () => {
      let stale = false;
      try {
        // Figures of our own code, which escapes what it is given.
        const lines = this.#lines;
        const drawn = lines.length;
        this.#curves.innerHTML = (await this.#drawer().call('curves', lines)).join('');
        stale = this.#lines.length !== drawn || this.#lines !== lines;
      } finally {
        this.#drawing = undefined;
      }
      if (stale) this.#drawSoon();
    }, DRAW_EVERY);
  }
}
