// The cases of gRPC's interoperability tests with @grpc/grpc-js.
//   node grpc-js.mjs client PORT PROTO    runs every case, and prints "ok CASE" or "failed CASE: why"
//   node grpc-js.mjs server PROTO         prints "listening PORT", serves until standard input ends
import assert from 'node:assert/strict';
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { GrpcReflection } from 'grpc-js-reflection-client';

const text = '\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \u{1F608}\t\n';
const initial = 'x-grpc-test-echo-initial', trailing = 'x-grpc-test-echo-trailing-bin';
const gzip = { 'grpc.default_compression_algorithm': grpc.compressionAlgorithms.gzip };
const plain = grpc.credentials.createInsecure();

const payload = size => ({ body: Buffer.alloc(size) });
const outputs = (sizes, more = {}) => ({ response_parameters: sizes.map(size => ({ size, ...more })) });
const large = (more = {}) => ({ response_size: 314159, payload: payload(271828), ...more });

/** A unary call, with its metadata. */
function unary(client, method, request, metadata = new grpc.Metadata()) {
  return new Promise((resolve, reject) => {
    const seen = {};
    const call = client[method](request, metadata, (error, reply) => error ? reject(error) : setImmediate(() => resolve({ reply, ...seen })));
    call.on('metadata', m => { seen.initial = m; });
    call.on('status', s => { seen.trailing = s.metadata; });
  });
}

/** All replies of a stream, or its error. */
function replies(call, onReply = () => {}) {
  return new Promise((resolve, reject) => {
    const all = [], seen = {};
    call.on('data', reply => { all.push(reply.payload.body.length); onReply(all.length); });
    call.on('metadata', m => { seen.initial = m; });
    call.on('status', s => { seen.trailing = s.metadata; });
    call.on('error', reject);
    call.on('end', () => setImmediate(() => resolve({ all, ...seen })));
  });
}

async function fails(code, promise, details) {
  const error = await promise.then(() => null, e => e);
  assert.ok(error, 'the call did not fail');
  assert.equal(error.code, code, error.message);
  if (details !== undefined) assert.equal(error.details, details);
}

function collect(client, messages) {
  return new Promise((resolve, reject) => {
    const call = client.StreamingInputCall((error, reply) => error ? reject(error) : resolve(reply.aggregated_payload_size));
    for (const message of messages) call.write(message);
    call.end();
  });
}

async function status(client, message) {
  const response_status = { code: 2, message };
  await fails(2, unary(client, 'UnaryCall', { response_status }), message);
  const call = client.FullDuplexCall();
  call.end({ response_status });
  await fails(2, replies(call), message);
}

const cases = {
  async empty_unary({ client }) { assert.deepEqual((await unary(client, 'EmptyCall', {})).reply, {}); },
  async large_unary({ client }) { assert.equal((await unary(client, 'UnaryCall', large())).reply.payload.body.length, 314159); },
  async client_streaming({ client }) { assert.equal(await collect(client, [27182, 8, 1828, 45904].map(s => ({ payload: payload(s) }))), 74922); },
  async server_streaming({ client }) { assert.deepEqual((await replies(client.StreamingOutputCall(outputs([31415, 9, 2653, 58979])))).all, [31415, 9, 2653, 58979]); },
  async ping_pong({ client }) {
    const turns = [[27182, 31415], [8, 9], [1828, 2653], [45904, 58979]];
    const call = client.FullDuplexCall();
    const send = n => n < turns.length ? call.write({ ...outputs([turns[n][1]]), payload: payload(turns[n][0]) }) : call.end();
    const done = replies(call, send);
    send(0);
    assert.deepEqual((await done).all, turns.map(t => t[1]));
  },
  async empty_stream({ client }) {
    const call = client.FullDuplexCall();
    call.end();
    assert.deepEqual((await replies(call)).all, []);
  },
  async cancel_after_begin({ client }) {
    await fails(1, new Promise((resolve, reject) => client.StreamingInputCall((e, r) => e ? reject(e) : resolve(r)).cancel()));
  },
  async cancel_after_first_response({ client }) {
    const call = client.FullDuplexCall();
    const done = replies(call, () => call.cancel());
    call.write({ ...outputs([31415]), payload: payload(27182) });
    await fails(1, done);
  },
  async timeout_on_sleeping_server({ client }) {
    const call = client.FullDuplexCall({ deadline: Date.now() + 1 });
    call.write(outputs([31415], { interval_us: 2_000_000 }));
    await fails(4, replies(call));
  },
  async custom_metadata({ client }) {
    const metadata = new grpc.Metadata();
    metadata.set(initial, 'test_initial_metadata_value');
    metadata.set(trailing, Buffer.from('ababab', 'hex'));
    const call = client.FullDuplexCall(metadata);
    const duplex = replies(call);
    call.end(outputs([9]));
    for (const seen of [await unary(client, 'UnaryCall', large(), metadata), await duplex]) {
      assert.deepEqual(seen.initial.get(initial), ['test_initial_metadata_value']);
      assert.deepEqual(seen.trailing.get(trailing), [Buffer.from('ababab', 'hex')]);
    }
  },
  async status_code_and_message({ client }) { await status(client, 'test status message'); },
  async special_status_message({ client }) { await status(client, text); },
  async unimplemented_method({ client }) { await fails(12, unary(client, 'UnimplementedCall', {})); },
  async unimplemented_service({ port, testing }) { await fails(12, unary(new testing.UnimplementedService(`127.0.0.1:${port}`, plain), 'UnimplementedCall', {})); },
  async client_compressed_unary({ client, packing }) {
    await fails(3, unary(client, 'UnaryCall', large({ expect_compressed: { value: true } })));
    assert.equal((await unary(packing, 'UnaryCall', large({ expect_compressed: { value: true } }))).reply.payload.body.length, 314159);
    assert.equal((await unary(client, 'UnaryCall', large({ expect_compressed: { value: false } }))).reply.payload.body.length, 314159);
  },
  async client_compressed_streaming({ client, packing }) {
    const messages = [27182, 45904].map(s => ({ expect_compressed: { value: true }, payload: payload(s) }));
    await fails(3, collect(client, messages));
    assert.equal(await collect(packing, messages), 73086);
  },
  async server_compressed_unary({ client }) {
    for (const value of [true, false]) assert.equal((await unary(client, 'UnaryCall', large({ response_compressed: { value } }))).reply.payload.body.length, 314159);
  },
  async server_compressed_streaming({ client }) {
    const request = { response_parameters: [{ size: 31415, compressed: { value: true } }, { size: 92653, compressed: { value: false } }] };
    assert.deepEqual((await replies(client.StreamingOutputCall(request))).all, [31415, 92653]);
  },
  async reflection({ port }) {
    for (const version of ['v1', 'v1alpha']) {
      const reflection = new GrpcReflection(`127.0.0.1:${port}`, plain, {}, version);
      assert.ok((await reflection.listServices()).includes('grpc.testing.TestService'));
      const methods = await reflection.listMethods('grpc.testing.TestService');
      assert.ok(methods.some(m => m.name === 'FullDuplexCall'));
    }
  },
};

