/** Commands whose options come from the schema: declared by name, and filled in when they are called, so that the others start at once. */
import type { Command } from 'commander';

type Fill = (command: Command) => void;

/** @returns adds a command; the rest of it is loaded when it is parsed, help included */
export function lazyCommands(program: Command): (name: string, summary: string, load: () => Promise<Fill>) => void {
  const waiting = new Map<Command, () => Promise<Fill>>();
  program.hook('preSubcommand', async (_, command) => {
    const load = waiting.get(command);
    waiting.delete(command);
    (await load?.())?.(command);
  });
  return (name, summary, load) => {
    waiting.set(program.command(name).summary(summary), load);
  };
}
