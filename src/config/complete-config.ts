/** What of a configuration follows from other parts of it, and what of it does not go together: found before anything is loaded. */
import { basename, join } from 'node:path';
import type { ConfigProblem } from './check-config.ts';
import { IMAGE_KEYS, TEXT_KEYS } from './data-schema.ts';
import type { ParsedConfig } from './schema.ts';
import type { SingleStrategyConfig } from './strategy-schema.ts';
import { STUDENTS_OF_IMAGES, STUDENTS_OF_TEXTS, type StudentConfig } from './student-schema.ts';
import type { SingleTeacherConfig } from './teacher-schema.ts';

/** A run, with everything filled in that can be known without looking at the data. */
export interface RunConfig extends ParsedConfig {
  readonly name: string;
  readonly output: { readonly directory: string };
}

/** Fills in what is left out and follows from the rest; what is filled in stays as it is. */
export function completeConfig(config: ParsedConfig): RunConfig {
  const name = config.name ?? nameOf(config.data.texts ?? config.data.images ?? 'run');
  return {
    ...config,
    name,
    student: completeStudent(config),
    training: { ...config.training, optimizer: completeOptimizer(config) },
    output: { directory: config.output.directory ?? join('runs', name) },
  };
}

/** "glosses" of "data/glosses.jsonl.gz". */
function nameOf(path: string): string {
  const name = basename(path).replace(/^\.+/, '').split('.')[0].trim();
  return name === '' ? 'run' : name;
}

function completeStudent({ student, teacher }: ParsedConfig): StudentConfig {
  if (student.kind !== 'static' && student.kind !== 'transformer') return student;
  const tokenizer = student.tokenizer ?? (hasTokenizer(teacher) ? 'teacher' : 'train');
  const vocabularySize = student.vocabularySize ?? (tokenizer === 'train' ? 8192 : undefined);
  const completed = { ...student, tokenizer, ...(vocabularySize !== undefined && { vocabularySize }) };
  if (completed.kind !== 'static') return completed;
  return { ...completed, initialization: completed.initialization ?? (embedsAnything(teacher) ? 'teacher' : 'random') };
}

const LEARNING_RATES: Partial<Record<StudentConfig['kind'], number>> = { static: 0.005, transformer: 0.0005 };

function completeOptimizer({ student, training: { optimizer } }: ParsedConfig): ParsedConfig['training']['optimizer'] {
  if (optimizer.method !== 'adamw') return optimizer;
  return { ...optimizer, learningRate: optimizer.learningRate ?? LEARNING_RATES[student.kind] ?? 0.001 };
}

/** Whether a teacher can be asked for rows of texts that are not in the data. */
function embedsAnything(teacher: ParsedConfig['teacher']): boolean {
  const teachers = teachersOf({ teacher });
  return teachers.length > 0 && teachers.every((one) => !('align' in one));
}

export function hasTokenizer(teacher: ParsedConfig['teacher']): boolean {
  return teacher !== 'none' && ('bert' in teacher || ('onnx' in teacher && teacher.tokenizer !== undefined));
}

/** The strategy, or the parts of a hybrid, each with where it stands. */
export function strategiesOf({
  strategy,
}: Pick<ParsedConfig, 'strategy'>): { path: (string | number)[]; strategy: SingleStrategyConfig }[] {
  if (strategy.kind !== 'hybrid') return [{ path: ['strategy'], strategy }];
  return strategy.parts.map((part, i) => ({ path: ['strategy', 'parts', i], strategy: part }));
}

export function teachersOf({ teacher }: Pick<ParsedConfig, 'teacher'>): readonly SingleTeacherConfig[] {
  if (teacher === 'none') return [];
  return 'ensemble' in teacher ? teacher.ensemble : [teacher];
}

/**
 * Every pair of keys that does not go together, with the key that a user would change first.
 *
 * @param training whether the run is to be trained; else only what concerns data and teacher is looked at
 */
export function checkTogether(config: ParsedConfig, { training }: { readonly training: boolean }): ConfigProblem[] {
  const ofTraining = () => [...studentProblems(config), ...strategyProblems(config), ...trainingProblems(config)];
  return [...dataProblems(config), ...teacherProblems(config), ...(training ? ofTraining() : [])];
}

