// One configuration, measured on several sides: Limbeck first, then its peers, each a process of its own.
import { measureInTurns, Worker } from './measure.mjs';

/** Relative difference of results up to which two sides did the same work. */
const AGREEMENT = 1e-3;

/**
 * Prepares the sides in order (the first may write files that the others read, and without it there is nothing to compare with) and
 * measures them in alternate turns.
 *
 * @param sides { name, command: [program, ...arguments], request }, or { name, tooLarge } for one that is not tried
 * @returns { versions, sides: name → figures }; figures are those of `measureInTurns`, with what the child said in `facts` of its work
 */
export async function measureSides(sides, seconds) {
  const known = sides.map(({ name, command, request, tooLarge }) => ({
    name,
    request,
    figures: tooLarge === undefined ? {} : { tooLarge },
    worker: tooLarge === undefined ? new Worker(command[0], command.slice(1)) : undefined,
  }));
  const workers = known.filter(({ worker }) => worker);
  try {
    for (const side of workers) {
      if (side !== known[0] && !known[0].ready) continue;
      const { facts, ...reply } = await side.worker.request({ prepare: side.request });
      Object.assign(side.figures, reply);
      side.ready = facts !== undefined;
      side.facts = facts;
    }
    const ready = workers.filter((side) => side.ready);
    const measured = await measureInTurns(
      ready.map(({ worker }) => worker),
      seconds,
    );
    for (const [i, side] of ready.entries()) Object.assign(side.figures, measured[i]);
  } finally {
    for (const { worker } of workers) await worker.end();
  }
  return {
    versions: Object.assign({}, ...known.map(({ facts }) => facts)),
    sides: Object.fromEntries(known.map(({ name, figures }) => [name, figures])),
  };
}

/**
 * What two sides do not agree in, in words.
 *
 * @param names the numbers to compare, for instance ['loss', 'gradient']; arrays are compared entry by entry
 */
export function disagreements(side, own, other, names) {
  return names.flatMap((what) => {
    const [mine, theirs] = [own[what], other[what]].map((value) => [value].flat());
    if (mine.length === theirs.length && mine.every((value, i) => near(value, theirs[i]))) return [];
    return [`not the same work: ${what} ${mine.join(', ')} in limbeck, ${theirs.join(', ')} in ${side}`];
  });
}

function near(value, reference) {
  return Math.abs(value - reference) <= AGREEMENT * Math.abs(reference);
}
