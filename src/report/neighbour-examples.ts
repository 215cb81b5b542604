/**
 * Where students disagree with the teacher on what is near: samples with their nearest others by each. Drawn among all disagreements, not
 * chosen, and with how many there are.
 */
import { otherNeighbours } from '../evaluation/nearest-neighbours.ts';
import type { Matrix } from '../matrix/matrix.ts';
import { Random } from '../matrix/random.ts';
import { formatPercent, formatScore } from './format.ts';
import type { DescribedSamples } from './held-out.ts';
import { Html, html } from './html.ts';

const EXAMPLES = 8;
const NEIGHBOURS = 3;
const SEED = 0;

export interface Neighbour {
  readonly sample: number;
  readonly cosine: number;
}

export interface NeighbourExample {
  readonly sample: number;
  /** The teacher's, then those of each student; nearest first. */
  readonly neighbours: readonly (readonly Neighbour[])[];
}

export interface NeighbourExamples {
  /** In the order of the samples. */
  readonly examples: readonly NeighbourExample[];
  /** For every student the share of samples whose nearest is the teacher's nearest. */
  readonly agreement: readonly number[];
}

/**
 * @param teacher n × d, n ≥ 2
 * @param students each n × any width
 */
export function neighbourExamples(teacher: Matrix, students: readonly Matrix[]): NeighbourExamples {
  const all = [teacher, ...students].map((rows) => otherNeighbours(rows, NEIGHBOURS));
  const nearest = (place: number, sample: number): number => all[place].indices[sample * all[place].k];
  const numbers = Array.from({ length: teacher.rows }, (_, i) => i);
  const agrees = (place: number, i: number): boolean => nearest(place + 1, i) === nearest(0, i);
  const disagreed = numbers.filter((i) => students.some((_, place) => !agrees(place, i)));
  const drawn = Random.forPurpose(SEED, 'neighbours').sample(disagreed.length, Math.min(EXAMPLES, disagreed.length));
  return {
    examples: Array.from(drawn.sort(), (place) => ({
      sample: disagreed[place],
      neighbours: all.map(({ k, indices, scores }) =>
        Array.from({ length: k }, (_, n) => {
          const at = disagreed[place] * k + n;
          return { sample: indices[at], cosine: scores[at] };
        }),
      ),
    })),
    agreement: students.map((_, place) => numbers.filter((i) => agrees(place, i)).length / teacher.rows),
  };
}

const SHARED = new Html(' class="shared"');

/** @param names of the students */
export function neighbourSection(
  { texts, classes }: DescribedSamples,
  { examples, agreement }: NeighbourExamples,
  names: readonly string[],
): Html {
  const described = (sample: number): Html =>
    html`${texts[sample]}${classes[sample] === undefined ? '' : html` <span class="count">${classes[sample]}</span>`}`;
  const column = (title: string, found: readonly Neighbour[], ofTeacher: readonly Neighbour[]): Html => {
    const isTeacher = found === ofTeacher;
    const known = new Set(ofTeacher.map(({ sample }) => sample));
    return html`<div><h3>${title}</h3><ol>${found.map(
      ({ sample, cosine }) =>
        html`<li${!isTeacher && known.has(sample) ? SHARED : ''}>${described(sample)} <span class="cosine">${formatScore(cosine)}</span></li>`,
    )}</ol></div>`;
  };
  const shares = names.map((name, i) => `${formatPercent(agreement[i]).replace(' ', '\u00a0')} for ${name}`);
  return html`<p>The nearest other sample is the teacher’s nearest in ${shares.join(', ')}. ${
    examples.length === 0
      ? 'No sample has another nearest one.'
      : `Below are ${examples.length} samples, drawn among those where it is not for every student, each with the ${examples[0].neighbours[0].length} nearest others and their cosines; ✓ marks what is among the teacher’s.`
  }</p>
<div class="examples">${examples.map(
    ({ sample, neighbours }) => html`<section class="panel"><p class="query">${described(sample)}</p>
<div class="columns">${['Teacher', ...names].map((title, place) => column(title, neighbours[place], neighbours[0]))}</div></section>
`,
  )}</div>`;
}
