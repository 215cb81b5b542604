/** From a file and flags to a run: read, put together, checked, completed. */
import { readText } from '../runtime/read-files.ts';
import { type ConfigPath, type ConfigProblem, checkSection, isObject } from './check-config.ts';
import { checkTogether, completeConfig, type RunConfig } from './complete-config.ts';
import { type ConfigText, parseConfigText } from './config-text.ts';
import { applyOverrides, type Override } from './overrides.ts';
import { refuse } from './refuse-config.ts';
import { configSchema } from './schema.ts';
import { sectionOf } from './schema-tree.ts';
import { withTextRecipe } from './text-recipe.ts';

export interface ConfigSource {
  /** YAML or JSON; by default nothing but what the flags say. */
  readonly file?: string | undefined;
  readonly overrides?: readonly Override[];
  /** Whether the run is to be trained; else what only training needs is not held against the rest. Default true. */
  readonly training?: boolean | undefined;
}

const root = sectionOf(configSchema);

/**
 * @throws LimbeckError INVALID_OPTION naming everything that is wrong, each with file and line or with its flag; FILE_UNREADABLE, NOT_TEXT
 *
 * @example
 * const config = await readConfig({ file: 'limbeck.yaml', overrides: [{ path: ['training', 'epochs'], text: '5', flag: '--epochs' }] });
 */
export async function readConfig({ file, overrides = [], training = true }: ConfigSource): Promise<RunConfig> {
  const text = file === undefined ? undefined : await readText(file, 'the configuration of a run');
  return parseConfig(text === undefined ? undefined : parseConfigText(text, file ?? ''), { file, overrides, training });
}

/**
 * {@link readConfig} of a text that was read.
 *
 * @param source.file how it is called in messages
 */
export function parseConfig(
  text: ConfigText | undefined,
  { file = 'config', overrides = [], training = true }: ConfigSource = {},
): RunConfig {
  const value = withTextRecipe(withImageStudent(applyOverrides(root, text?.value ?? {}, overrides)));
  const { config, problems } = checkRun(value, training);
  refuse(problems, { text, file, overrides, root });
  return config as RunConfig;
}

/**
 * A run as plain values, held against the schema and completed.
 *
 * @returns the run, or what is wrong with it
 */
export function checkRun(
  value: unknown,
  training: boolean,
): { readonly config?: RunConfig; readonly problems: readonly ConfigProblem[] } {
  const misfits = checkSection(root, value);
  if (misfits.length > 0) return { problems: misfits };
  const parsed = configSchema.safeParse(value);
  if (!parsed.success) {
    const { issues } = parsed.error;
    return { problems: issues.map(({ path, message }) => ({ path: path as ConfigPath, key: false, message })) };
  }
  const problems = checkTogether(parsed.data, { training });
  if (problems.length > 0) return { problems };
  // Parsed once more for the order of the schema: a run reads the same wherever it was written.
  return { config: configSchema.parse(completeConfig(parsed.data)) as RunConfig, problems };
}

/** The student's default is one for texts; data of images say that another is meant. */
export function withImageStudent(value: unknown): unknown {
  if (!isObject(value) || !isObject(value.data) || value.data.images === undefined) return value;
  const student = value.student ?? {};
  return isObject(student) && student.kind === undefined
    ? { ...value, student: { kind: 'resnet', ...student } }
    : value;
}