const problem = (path: (string | number)[], message: string, key = false): ConfigProblem => ({ path, key, message });

function dataProblems({ data }: ParsedConfig): ConfigProblem[] {
  const { texts, images } = data;
  if ((texts === undefined) === (images === undefined)) {
    return [problem(['data'], `expected either texts or images, got ${texts === undefined ? 'neither' : 'both'}`)];
  }
  const foreign = (texts === undefined ? TEXT_KEYS : IMAGE_KEYS).filter((key) => data[key] !== undefined);
  const other = texts === undefined ? 'texts' : 'images';
  const found = foreign.map((key) => problem(['data', key], `expected only with ${other}. Remove it`, true));
  return found;
}

function teacherProblems(config: ParsedConfig): ConfigProblem[] {
  const { data, teacher } = config;
  const found: ConfigProblem[] = [];
  for (const one of teachersOf(config)) {
    if ('align' in one) {
      if (one.align === 'id' && data.idColumn === undefined && data.texts !== undefined) {
        found.push(
          problem(
            ['data', 'idColumn'],
            "expected the name of a column, since the teacher's rows are aligned by id, got nothing",
          ),
        );
      }
      if (one.align === 'order' && data.validationFile !== undefined) {
        found.push(
          problem(
            ['teacher', 'align'],
            "expected 'id' with data.validationFile, whose samples have no place in the order of the rows, got 'order'",
          ),
        );
      }
      if (data.augment) {
        found.push(problem(['data', 'augment'], 'expected only with a teacher that can be asked for new images', true));
      }
    }
    const ofTexts = (['bert', 'transformers'] as const).find((kind) => kind in one);
    if (ofTexts && data.texts === undefined) {
      found.push(problem(['teacher'], `expected a teacher for images, got ${ofTexts}, which embeds texts`));
    }
    if ('onnx' in one && data.texts !== undefined && one.tokenizer === undefined) {
      found.push(
        problem(
          teacher !== 'none' && 'ensemble' in teacher ? ['teacher', 'ensemble'] : ['teacher', 'tokenizer'],
          'expected the path of the tokenizer.json that belongs to the model, got nothing',
        ),
      );
    }
  }
  return found;
}

function studentProblems({ data, student, teacher }: ParsedConfig): ConfigProblem[] {
  const fitting = data.texts === undefined ? STUDENTS_OF_IMAGES : STUDENTS_OF_TEXTS;
  const samples = data.texts === undefined ? 'images' : 'texts';
  const found: ConfigProblem[] = [];
  if (!fitting.includes(student.kind)) {
    found.push(problem(['student', 'kind'], `expected ${fitting.join(' or ')} for ${samples}, got ${student.kind}`));
  }
  if ('tokenizer' in student) {
    if (student.tokenizer === 'teacher' && !hasTokenizer(teacher)) {
      found.push(
        problem(
          ['student', 'tokenizer'],
          "expected 'train' or the path of a tokenizer.json, since the teacher has no tokenizer of its own, got 'teacher'",
        ),
      );
    }
    const made = student.tokenizer === 'train' || (student.tokenizer === undefined && !hasTokenizer(teacher));
    if (student.kind !== 'onnx' && student.vocabularySize !== undefined && !made) {
      found.push(problem(['student', 'vocabularySize'], "expected only with tokenizer: 'train'. Remove it", true));
    }
  }
  if (student.kind === 'static' && student.initialization === 'teacher' && !embedsAnything(teacher)) {
    found.push(
      problem(
        ['student', 'initialization'],
        "expected 'random', since there is no teacher that could be asked for rows of single tokens, got 'teacher'",
      ),
    );
  }
  if (student.kind === 'onnx' && data.texts !== undefined && student.tokenizer === undefined) {
    found.push(
      problem(
        ['student', 'tokenizer'],
        'expected the path of the tokenizer.json that belongs to the model, got nothing',
      ),
    );
  }
  if (student.kind === 'transformer') {
    const { fromTeacher, layers, heads, hidden } = student;
    const sizes = [layers, heads, hidden].filter((size) => size !== undefined).length;
    if (fromTeacher !== undefined && !(teacher !== 'none' && 'bert' in teacher)) {
      found.push(
        problem(['student', 'fromTeacher'], 'expected only with a bert teacher, whose layers can be read', true),
      );
    } else if (fromTeacher === undefined ? sizes < 3 : sizes > 0) {
      found.push(problem(['student'], 'expected either layers, heads and hidden, or fromTeacher'));
    }
  }
  return found;
}

