/** The tab Train: data, settings, and a training that one watches, pauses and takes home. What trains is in the worker. */
import { LimbeckError } from 'limbeck/page';
import { columnFields } from '../column-fields.ts';
import { element, fill } from '../dom.ts';
import { downloadBytes } from '../download.ts';
import { dropZone } from '../drop-zone.ts';
import { chosenFiles } from '../files/chosen-file.ts';
import { bytes, count, counted, duration, percent } from '../format.ts';
import { Notice } from '../notice.ts';
import type { PageWorker } from '../page-worker.ts';
import { siteRun } from '../run/site-run.ts';
import { LiveView } from './live-view.ts';
import type { Settings } from './settings.ts';
import { TrainForm } from './train-form.ts';
import type { CollectionFacts, SavedFacts, TrainResult } from './train-tasks.ts';

export class TrainTab {
  readonly #worker: () => PageWorker;
  readonly #notice = new Notice();
  readonly #dataNotice = new Notice();
  readonly #form = new TrainForm();
  readonly #view: LiveView;
  readonly #waiting = element('div');
  readonly #data = element('p', { class: 'status', role: 'status' });
  readonly #start = element(
    'button',
    { type: 'button', class: 'primary', disabled: true, click: () => this.#startNew() },
    'Start training',
  );
  readonly #pause = element(
    'button',
    { type: 'button', hidden: true, click: () => this.#controller?.abort() },
    'Pause',
  );
  readonly #resume = element(
    'button',
    { type: 'button', hidden: true, click: () => void this.#train(undefined) },
    'Resume',
  );
  readonly #result = element('div');
  #controller: AbortController | undefined;
  #hasData = false;

  /**
   * @param worker trains
   * @param drawer draws curves meanwhile
   */
  constructor(panel: HTMLElement, worker: () => PageWorker, drawer: () => PageWorker) {
    this.#worker = worker;
    this.#view = new LiveView(drawer);
    const columns = columnFields('train');
    const example = element('p', { class: 'row' });
    fill(
      panel,
      element('h1', {}, 'Train a student'),
      element(
        'p',
        { class: 'lede' },
        'From texts and the embeddings that a large model gave them to a small model that embeds in the same space, in this browser.',
      ),
      this.#waiting,
      element('h2', {}, '1. Texts with embeddings'),
      dropZone({
        title: 'Texts with embeddings',
        hint: 'One .jsonl or .parquet with a text and its embedding in each row, or rows in .npy or .safetensors together with texts in .jsonl or .txt.',
        onFiles: (files) =>
          void this.#useData(() => this.#worker().call('readData', { files: chosenFiles(files), ...columns.read() })),
      }),
      columns.node,
      example,
      this.#dataNotice.node,
      this.#data,
      element('h2', {}, '2. Settings'),
      this.#form.node,
      element('p', { class: 'row actions' }, this.#start, this.#pause, this.#resume),
      this.#notice.node,
      this.#view.node,
      this.#result,
    );
    void this.#offerExample(example);
    void this.#notice.during(() => this.#offerSaved());
  }

  async #offerExample(place: HTMLElement): Promise<void> {
    const files = await siteRun().catch(() => undefined);
    if (!files) return;
    const use = (): void => void this.#useData(() => this.#worker().call('readRunData', files));
    fill(
      place,
      element('span', { class: 'soft' }, 'Nothing at hand?'),
      element('button', { type: 'button', click: use }, 'Take the example’s held-out texts'),
    );
  }

