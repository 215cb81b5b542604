// What a suite leaves behind: one object with the machine, the versions and every number, in --json FILE and for the run of all suites.
import { writeFile } from 'node:fs/promises';
import { machineFacts } from './measure.mjs';

export function startRecord(suite, options = {}) {
  return { suite, date: new Date().toISOString(), machine: machineFacts(), versions: {}, options, results: [] };
}

/** Writes a record; nothing without a file. */
export async function saveRecord(record, file) {
  if (file !== undefined) await writeFile(file, `${JSON.stringify(record, null, 2)}\n`);
}

/** One line: machine and versions. */
export function originLine({ machine: { cpu, cores, node }, versions, date }) {
  const named = Object.entries(versions).map(([what, version]) => `, ${what} ${version}`);
  return `${cpu}, ${cores} cores; Node ${node}${named.join('')}; ${date.slice(0, 10)}.`;
}

/**
 * Prints the problems of results and makes the command fail when there are any.
 *
 * @param results { name, problems }
 */
export function tellProblems(results) {
  for (const { name, problems } of results) {
    for (const problem of problems) console.error(`PROBLEM ${name}: ${problem}`);
  }
  if (results.some(({ problems }) => problems.length > 0)) process.exitCode = 1;
}
