// Runs SQL in one DuckDB, in process and on one thread, and measures each statement.
// usage: node duckdb.mjs DATABASE RUNS < statements
// A statement is a line: a name, a tab, SQL. The name "-" runs it once and says nothing. "=" in front of a name: runs it
// once and prints its first cell as what was found. Printed: name, median, least and most CPU milliseconds, what was found.
import { readFileSync } from 'node:fs';
import { DuckDBInstance } from '@duckdb/node-api';

const [database, runs] = process.argv.slice(2);
const instance = await DuckDBInstance.create(database, { threads: '1', autoinstall_known_extensions: 'false' });
const connection = await instance.connect();
const found = new Map(), times = new Map();
for (const line of readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
  const tab = line.indexOf('\t'), name = line.slice(0, tab), sql = line.slice(tab + 1);
  if (name === '-') { await connection.run(sql); continue; }
  if (name.startsWith('=')) { found.set(name.slice(1), String((await connection.runAndReadAll(sql)).getRows()[0][0])); continue; }
  const spent = [];
  for (let turn = -1; turn < Number(runs); turn++) {
    const start = process.cpuUsage();
    await connection.run(sql);
    const cost = process.cpuUsage(start);
    if (turn >= 0) spent.push((cost.user + cost.system) / 1000); // the first warms
  }
  times.set(name, spent.sort((a, b) => a - b));
}
for (const [name, spent] of times)
  console.log([name, spent[spent.length >> 1], spent[0], spent[spent.length - 1], found.get(name) ?? ''].join('\t'));
for (const [name, value] of found) if (!times.has(name)) console.log([name, 0, 0, 0, value].join('\t'));
