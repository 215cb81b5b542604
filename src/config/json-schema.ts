/** Configurations as JSON Schemas, for editors: what `limbeck.schema.json` and `limbeck.compare.schema.json` hold. */
import * as z from 'zod';
import { compareSchema } from './compare-schema.ts';
import { configSchema } from './schema.ts';

/** Of a run. */
export function configJsonSchema(): object {
  return jsonSchemaOf(configSchema, 'A run of limbeck distill');
}

/** Of a comparison. */
export function compareJsonSchema(): object {
  return jsonSchemaOf(compareSchema, 'A comparison of limbeck compare');
}

/** Draft 7, which editors know best. */
function jsonSchemaOf(schema: z.ZodType, title: string): object {
  return {
    ...z.toJSONSchema(schema, {
      io: 'input',
      target: 'draft-7',
      override: ({ jsonSchema }) => {
        // Zod's own bound for whole numbers says nothing to anybody.
        if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
        if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
        // What a section is by default is said by its keys.
        if (isEmpty(jsonSchema.default) && jsonSchema.description === undefined) delete jsonSchema.default;
      },
    }),
    title,
  };
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
