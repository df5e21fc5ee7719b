// The cases of gRPC's interoperability tests with @connectrpc/connect-node, speaking the gRPC protocol.
//   node connect.mjs client PORT DESCRIPTORS    runs every case, and prints "ok CASE" or "failed CASE: why"
//   node connect.mjs server DESCRIPTORS         prints "listening PORT", serves until standard input ends
// DESCRIPTORS is a FileDescriptorSet.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createClient, decodeBinaryHeader, encodeBinaryHeader } from '@connectrpc/connect';
import { compressionGzip, connectNodeAdapter, createGrpcTransport } from '@connectrpc/connect-node';

const text = '\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \u{1F608}\t\n';
const initial = 'x-grpc-test-echo-initial', trailing = 'x-grpc-test-echo-trailing-bin';
const payload = size => ({ body: new Uint8Array(size) });
const outputs = (sizes, more = {}) => ({ responseParameters: sizes.map(size => ({ size, ...more })) });
const large = (more = {}) => ({ responseSize: 314159, payload: payload(271828), ...more });

async function* each(...messages) { yield* messages; }

async function lengths(stream) {
  const all = [];
  for await (const reply of stream) all.push(reply.payload.body.length);
  return all;
}

async function fails(code, promise, message) {
  const error = await promise.then(() => null, e => ConnectError.from(e));
  assert.ok(error, 'the call did not fail');
  assert.equal(error.code, code, error.message);
  if (message !== undefined) assert.equal(error.rawMessage, message);
}

async function status(client, message) {
  const responseStatus = { code: 2, message };
  await fails(Code.Unknown, client.unaryCall({ responseStatus }), message);
  await fails(Code.Unknown, lengths(client.fullDuplexCall(each({ responseStatus }))), message);
}

const cases = {
  async empty_unary({ client }) { await client.emptyCall({}); },
  async large_unary({ client }) { assert.equal((await client.unaryCall(large())).payload.body.length, 314159); },
  async client_streaming({ client }) { assert.equal((await client.streamingInputCall(each(...[27182, 8, 1828, 45904].map(s => ({ payload: payload(s) }))))).aggregatedPayloadSize, 74922); },
  async server_streaming({ client }) { assert.deepEqual(await lengths(client.streamingOutputCall(outputs([31415, 9, 2653, 58979]))), [31415, 9, 2653, 58979]); },
  async ping_pong({ client }) {
    const turns = [[27182, 31415], [8, 9], [1828, 2653], [45904, 58979]], all = [];
    let go, turn = Promise.resolve();
    async function* requests() {
      for (const [size, reply] of turns) {
        await turn;
        turn = new Promise(resolve => { go = resolve; });
        yield { ...outputs([reply]), payload: payload(size) };
      }
      await turn;
    }
    for await (const reply of client.fullDuplexCall(requests())) {
      all.push(reply.payload.body.length);
      go();
    }
    assert.deepEqual(all, turns.map(t => t[1]));
  },
  async empty_stream({ client }) { assert.deepEqual(await lengths(client.fullDuplexCall(each())), []); },
  async cancel_after_begin({ client }) {
    const abort = new AbortController();
    const call = client.streamingInputCall((async function* () { await new Promise(resolve => abort.signal.addEventListener('abort', resolve)); })(), { signal: abort.signal });
    setImmediate(() => abort.abort());
    await fails(Code.Canceled, call);
  },
  async cancel_after_first_response({ client }) {
    const abort = new AbortController();
    const requests = async function* () {
      yield { ...outputs([31415]), payload: payload(27182) };
      await new Promise(resolve => abort.signal.addEventListener('abort', resolve));
    };
    await fails(Code.Canceled, (async () => {
      for await (const _ of client.fullDuplexCall(requests(), { signal: abort.signal })) abort.abort();
    })());
  },
  async timeout_on_sleeping_server({ client }) {
    await fails(Code.DeadlineExceeded, lengths(client.fullDuplexCall(each(outputs([31415], { intervalUs: 2_000_000 })), { timeoutMs: 1 })));
  },
  async custom_metadata({ client }) {
    const headers = { [initial]: 'test_initial_metadata_value', [trailing]: encodeBinaryHeader(new Uint8Array([0xab, 0xab, 0xab])) };
    const seen = {}, options = { headers, onHeader: h => { seen.header = h; }, onTrailer: t => { seen.trailer = t; } };
    for (const call of [() => client.unaryCall(large(), options), () => lengths(client.fullDuplexCall(each(outputs([9])), options))]) {
      await call();
      assert.equal(seen.header.get(initial), 'test_initial_metadata_value');
      assert.deepEqual([...decodeBinaryHeader(seen.trailer.get(trailing))], [0xab, 0xab, 0xab]);
    }
  },
  async status_code_and_message({ client }) { await status(client, 'test status message'); },
  async special_status_message({ client }) { await status(client, text); },
  async unimplemented_method({ client }) { await fails(Code.Unimplemented, client.unimplementedCall({})); },
  async unimplemented_service({ other }) { await fails(Code.Unimplemented, other.unimplementedCall({})); },
  async client_compressed_unary({ client, packing }) {
    await fails(Code.InvalidArgument, client.unaryCall(large({ expectCompressed: { value: true } })));
    assert.equal((await packing.unaryCall(large({ expectCompressed: { value: true } }))).payload.body.length, 314159);
  },
  async client_compressed_streaming({ client, packing }) {
    const requests = () => each(...[27182, 45904].map(s => ({ expectCompressed: { value: true }, payload: payload(s) })));
    await fails(Code.InvalidArgument, client.streamingInputCall(requests()));
    assert.equal((await packing.streamingInputCall(requests())).aggregatedPayloadSize, 73086);
  },
  async server_compressed_unary({ client }) { assert.equal((await client.unaryCall(large({ responseCompressed: { value: true } }))).payload.body.length, 314159); },
  async server_compressed_streaming({ client }) {
    const request = { responseParameters: [{ size: 31415, compressed: { value: true } }, { size: 92653 }] };
    assert.deepEqual(await lengths(client.streamingOutputCall(request)), [31415, 92653]);
  },
};

