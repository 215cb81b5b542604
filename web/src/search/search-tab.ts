/**
 * The tab Search: an index of teacher rows, searched as one types by a student; beside it, for prepared queries, what the teacher finds.
 * Everything runs in the worker; this file is what one sees of it.
 */
import { LimbeckError } from 'limbeck/page';
import type { PlainStudent } from 'limbeck/worker';
import { element, fill } from '../dom.ts';
import { type ChosenFile, chosenFiles } from '../files/chosen-file.ts';
import type { CollectionOptions } from '../files/collection-options.ts';
import { bytes, count, counted, milliseconds } from '../format.ts';
import { Notice } from '../notice.ts';
import type { PageWorker } from '../page-worker.ts';
import { SITE_RUN, siteRun } from '../run/site-run.ts';
import { hitList } from './hit-list.ts';
import { ownCollection } from './own-collection.ts';
import type { Answer, OpenIndex, TextHit } from './search-tasks.ts';

const HITS = 5;
/** Prepared queries shown at once. */
const OFFERED = 6;

export class SearchTab {
  readonly #worker: () => PageWorker;
  readonly #notice = new Notice();
  readonly #ownNotice = new Notice();
  readonly #lede = element('p', { class: 'lede' }, 'Loading…');
  readonly #facts = element('ul', { class: 'facts', 'aria-label': 'Size and speed' });
  readonly #query = element('input', {
    type: 'search',
    id: 'query',
    autocomplete: 'off',
    spellcheck: 'false',
    disabled: true,
    placeholder: 'a large musical instrument',
    input: () => this.#ask(),
  });
  readonly #offers = element('div', { class: 'row offers', role: 'group', 'aria-label': 'Prepared queries' });
  readonly #answers = element('div', { class: 'columns' });
  readonly #said = element('p', { class: 'unseen', role: 'status' });
  #student: PlainStudent | undefined;
  #index: OpenIndex | undefined;
  #firstOffer = 0;
  /** The queries asked so far; answers of earlier ones are not shown. */
  #asked = 0;
  #asking = false;

  constructor(panel: HTMLElement, worker: () => PageWorker) {
    this.#worker = worker;
    fill(
      panel,
      element('h1', {}, 'Search with a student'),
      this.#lede,
      element('label', { for: 'query', class: 'query-label' }, 'Search as you type'),
      this.#query,
      this.#offers,
      this.#facts,
      this.#notice.node,
      this.#said,
      this.#answers,
      ownCollection({
        notice: this.#ownNotice.node,
        onStudent: (files) => void this.#ownNotice.during(() => this.#useStudent(files)),
        onIndex: (input) => void this.#ownNotice.during(() => this.#useIndex(input)),
      }),
    );
    void this.#notice.during(() => this.#useSite());
  }

  async #useSite(): Promise<void> {
    const files = await siteRun();
    if (!files) {
      fill(this.#lede, 'This site was built without a run to show. Use a student and an index of your own, below.');
      this.#showFacts();
      return;
    }
    const [index, student] = await Promise.all([
      this.#worker().call('openRun', files),
      this.#worker().call('openStudent', new URL(`${SITE_RUN}student/`, document.baseURI).href),
    ]);
    await this.#use(index, student);
  }

  /** A student in place of the one before; its width has to be that of the index. */
  async #useStudent(files: readonly File[]): Promise<void> {
    const student = await this.#worker().call('openStudent', chosenFiles(files));
    if (student.format.kind !== 'text') {
      await this.#release(student);
      throw new LimbeckError('UNSUPPORTED', `${student.name}: expected a student of texts, got one of images.`);
    }
    // A student and an index that do not fit come one after the other: the first waits for the second.
    const fits = this.#index?.dimension === student.format.dimension;
    await this.#use(fits ? this.#index : undefined, student);
  }

  async #useIndex(input: CollectionOptions & { readonly files: readonly ChosenFile[] }): Promise<void> {
    const index = await this.#worker().call('openIndex', input);
    if (this.#student && this.#student.format.dimension !== index.dimension) {
      await this.#worker().call('closeIndex', index.index);
      throw new LimbeckError(
        'SHAPE_MISMATCH',
        `${index.name}: expected rows of ${this.#student.format.dimension} numbers, as the student ${this.#student.name} gives, got ${index.dimension}. ` +
          'Choose the index of its teacher, or first another student.',
      );
    }
    await this.#use(index, this.#student);
  }

  async #release({ student }: PlainStudent): Promise<void> {
    await this.#worker().call('release', { student });
  }

  async #use(index: OpenIndex | undefined, student: PlainStudent | undefined): Promise<void> {
    const [oldIndex, oldStudent] = [this.#index, this.#student];
    [this.#index, this.#student] = [index, student];
    this.#firstOffer = 0;
    const ready = index !== undefined && student !== undefined;
    this.#query.disabled = !ready;
    fill(this.#answers);
    fill(
      this.#lede,
      ready
        ? `${counted(index.documents, 'text')} of ${index.name}, embedded by ${index.teacher?.name ?? 'the teacher'} and searched by a student of its space.`
        : student
          ? `The student ${student.name} is open. It needs an index with rows of ${student.format.dimension} numbers.`
          : 'The index is open. It needs a student.',
    );
    this.#showFacts();
    this.#offer();
    if (oldIndex && oldIndex !== index) await this.#worker().call('closeIndex', oldIndex.index);
    if (oldStudent && oldStudent !== student) await this.#release(oldStudent);
    if (ready) this.#ask();
  }

  #showFacts(answer?: Answer): void {
    const [index, student] = [this.#index, this.#student];
    const teacherBytes = index?.teacher?.sizeBytes;
    const fact = (value: string, what: string): HTMLElement =>
      element('li', {}, element('strong', {}, value), ' ', element('span', {}, what));
    fill(
      this.#facts,
      student && fact(bytes(student.modelBytes), 'student'),
      teacherBytes !== undefined &&
        student &&
        fact(bytes(teacherBytes), `teacher, ${(teacherBytes / student.modelBytes).toFixed(1)} times as large`),
      answer && fact(milliseconds(answer.embedding), 'to embed the query'),
      answer && index && fact(milliseconds(answer.ranking), `to rank ${count(index.documents)} rows`),
    );
  }

  /** Some prepared queries as buttons, and one for the next some. */
  #offer(): void {
    const queries = this.#student ? (this.#index?.queries ?? []) : [];
    const shown = Array.from(
      { length: Math.min(OFFERED, queries.length) },
      (_, i) => queries[(this.#firstOffer + i) % queries.length],
    );
    fill(
      this.#offers,
      shown.length > 0 && element('span', { class: 'soft' }, 'Held-out texts to try:'),
      ...shown.map((text) =>
        element(
          'button',
          {
            type: 'button',
            class: 'chip',
            title: text,
            click: () => {
              this.#query.value = text;
              this.#ask();
            },
          },
          text,
        ),
      ),
      queries.length > OFFERED &&
        element(
          'button',
          {
            type: 'button',
            class: 'chip quiet',
            click: () => {
              this.#firstOffer += OFFERED;
              this.#offer();
              this.#offers.querySelector<HTMLElement>('.quiet')?.focus();
            },
          },
          'others',
        ),
    );
  }

  /** Asks for what stands in the field; while an answer is on its way only the latest query waits. */
  #ask(): void {
    this.#asked++;
    if (!this.#asking) void this.#notice.during(() => this.#answerLatest());
  }

  async #answerLatest(): Promise<void> {
    this.#asking = true;
    try {
      for (let answered = -1; answered !== this.#asked; ) {
        answered = this.#asked;
        await this.#answer(this.#query.value.trim(), () => answered === this.#asked);
      }
    } finally {
      this.#asking = false;
    }
  }

  async #answer(query: string, isLatest: () => boolean): Promise<void> {
    const [index, student] = [this.#index, this.#student];
    if (query === '' || !index || !student) {
      fill(this.#answers);
      this.#said.textContent = '';
      return;
    }
    const prepared = index.queries.indexOf(query);
    const [answer, teacher] = await Promise.all([
      this.#worker().call('search', { index: index.index, student: student.student, query, most: HITS }),
      prepared < 0
        ? undefined
        : this.#worker().call('teacherHits', { index: index.index, query: prepared, most: HITS }),
    ]);
    if (!isLatest()) return;
    this.#show(index, answer, teacher);
    // Which query is answered: the field may be ahead.
    this.#answers.dataset.query = query;
  }

  #show(index: OpenIndex, answer: Answer, teacher: readonly TextHit[] | undefined): void {
    const rows = (hits: readonly TextHit[]): Set<number> => new Set(hits.map(({ row }) => row));
    const [byStudent, byTeacher] = [rows(answer.hits), rows(teacher ?? [])];
    const shared = [...byStudent].filter((row) => byTeacher.has(row)).length;
    fill(
      this.#answers,
      element('section', { class: 'card' }, element('h2', {}, 'Student'), hitList(answer.hits, byTeacher)),
      (teacher !== undefined || index.queries.length > 0) &&
        element(
          'section',
          { class: 'card' },
          element('h2', {}, 'Teacher'),
          teacher
            ? hitList(teacher, byStudent)
            : element(
                'p',
                { class: 'soft' },
                'Known for the held-out texts above: the teacher itself is not on this page. Choose one to compare.',
              ),
        ),
    );
    this.#showFacts(answer);
    this.#said.textContent = `${counted(answer.hits.length, 'hit')}${teacher ? `, ${shared} of them also the teacher's` : ''}. First: ${answer.hits[0]?.text ?? 'none'}`;
  }
}
