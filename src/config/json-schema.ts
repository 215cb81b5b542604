/** The configuration as a JSON Schema, for editors: what `limbeck.schema.json` holds. */
import * as z from 'zod';
import { configSchema } from './schema.ts';

/** Draft 7, which editors know best. */
export function configJsonSchema(): object {
  return {
    ...z.toJSONSchema(configSchema, {
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
    title: 'A run of limbeck distill',
  };
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
