#!/usr/bin/env node
/** The command `limbeck`. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted. */
import { Command, CommanderError } from 'commander';
import { LimbeckError } from '../errors.ts';
import { addDemoCommand } from './demo-command.ts';
import { ownVersion } from './environment.ts';
import { addEvaluateCommand } from './evaluate-command.ts';
import { helpLayout } from './help.ts';
import { addInspectCommand } from './inspect-command.ts';
import { lazyCommands } from './lazy-commands.ts';
import { addReportCommand } from './report-command.ts';

const program = new Command('limbeck')
  .description("Small models that keep a large model's embedding space, by contrastive distillation.")
  .version(ownVersion())
  .showSuggestionAfterError()
  .showHelpAfterError('(limbeck --help lists what there is)')
  .configureHelp(helpLayout(process.stdout.columns))
  .exitOverride();
const addLazily = lazyCommands(program);
addLazily(
  'init',
  'write a configuration to begin with',
  async () => (await import('./init-command.ts')).fillInitCommand,
);
addLazily(
  'distill',
  'train a student on your own data and teacher',
  async () => (await import('./distill-command.ts')).fillDistillCommand,
);
addLazily(
  'embed',
  'compute the rows of a teacher, or of a student',
  async () => (await import('./embed-command.ts')).fillEmbedCommand,
);
addLazily(
  'compare',
  'train methods against each other, and say which is better',
  async () => (await import('./compare-command.ts')).fillCompareCommand,
);
addInspectCommand(program);
addEvaluateCommand(program);
addReportCommand(program);
addDemoCommand(program);

// Whoever reads may stop early: limbeck inspect model.onnx | head.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCode(error);
  if (!(error instanceof CommanderError)) process.stderr.write(`\n${message(error)}\n`);
}

function exitCode(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof LimbeckError && error.code === 'ABORTED') return 130;
  if (error instanceof LimbeckError && error.code === 'INVALID_OPTION') return 2;
  return 1;
}

function message(error: unknown): string {
  if (error instanceof LimbeckError) {
    return error.code === 'ABORTED'
      ? `limbeck: interrupted. ${error.message}`
      : `limbeck: ${error.message} [${error.code}]`;
  }
  // Not one of ours: a bug, or a system error. The stack is what a report needs.
  return `limbeck: unexpected error, please report it: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