async function runClient(port, proto) {
  const testing = load(proto);
  const client = new testing.TestService(`127.0.0.1:${port}`, plain), packing = new testing.TestService(`127.0.0.1:${port}`, plain, gzip);
  for (const [name, run] of Object.entries(cases)) {
    try {
      await run({ client, packing, port, testing });
      console.log(`ok ${name}`);
    } catch (error) {
      console.log(`failed ${name}: ${error}`);
    }
  }
  process.exit(0);
}

function load(proto) {
  return grpc.loadPackageDefinition(loadSync(proto, { keepCase: true, longs: Number, defaults: false })).grpc.testing;
}

const service = {
  EmptyCall: (call, done) => done(null, {}, echo(call)),
  UnaryCall: (call, done) => {
    const asked = call.request.response_status;
    if (asked?.code) done({ code: asked.code, details: asked.message });
    else done(null, { payload: payload(call.request.response_size ?? 0) }, echo(call));
  },
  StreamingOutputCall: async call => {
    echo(call);
    await answer(call, call.request);
    call.end();
  },
  StreamingInputCall: (call, done) => {
    let sum = 0;
    call.on('data', request => { sum += request.payload.body.length; });
    call.on('end', () => done(null, { aggregated_payload_size: sum }));
  },
  FullDuplexCall: call => {
    const metadata = echo(call);
    let isOpen = true, last = Promise.resolve();
    call.on('data', request => { last = last.then(async () => { isOpen &&= await answer(call, request); }); });
    call.on('end', () => last.then(() => isOpen && call.end(metadata)));
  },
};
service.HalfDuplexCall = service.FullDuplexCall;

function echo(call) {
  const metadata = new grpc.Metadata(), sent = new grpc.Metadata();
  if (call.metadata.get(initial).length) sent.set(initial, call.metadata.get(initial)[0]);
  if (call.metadata.get(trailing).length) metadata.set(trailing, call.metadata.get(trailing)[0]);
  call.sendMetadata(sent);
  return metadata;
}

async function answer(call, request) {
  if (request.response_status?.code) {
    call.emit('error', { code: request.response_status.code, details: request.response_status.message });
    return false;
  }
  for (const { size, interval_us } of request.response_parameters ?? []) {
    if (interval_us) await new Promise(resolve => setTimeout(resolve, interval_us / 1000));
    call.write({ payload: payload(size) });
  }
  return true;
}

function runServer(proto) {
  const server = new grpc.Server(gzip);
  server.addService(load(proto).TestService.service, service);
  server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => console.log(error ?? `listening ${port}`));
  process.stdin.on('end', () => process.exit(0)).resume();
}

const [role, ...rest] = process.argv.slice(2);
role === 'client' ? await runClient(...rest) : runServer(...rest);
