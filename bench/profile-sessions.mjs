// Switches ONNX Runtime's profiler on for every session that Limbeck opens in this process, without a hook in the sources.
import { backend } from '../dist/runtime/backend-node.js';
import { RUN_STAGE } from './stages.mjs';

/**
 * @param prefix the beginning of the paths of the profiles
 * @returns { reset, end }: `reset` forgets the runs so far, `end` releases the sessions, which writes the profiles, and tells
 *   { stages, sessions: [{ profile: beginning of its path, runs: how many since reset }] }
 */
export function profileSessions(prefix, stages) {
  const sessions = [];
  const create = backend.createSession;
  backend.createSession = async (model, options, ...rest) => {
    const known = { profile: `${prefix}-${sessions.length}-`, runs: 0 };
    sessions.push(known);
    const session = await create(model, { ...options, profile: known.profile }, ...rest);
    stages.wrap(session, 'run', RUN_STAGE);
    const { run, release } = session;
    session.run = (...args) => {
      known.runs++;
      return run.apply(session, args);
    };
    let released;
    session.release = () => {
      released ??= release.call(session);
      return released;
    };
    known.release = session.release;
    return session;
  };
  return {
    reset() {
      for (const known of sessions) known.runs = 0;
      stages.reset();
    },
    async end() {
      for (const { release } of sessions) await release();
      return { stages: stages.totals(), sessions: sessions.map(({ profile, runs }) => ({ profile, runs })) };
    },
  };
}
