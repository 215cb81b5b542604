/** What a training on the page may be told: one table that the form, its sentences and the checks are made from. */
import { LimbeckError } from 'limbeck/page';

export interface Settings {
  readonly mode: 'ntxent' | 'infonce' | 'triplet' | 'crd';
  readonly temperature: number;
  readonly weight: number;
  readonly width: number;
  readonly steps: number;
}

interface Choice {
  readonly name: 'mode';
  readonly label: string;
  readonly sentence: string;
  readonly choices: readonly { readonly value: Settings['mode']; readonly label: string; readonly sentence: string }[];
}

interface Amount {
  readonly name: Exclude<keyof Settings, 'mode'>;
  readonly label: string;
  readonly sentence: string;
  readonly least: number;
  readonly most: number;
  readonly whole: boolean;
  /** Of the field's arrows. */
  readonly step: number;
  /** Modes that have no use for it. */
  readonly unusedIn?: readonly Settings['mode'][];
}

export const MODE: Choice = {
  name: 'mode',
  label: 'Mode',
  sentence: 'How a student row is told apart from the rows of other texts.',
  choices: [
    {
      value: 'ntxent',
      label: 'NT-Xent',
      sentence:
        'Each student row has to find its own teacher row among those of other texts. The usual choice for search.',
    },
    {
      value: 'infonce',
      label: 'InfoNCE',
      sentence: 'The other way round: each teacher row has to find its own student row in the batch.',
    },
    {
      value: 'triplet',
      label: 'Triplet',
      sentence: 'The own teacher row has to be nearer than the nearest other one by a margin of 0.1.',
    },
    {
      value: 'crd',
      label: 'CRD',
      sentence:
        'The objective of the paper “Contrastive Representation Distillation”: every key is told apart from noise by itself.',
    },
  ],
};

export const AMOUNTS: readonly Amount[] = [
  {
    name: 'temperature',
    label: 'Temperature',
    sentence: 'Divides the cosines; the lower it is, the more the hardest negatives count.',
    ...{ least: 0.005, most: 10, whole: false, step: 0.005, unusedIn: ['triplet'] },
  },
  {
    name: 'weight',
    label: 'Contrastive weight',
    sentence:
      'Share of the contrastive loss; the rest is the cosine loss, which pulls each student row onto its teacher row.',
    ...{ least: 0, most: 1, whole: false, step: 0.05 },
  },
  {
    name: 'width',
    label: 'Width',
    sentence: 'Numbers that the student keeps for each token: its size is about this × vocabulary × 4 bytes.',
    ...{ least: 4, most: 512, whole: true, step: 4 },
  },
  {
    name: 'steps',
    label: 'Steps',
    sentence: 'Batches of 128 texts that are learned from, rounded to whole passes over the texts.',
    ...{ least: 1, most: 100_000, whole: true, step: 10 },
  },
];

export const DEFAULTS: Settings = { mode: 'ntxent', temperature: 0.05, weight: 0.8, width: 96, steps: 240 };

/**
 * Settings from what stands in the form.
 *
 * @throws LimbeckError INVALID_OPTION naming the field and its bounds
 */
export function checkedSettings(given: Readonly<Record<keyof Settings, string>>): Settings {
  const mode = MODE.choices.find(({ value }) => value === given.mode)?.value;
  if (!mode) throw refused(MODE.label, MODE.choices.map(({ label }) => label).join(', '), given.mode);
  const numbers = AMOUNTS.map(({ name, label, least, most, whole }) => {
    const value = given[name].trim() === '' ? Number.NaN : Number(given[name]);
    if (value >= least && value <= most && (!whole || Number.isInteger(value))) return [name, value] as const;
    throw refused(label, `a ${whole ? 'whole ' : ''}number from ${least} to ${most}`, given[name]);
  });
  return { mode, ...(Object.fromEntries(numbers) as Omit<Settings, 'mode'>) };
}

function refused(label: string, expected: string, got: string): LimbeckError {
  return new LimbeckError(
    'INVALID_OPTION',
    `${label}: expected ${expected}, got ${JSON.stringify(got)}. Change the field.`,
  );
}
