// Writes what follows from the schema of the configuration: docs/configuration.md and the two JSON Schemas.
// Run it after a change of the schema (npm run reference); a test fails while the files are not current.
import { writeFileSync } from 'node:fs';
import { compareJsonSchema, configJsonSchema } from '../dist/config/json-schema.js';
import { renderReference } from '../dist/config/reference.js';

writeFileSync(new URL('../docs/configuration.md', import.meta.url), renderReference());
for (const [name, schema] of [
  ['limbeck.schema.json', configJsonSchema()],
  ['limbeck.compare.schema.json', compareJsonSchema()],
]) {
  writeFileSync(new URL(`../${name}`, import.meta.url), `${JSON.stringify(schema, null, 2)}\n`);
}
