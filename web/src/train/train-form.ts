/** The form of the tab Train: every setting with its name in the field and a sentence, made from the table of settings. */
import { element } from '../dom.ts';
import { AMOUNTS, checkedSettings, DEFAULTS, MODE, type Settings } from './settings.ts';

export class TrainForm {
  readonly node: HTMLElement;
  readonly #mode = element('select', {
    id: 'train-mode',
    'aria-describedby': 'train-mode-says',
    change: () => this.#follow(),
  });
  readonly #modeSays = element('p', { class: 'soft says', id: 'train-mode-says' });
  readonly #amounts = AMOUNTS.map((amount) => ({
    ...amount,
    input: element('input', {
      ...{ type: 'number', id: `train-${amount.name}`, 'aria-describedby': `train-${amount.name}-says` },
      ...{ min: amount.least, max: amount.most, step: 'any', value: DEFAULTS[amount.name], inputmode: 'decimal' },
    }),
  }));

  constructor() {
    this.#mode.append(...MODE.choices.map(({ value, label }) => element('option', { value }, label)));
    this.node = element(
      'div',
      { class: 'fields' },
      element(
        'div',
        { class: 'field whole' },
        element('label', { for: 'train-mode' }, MODE.label),
        this.#mode,
        this.#modeSays,
      ),
      ...this.#amounts.map(({ name, label, sentence, input }) =>
        element(
          'div',
          { class: 'field' },
          element('label', { for: input.id }, label),
          input,
          element('p', { class: 'soft says', id: `train-${name}-says` }, sentence),
        ),
      ),
    );
    this.#follow();
  }

  /** @throws LimbeckError INVALID_OPTION naming the field */
  read(): Settings {
    const amounts = Object.fromEntries(this.#amounts.map(({ name, input }) => [name, input.value]));
    return checkedSettings({ ...amounts, mode: this.#mode.value } as Record<keyof Settings, string>);
  }

  /** Shows other settings, as of a run that waits. */
  write(settings: Settings): void {
    this.#mode.value = settings.mode;
    for (const { name, input } of this.#amounts) input.value = String(settings[name]);
    this.#follow();
  }

  /** The sentence of the mode, and which fields it has no use for. */
  #follow(): void {
    const mode = MODE.choices.find(({ value }) => value === this.#mode.value) ?? MODE.choices[0];
    this.#modeSays.textContent = `${MODE.sentence} ${mode.label}: ${mode.sentence}`;
    for (const { input, unusedIn = [] } of this.#amounts) input.disabled = unusedIn.includes(mode.value);
  }
}
