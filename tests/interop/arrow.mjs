// Reads and writes Arrow IPC streams with apache-arrow for JavaScript.
//   node arrow.mjs read FILE             prints the schema, then every row, as JSON lines
//   node arrow.mjs write FILE            writes a table with plain and dictionary text, all types, missing values, two batches
import { readFileSync, writeFileSync } from 'node:fs';
import * as arrow from 'apache-arrow';

const [verb, file] = process.argv.slice(2);
if (verb === 'read') {
  const table = arrow.tableFromIPC(readFileSync(file));
  const lines = [JSON.stringify(table.schema.fields.map(f => `${f.name}:${f.type}:${f.nullable}`)), JSON.stringify(table.batches.map(b => b.numRows))];
  for (const row of table) {
    lines.push(JSON.stringify(table.schema.fields.map(f => typeof row[f.name] === 'bigint' ? `${row[f.name]}n` : row[f.name])));
  }
  process.stdout.write(lines.join('\n') + '\n');
} else if (verb === 'write') {
  const once = new arrow.Table({
    i32: arrow.vectorFromArray([1, null, -3], new arrow.Int32()),
    i64: arrow.vectorFromArray([9007199254740993n, null, -5n], new arrow.Int64()),
    f64: arrow.vectorFromArray([0.1, null, -2.5e300], new arrow.Float64()),
    text: arrow.vectorFromArray(['a', null, 'žluťoučký'], new arrow.Utf8()),
    word: arrow.vectorFromArray(['x', 'y', 'x'], new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32(), 7)),
    flag: arrow.vectorFromArray([true, null, false], new arrow.Bool()),
  });
  writeFileSync(file, arrow.tableToIPC(once.concat(once), 'stream'));
} else {
  process.exitCode = 2;
}