function strategyProblems(config: ParsedConfig): ConfigProblem[] {
  const { teacher, student, data, training } = config;
  const labelled = data.images !== undefined || data.labelColumn !== undefined;
  const found: ConfigProblem[] = [];
  for (const { path, strategy } of strategiesOf(config)) {
    const { kind } = strategy;
    const readsRows = kind !== 'response' && kind !== 'supervised';
    if (kind === 'supervised') {
      if (!labelled)
        found.push(
          problem(
            ['data', 'labelColumn'],
            'expected the name of a column, since strategy supervised learns from labels, got nothing',
          ),
        );
      if (training.useLabels === false)
        found.push(problem(['training', 'useLabels'], 'expected true with strategy supervised, got false'));
    } else if (teacher === 'none') {
      found.push(
        problem(
          ['teacher'],
          `expected a teacher for strategy ${kind}, got none. Name one, or take strategy supervised`,
        ),
      );
    }
    if (!readsRows && student.kind === 'static') {
      found.push(
        problem(
          [...path, 'kind'],
          `expected a strategy for embeddings, since a static student does not classify, got ${kind}`,
        ),
      );
    }
    if (kind === 'contrastive' && strategy.bank !== undefined && strategy.bank !== false && data.augment) {
      found.push(
        problem([...path, 'bank'], 'expected false with data.augment, since rows of augmented images are not kept'),
      );
    }
    if (kind === 'contrastive' && strategy.bank === 'momentum' && !hasBothHeads(strategy)) {
      found.push(
        problem(
          [...path, 'bank'],
          "expected projection: 'both' with the banks of heads that learn, got mode " +
            `${strategy.mode} with projection ${strategy.projection}`,
        ),
      );
    } else if (
      kind === 'contrastive' &&
      strategy.bank !== undefined &&
      strategy.bank !== false &&
      strategy.bank !== 'momentum' &&
      !takesBank(strategy)
    ) {
      found.push(
        problem(
          [...path, 'bank'],
          `expected false: mode ${strategy.mode} with projection ${strategy.projection} has no use for a bank of teacher rows`,
        ),
      );
    }
  }
  return found;
}

type ContrastiveConfig = Extract<SingleStrategyConfig, { kind: 'contrastive' }>;

/** Whether a bank of teacher rows goes with the options. */
export function takesBank(strategy: ContrastiveConfig): boolean {
  const { mode, symmetric, normalize } = strategy;
  return !hasBothHeads(strategy) && normalize && (mode !== 'infonce' || symmetric);
}

function hasBothHeads({ mode, projection }: ContrastiveConfig): boolean {
  return projection === 'both' || (projection === 'auto' && mode === 'crd');
}

function trainingProblems({ data, training }: ParsedConfig): ConfigProblem[] {
  const { batching, useLabels, earlyStopping, checkpoint } = training;
  const labelled = data.images !== undefined || data.labelColumn !== undefined;
  const validated = data.validation > 0 || data.validationFile !== undefined;
  const found: ConfigProblem[] = [];
  const labels = 'expected the name of a column with classes, got nothing';
  if (!labelled && (useLabels === true || batching === 'balanced')) {
    const why = useLabels ? 'training.useLabels: true' : 'training.batching: balanced';
    found.push(problem(['data', 'labelColumn'], `${labels}; ${why} needs it`));
  }
  for (const [name, metric] of [
    ['earlyStopping', earlyStopping?.metric],
    ['checkpoint', checkpoint.best],
  ] as const) {
    if (metric === undefined) continue;
    if (!validated) {
      const path = ['data', 'validation'];
      found.push(
        problem(
          path,
          `expected a share above 0, or validationFile, since training.${name} needs something to measure on`,
        ),
      );
    }
  }
  return found;
}
