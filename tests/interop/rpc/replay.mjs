// A @grpc/grpc-js server that answers questions about variants with bytes that were recorded; for measurements.
//   node replay.mjs FOLDER    prints "listening PORT", serves until standard input ends
// FOLDER is that of replay.py.
import { readFileSync } from 'node:fs';
import * as grpc from '@grpc/grpc-js';

const folder = process.argv[2];
const read = name => readFileSync(`${folder}/${name}`);

function messages(name) {
  const content = read(name), found = [];
  for (let at = 0; at < content.length;) {
    const length = content.readUInt32BE(at);
    found.push(content.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return found;
}

const pairs = messages('seen'), stream = messages('stream'), frequencies = messages('frequencies'), seen = new Map();
for (let i = 0; i < pairs.length; i += 2) seen.set(pairs[i].toString('latin1'), pairs[i + 1]);

/** Writes replies one after the other, each when there is room for it. */
async function write(call, reply) {
  if (!call.write(reply)) await new Promise(resolve => call.once('drain', resolve));
}

const same = bytes => bytes;
const method = (name, requestStream, responseStream) => ({
  path: `/warehouse.v1.Variants/${name}`, requestStream, responseStream, requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same,
});

const server = new grpc.Server({ 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 });
server.addService({ Seen: method('Seen', false, false), SeenStream: method('SeenStream', true, true), Frequencies: method('Frequencies', false, true) }, {
  Seen: (call, done) => done(null, seen.get(call.request.toString('latin1'))),
  SeenStream: call => {
    let at = 0;
    call.on('data', () => {
      if (call.write(stream[at++])) return;
      call.pause();
      call.once('drain', () => call.resume());
    });
    call.on('end', () => {
      while (at < stream.length) call.write(stream[at++]);
      call.end();
    });
  },
  Frequencies: async call => {
    for (const reply of frequencies) await write(call, reply);
    call.end();
  },
});
const credentials = grpc.ServerCredentials.createSsl(read('authority.pem'), [{ private_key: read('server.key'), cert_chain: read('server.pem') }], true);
server.bindAsync('localhost:0', credentials, (error, port) => console.log(error ?? `listening ${port}`));
process.stdin.on('end', () => process.exit(0)).resume();
