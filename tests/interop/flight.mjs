// Reads a table by Arrow Flight with @grpc/grpc-js and apache-arrow.
//   node flight.mjs PORT PROTO AUTHORITY CLIENT cmd JSON | path NAME PURPOSE
// AUTHORITY is the certificate of the server's authority, CLIENT a certificate with its key (PEM files). Prints the schema that GetFlightInfo has,
// that of the stream, and every row, as JSON lines; then the names of the tables that are listed.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as arrow from 'apache-arrow';
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const [port, proto, authority, client, kind, ...words] = process.argv.slice(2);
const { FlightService } = grpc.loadPackageDefinition(loadSync(proto, { keepCase: true, longs: String, enums: String })).arrow.flight.protocol;
const pem = readFileSync(client);
const service = new FlightService(`localhost:${port}`, grpc.credentials.createSsl(readFileSync(authority), pem, pem));

/** A message as a stream of Arrow has it. */
function framed({ data_header: header, data_body: body = Buffer.alloc(0) }) {
  const padded = (header.length + 7) & ~7;
  const prefix = Buffer.alloc(8);
  prefix.writeUInt32LE(0xffffffff, 0);
  prefix.writeInt32LE(padded, 4);
  return Buffer.concat([prefix, header, Buffer.alloc(padded - header.length), body]);
}

function replies(call) {
  return new Promise((resolve, reject) => {
    const all = [];
    call.on('data', reply => all.push(reply));
    call.on('error', reject);
    call.on('end', () => resolve(all));
  });
}

const unary = (method, request) => new Promise((resolve, reject) => service[method](request, (error, reply) => error ? reject(error) : resolve(reply)));
const print = fields => console.log(JSON.stringify(fields.map(f => `${f.name}:${f.type}`)));

const descriptor = kind === 'cmd' ? { type: 'CMD', cmd: Buffer.from(words[0]) } : { type: 'PATH', path: words };
const info = await unary('GetFlightInfo', descriptor);
assert.equal(info.endpoint.length, 1);
assert.equal(info.total_records, '-1');
print(arrow.tableFromIPC(info.schema).schema.fields);
assert.deepEqual((await unary('GetSchema', descriptor)).schema, info.schema);

const data = await replies(service.DoGet(info.endpoint[0].ticket));
const end = data.pop();
assert.equal(end.data_header?.length ?? 0, 0);
assert.ok(end.app_metadata.length > 0, 'the stream was cut');
assert.ok(data.every(d => (d.data_body?.length ?? 0) < 4 << 20));
const table = arrow.tableFromIPC(Buffer.concat(data.map(framed)));
print(table.schema.fields);
for (const row of table) console.log(JSON.stringify(table.schema.fields.map(f => typeof row[f.name] === 'bigint' ? Number(row[f.name]) : row[f.name])));
console.log(JSON.stringify((await replies(service.ListFlights({}))).map(f => f.flight_descriptor.path.join('/'))));
const refused = await replies(service.DoAction({ type: 'x' })).then(() => null, error => error);
assert.equal(refused?.code, grpc.status.UNIMPLEMENTED);
service.close();
