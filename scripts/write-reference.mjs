// Writes what follows from the schema of the configuration: docs/configuration.md and limbeck.schema.json.
// Run it after a change of the schema (npm run reference); a test fails while the files are not current.
import { writeFileSync } from 'node:fs';
import { configJsonSchema } from '../dist/config/json-schema.js';
import { renderReference } from '../dist/config/reference.js';

writeFileSync(new URL('../docs/configuration.md', import.meta.url), renderReference());
writeFileSync(new URL('../limbeck.schema.json', import.meta.url), `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
