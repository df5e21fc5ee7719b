// Validates files of FHIR R4 resources with a validator of others: types, cardinalities, codes of required value sets, and members that the resource does not have.
//   node fhir.mjs FILE ...      prints what is wrong, a line each; exit 1 when something is
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import package_ from 'fhir';

const validator = new package_.Fhir();
for (const file of process.argv.slice(2)) {
  const { valid, messages } = validator.validate(JSON.parse(readFileSync(file, 'utf8')), { errorOnUnexpected: true });
  for (const { severity, location, message } of messages) process.stdout.write(`${basename(file)}: ${severity}: ${location}: ${message}\n`);
  if (!valid) process.exitCode = 1;
}