  /** What an earlier visit left is offered before anything else. */
  async #offerSaved(): Promise<void> {
    const saved = await this.#worker().call('saved', undefined);
    if (saved) this.#showSaved(saved);
  }

  #showSaved(saved: SavedFacts): void {
    this.#form.write(saved.settings);
    const where = saved.done
      ? `trained to the end, ${counted(saved.step, 'step')}.`
      : `saved after step ${count(saved.step)} of about ${count(saved.settings.steps)}.`;
    fill(
      this.#waiting,
      element(
        'section',
        { class: 'card', 'aria-labelledby': 'waiting-title' },
        element('h2', { id: 'waiting-title' }, saved.done ? 'A trained student is kept here' : 'A training waits'),
        element('p', {}, `${saved.name}: ${counted(saved.size, 'text')}, ${where}`),
        element(
          'p',
          { class: 'row' },
          element(
            'button',
            { type: 'button', class: 'primary', click: () => void this.#train(undefined) },
            saved.done ? 'Get it again' : 'Go on with it',
          ),
          element(
            'button',
            { type: 'button', click: () => void this.#notice.during(() => this.#discard()) },
            'Delete it',
          ),
        ),
      ),
    );
  }

  async #discard(): Promise<void> {
    await this.#worker().call('discard', undefined);
    fill(this.#waiting);
    this.#resume.hidden = true;
    this.#start.focus();
  }

  async #useData(read: () => Promise<CollectionFacts>): Promise<void> {
    this.#data.textContent = 'Reading…';
    const facts = await this.#dataNotice.during(read);
    if (!facts) {
      this.#data.textContent = this.#hasData ? 'The texts from before are kept.' : '';
      return;
    }
    this.#hasData = true;
    this.#start.disabled = this.#controller !== undefined;
    fill(
      this.#data,
      element('strong', {}, `${counted(facts.size, 'text')} with ${count(facts.dimension)} numbers each`),
      ` from ${facts.name}. The first: “${facts.example}”`,
    );
  }

  #startNew(): void {
    try {
      void this.#train(this.#form.read());
    } catch (error) {
      this.#notice.show(error);
    }
  }

  /** @param settings of a new run; undefined goes on with the saved one */
  async #train(settings: Settings | undefined): Promise<void> {
    const controller = new AbortController();
    this.#running(controller);
    this.#notice.clear();
    fill(this.#result);
    fill(this.#waiting);
    try {
      const result = await this.#worker().call('train', settings, {
        signal: controller.signal,
        onEvent: (event) => this.#view.show(event),
      });
      this.#showResult(result);
    } catch (error) {
      const paused = error instanceof LimbeckError && error.code === 'ABORTED';
      if (paused) this.#view.paused();
      else this.#notice.show(error);
      this.#resume.hidden = !paused;
    } finally {
      this.#running(undefined);
    }
  }

  #running(controller: AbortController | undefined): void {
    const focused = document.activeElement;
    this.#controller = controller;
    this.#start.disabled = controller !== undefined || !this.#hasData;
    this.#pause.hidden = controller === undefined;
    if (controller) this.#resume.hidden = true;
    // Whoever pressed a button that is gone finds the one in its place.
    const gone =
      focused instanceof HTMLElement &&
      (focused.hidden || !focused.isConnected || (focused as HTMLButtonElement).disabled);
    if (gone) (controller ? this.#pause : this.#resume.hidden ? this.#start : this.#resume).focus();
  }

  #showResult({ steps, seconds, metrics, modelBytes, student, run }: TrainResult): void {
    this.#view.finished(seconds);
    const recall = metrics.recallAt1 === undefined ? '' : ` R@1 on held-out texts: ${percent(metrics.recallAt1)}.`;
    fill(
      this.#result,
      element(
        'section',
        { class: 'card', 'aria-labelledby': 'result-title' },
        element('h2', { id: 'result-title' }, 'The student is ready'),
        element(
          'p',
          {},
          `${counted(steps, 'step')} in ${duration(seconds)}, a model of ${bytes(modelBytes)}.${recall}`,
        ),
        element(
          'p',
          { class: 'row' },
          element(
            'button',
            { type: 'button', class: 'primary', click: () => downloadBytes('student.zip', 'application/zip', student) },
            'Download the student',
          ),
          element(
            'button',
            { type: 'button', click: () => downloadBytes('run.zip', 'application/zip', run) },
            'Download the run, for its report',
          ),
        ),
        element(
          'p',
          { class: 'soft' },
          'Drop student.zip on the tab Search, or unpack it: Student.load() and transformers.js read the directory.',
        ),
      ),
    );
  }
}
