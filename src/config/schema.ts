/**
 * What a run is, as one schema: validation, the reference page, the JSON Schema for editors, command-line flags and the commented file of
 * `limbeck init` all follow from it. Each section has a file of its own; options of classes are those of the classes.
 */
import * as z from 'zod';
import { dataSchema, path } from './data-schema.ts';
import { strategySchema } from './strategy-schema.ts';
import { studentSchema } from './student-schema.ts';
import { cacheSchema, teacherSchema } from './teacher-schema.ts';
import { trainingSchema } from './training-schema.ts';

/** A description completes "expected …". */
export const configSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[^/\\\s][^/\\]*$/)
    .optional()
    .describe("a name for the run, without slashes; by default that of the data's file"),
  data: dataSchema.describe('what to train on: texts or images'),
  teacher: teacherSchema,
  cache: cacheSchema.prefault({}),
  student: studentSchema,
  strategy: strategySchema,
  training: trainingSchema,
  output: z
    .strictObject({
      directory: path('the path of the run directory; by default runs/<name>').optional(),
    })
    .prefault({}),
});

/** A run as its file says it, with defaults. Paths are relative to the working directory. */
export type ParsedConfig = z.output<typeof configSchema>;
/** The same as a caller writes it. */
export type ConfigInput = z.input<typeof configSchema>;
