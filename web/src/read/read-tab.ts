/**
 * The tab Read: a run directory to its report. The report is drawn in the worker, and shown in a frame that runs no scripts, so that whatever
 * stands in a run's texts stays text.
 */

import { element, fill } from '../dom.ts';
import { downloadBytes } from '../download.ts';
import { dropZone } from '../drop-zone.ts';
import { type ChosenFile, chosenFiles } from '../files/chosen-file.ts';
import { Notice } from '../notice.ts';
import type { PageWorker } from '../page-worker.ts';
import { siteRun } from '../run/site-run.ts';

export class ReadTab {
  readonly #worker: () => PageWorker;
  readonly #notice = new Notice();
  readonly #status = element('p', { class: 'soft status', role: 'status' });
  readonly #result = element('div');
  readonly #example = element('p', { class: 'row' });
  #latest = 0;

  constructor(panel: HTMLElement, worker: () => PageWorker) {
    this.#worker = worker;
    fill(
      panel,
      element('h1', {}, 'Read a run'),
      element(
        'p',
        { class: 'lede' },
        'Open the directory that limbeck distill or limbeck demo wrote, and get the report that limbeck report writes.',
      ),
      dropZone({
        title: 'Run directory',
        hint: 'A whole directory; or its run.json with metrics.jsonl; for the map also its folder held-out.',
        folder: true,
        onFiles: (files) => void this.open(chosenFiles(files)),
      }),
      this.#example,
      this.#notice.node,
      this.#status,
      this.#result,
    );
    void this.#offerExample();
  }

  async #offerExample(): Promise<void> {
    const files = await siteRun().catch(() => undefined);
    if (!files) return;
    fill(
      this.#example,
      element('span', { class: 'soft' }, 'Nothing at hand?'),
      element('button', { type: 'button', click: () => void this.open(files) }, 'Read the example run'),
    );
  }

  /** Draws the report of a run's files; of several at once the last one is shown. */
  async open(files: readonly ChosenFile[]): Promise<void> {
    const number = ++this.#latest;
    this.#status.textContent = 'Drawing the report…';
    fill(this.#result);
    const report = await this.#notice.during(() => this.#worker().call('report', files));
    if (number !== this.#latest) return;
    this.#status.textContent = report ? `Report of ${report.title}; the run is ${report.status}.` : '';
    if (!report) return;
    const frame = element('iframe', {
      title: `Report: ${report.title}`,
      // Without allow-scripts nothing in it runs; its height can still be read.
      sandbox: 'allow-same-origin',
      class: 'report',
    });
    frame.srcdoc = report.html;
    frame.addEventListener('load', () => fitHeight(frame));
    fill(
      this.#result,
      element(
        'p',
        { class: 'row' },
        element(
          'button',
          {
            type: 'button',
            click: () => downloadBytes('report.html', 'text/html', new TextEncoder().encode(report.html)),
          },
          'Download report.html',
        ),
      ),
      frame,
    );
  }
}

/** As high as its document, now and when that changes: the page scrolls, not the frame. */
function fitHeight(frame: HTMLIFrameElement): void {
  const root = frame.contentDocument?.documentElement;
  if (!root) return;
  const fit = (): void => {
    frame.style.height = `${Math.ceil(root.getBoundingClientRect().height)}px`;
  };
  fit();
  new ResizeObserver(fit).observe(root);
}