async function runClient(port, registry) {
  const to = more => createGrpcTransport({ baseUrl: `http://127.0.0.1:${port}`, ...more });
  const service = registry.getService('grpc.testing.TestService');
  const client = createClient(service, to({})), packing = createClient(service, to({ sendCompression: compressionGzip }));
  const other = createClient(registry.getService('grpc.testing.UnimplementedService'), to({}));
  for (const [name, run] of Object.entries(cases)) {
    try {
      await run({ client, packing, other });
      console.log(`ok ${name}`);
    } catch (error) {
      console.log(`failed ${name}: ${error}`);
    }
  }
  process.exit(0);
}

function echo(context) {
  const first = context.requestHeader.get(initial), last = context.requestHeader.get(trailing);
  if (first) context.responseHeader.set(initial, first);
  if (last) context.responseTrailer.set(trailing, last);
}

async function* answers(request) {
  if (request.responseStatus?.code) throw new ConnectError(request.responseStatus.message, request.responseStatus.code);
  for (const { size, intervalUs } of request.responseParameters) {
    if (intervalUs) await new Promise(resolve => setTimeout(resolve, intervalUs / 1000));
    yield { payload: payload(size) };
  }
}

const implementation = {
  emptyCall(request, context) { echo(context); return {}; },
  unaryCall(request, context) {
    echo(context);
    if (request.responseStatus?.code) throw new ConnectError(request.responseStatus.message, request.responseStatus.code);
    return { payload: payload(request.responseSize) };
  },
  async *streamingOutputCall(request, context) { echo(context); yield* answers(request); },
  async streamingInputCall(requests) {
    let sum = 0;
    for await (const request of requests) sum += request.payload.body.length;
    return { aggregatedPayloadSize: sum };
  },
  async *fullDuplexCall(requests, context) {
    echo(context);
    for await (const request of requests) yield* answers(request);
  },
};

function runServer(registry) {
  const routes = router => router.service(registry.getService('grpc.testing.TestService'), implementation);
  const server = http2.createServer(connectNodeAdapter({ routes }));
  server.listen(0, '127.0.0.1', () => console.log(`listening ${server.address().port}`));
  process.stdin.on('end', () => process.exit(0)).resume();
}

const [role, ...rest] = process.argv.slice(2);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(rest.at(-1))));
role === 'client' ? await runClient(rest[0], registry) : runServer(registry);
