// The parent's end of --profile: one child runs steps with the profiler on, and the parts of a step are printed.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Worker } from './measure.mjs';
import { partLines, profileParts } from './ort-profile.mjs';
import { RUN_STAGE } from './stages.mjs';
import { formatFigure } from './table.mjs';

/**
 * @param command [program, ...arguments] of a child that speaks bench/serve.mjs
 * @returns { name, milliseconds: mean of a step, steps, parts }, printed already
 */
export async function showProfile(name, command, request, seconds) {
  const directory = await mkdtemp(join(tmpdir(), 'limbeck-profile-'));
  const worker = new Worker(command[0], command.slice(1));
  const ask = async (message) => {
    const reply = await worker.request(message);
    if (reply.error) throw new Error(`${name}: ${reply.error}`);
    return reply;
  };
  try {
    await ask({ prepare: { ...request, profile: join(directory, 'ort') } });
    await ask({ turn: { seconds: 0, limit: 1 } });
    const { milliseconds } = await ask({ turn: { seconds, limit: 1000 } });
    const { stages, sessions } = await ask({ release: true });
    const files = await readdir(directory);
    const profiles = await Promise.all(
      sessions.map(async ({ profile, runs }) => {
        const file = files.find((candidate) => candidate.startsWith(basename(profile)));
        if (file === undefined) throw new Error(`${name}: a session left no profile`);
        return { text: await readFile(join(directory, file), 'utf8'), runs };
      }),
    );
    const parts = profileParts({ milliseconds, stages, profiles, runStage: RUN_STAGE });
    const mean = milliseconds.reduce((a, b) => a + b) / milliseconds.length;
    console.log(`${name}: ${formatFigure(mean)} ms a step over ${milliseconds.length} steps, profiler on`);
    console.log(`${partLines(parts).join('\n')}\n`);
    return { name, milliseconds: mean, steps: milliseconds.length, parts, problems: [] };
  } finally {
    await worker.end();
    await rm(directory, { recursive: true });
  }
}
