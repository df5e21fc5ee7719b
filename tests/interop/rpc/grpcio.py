"""The cases of gRPC's interoperability tests with grpcio of Debian.

  grpcio.py client PORT DESCRIPTORS [CERTIFICATES]   runs every case, and prints "ok CASE" or "failed CASE: why"
  grpcio.py server DESCRIPTORS                       prints "listening PORT", serves until standard input ends

DESCRIPTORS is a FileDescriptorSet. CERTIFICATES is a folder with ca.pem, client.pem and client.key, for TLS.
"""
import sys
import threading
import time
from concurrent import futures

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

TEXT = "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \U0001F608\t\n"
INITIAL, TRAILING = "x-grpc-test-echo-initial", "x-grpc-test-echo-trailing-bin"


class Types:
    """Messages by name, and the methods of services."""

    def __init__(self, path):
        self.pool = descriptor_pool.DescriptorPool()
        files = descriptor_pb2.FileDescriptorSet()
        with open(path, "rb") as stream:
            files.ParseFromString(stream.read())
        for file in files.file:
            self.pool.Add(file)
        self.factory = message_factory.MessageFactory(self.pool)

    def __getattr__(self, name):
        return self.named("grpc.testing." + name)

    def named(self, name):
        return self.factory.GetPrototype(self.pool.FindMessageTypeByName(name))

    def methods(self, service):
        for method in self.pool.FindServiceByName(service).methods:
            proto = descriptor_pb2.MethodDescriptorProto()
            method.CopyToProto(proto)
            request, reply = self.named(method.input_type.full_name), self.named(method.output_type.full_name)
            yield method.name, proto.client_streaming, proto.server_streaming, request, reply


class Client:
    def __init__(self, types, channel, service="grpc.testing.TestService"):
        for name, many_requests, many_replies, request, reply in types.methods(service):
            kind = ("stream" if many_requests else "unary") + "_" + ("stream" if many_replies else "unary")
            call = getattr(channel, kind)(f"/{service}/{name}", request_serializer=request.SerializeToString, response_deserializer=reply.FromString)
            setattr(self, name, call)


def expect(actual, wanted):
    if actual != wanted:
        raise AssertionError(f"{actual!r} is not {wanted!r}")


def fails(code, call, text=None):
    try:
        call()
    except grpc.RpcError as error:
        expect(error.code(), code)
        if text is not None:
            expect(error.details(), text)
        return
    raise AssertionError("the call did not fail")


class Cases:
    def __init__(self, types, channel):
        self.t, self.channel, self.stub = types, channel, Client(types, channel)

    def large(self, **more):
        return self.t.SimpleRequest(response_size=314159, payload=self.payload(271828), **more)

    def payload(self, size):
        return self.t.Payload(body=bytes(size))

    def outputs(self, sizes, **more):
        return self.t.StreamingOutputCallRequest(response_parameters=[self.t.ResponseParameters(size=s, **more) for s in sizes])

    def empty_unary(self):
        expect(self.stub.EmptyCall(self.t.Empty()), self.t.Empty())

    def large_unary(self):
        expect(self.stub.UnaryCall(self.large()).payload.body, bytes(314159))

    def client_streaming(self):
        sizes = [27182, 8, 1828, 45904]
        expect(self.stub.StreamingInputCall(self.t.StreamingInputCallRequest(payload=self.payload(s)) for s in sizes).aggregated_payload_size, 74922)

    def server_streaming(self):
        sizes = [31415, 9, 2653, 58979]
        expect([len(r.payload.body) for r in self.stub.StreamingOutputCall(self.outputs(sizes))], sizes)

    def ping_pong(self):
        turn, replies = threading.Semaphore(1), []

        def requests():
            for request, reply in [(27182, 31415), (8, 9), (1828, 2653), (45904, 58979)]:
                turn.acquire()
                message = self.outputs([reply])
                message.payload.CopyFrom(self.payload(request))
                yield message
            turn.acquire()

        for reply in self.stub.FullDuplexCall(requests()):
            replies.append(len(reply.payload.body))
            turn.release()
        expect(replies, [31415, 9, 2653, 58979])

    def empty_stream(self):
        expect(list(self.stub.FullDuplexCall(iter([]))), [])

    def cancel_after_begin(self):
        hold = threading.Event()

        def nothing():
            hold.wait(10)
            yield from ()

        call = self.stub.StreamingInputCall.future(nothing())
        call.cancel()
        hold.set()
        expect(call.code(), grpc.StatusCode.CANCELLED)

    def cancel_after_first_response(self):
        hold = threading.Event()

        def one():
            yield self.outputs([31415])
            hold.wait(10)

        call = self.stub.FullDuplexCall(one())
        expect(len(next(call).payload.body), 31415)
        call.cancel()
        hold.set()
        fails(grpc.StatusCode.CANCELLED, lambda: next(call))

    def timeout_on_sleeping_server(self):
        def one():
            yield self.outputs([31415], interval_us=2_000_000)
            time.sleep(0.2)

        fails(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: list(self.stub.FullDuplexCall(one(), timeout=0.001)))

    def custom_metadata(self):
        metadata = ((INITIAL, "test_initial_metadata_value"), (TRAILING, b"\xab\xab\xab"))
        _, unary = self.stub.UnaryCall.with_call(self.large(), metadata=metadata)
        duplex = self.stub.FullDuplexCall(iter([self.outputs([9])]), metadata=metadata)
        list(duplex)
        for call in (unary, duplex):
            expect(dict(call.initial_metadata()).get(INITIAL), "test_initial_metadata_value")
            expect(dict(call.trailing_metadata()).get(TRAILING), b"\xab\xab\xab")

    def status(self, text):
        echo = self.t.EchoStatus(code=2, message=text)
        fails(grpc.StatusCode.UNKNOWN, lambda: self.stub.UnaryCall(self.t.SimpleRequest(response_status=echo)), text)
        fails(grpc.StatusCode.UNKNOWN, lambda: list(self.stub.FullDuplexCall(iter([self.t.StreamingOutputCallRequest(response_status=echo)]))), text)

    def status_code_and_message(self):
        self.status("test status message")

    def special_status_message(self):
        self.status(TEXT)

    def unimplemented_method(self):
        fails(grpc.StatusCode.UNIMPLEMENTED, lambda: self.stub.UnimplementedCall(self.t.Empty()))

    def unimplemented_service(self):
        stub = Client(self.t, self.channel, "grpc.testing.UnimplementedService")
        fails(grpc.StatusCode.UNIMPLEMENTED, lambda: stub.UnimplementedCall(self.t.Empty()))

    def client_compressed_unary(self):
        true = self.t.BoolValue(value=True)
        fails(grpc.StatusCode.INVALID_ARGUMENT, lambda: self.stub.UnaryCall(self.large(expect_compressed=true)))
        for compression in (grpc.Compression.Gzip, grpc.Compression.Deflate):
            expect(len(self.stub.UnaryCall(self.large(expect_compressed=true), compression=compression).payload.body), 314159)
        expect(len(self.stub.UnaryCall(self.large(expect_compressed=self.t.BoolValue(value=False))).payload.body), 314159)

    def client_compressed_streaming(self):
        requests = [self.t.StreamingInputCallRequest(expect_compressed=self.t.BoolValue(value=True), payload=self.payload(s)) for s in (27182, 45904)]
        fails(grpc.StatusCode.INVALID_ARGUMENT, lambda: self.stub.StreamingInputCall(iter(requests)))
        expect(self.stub.StreamingInputCall(iter(requests), compression=grpc.Compression.Gzip).aggregated_payload_size, 73086)

    def server_compressed_unary(self):
        for value in (True, False):
            expect(self.stub.UnaryCall(self.large(response_compressed=self.t.BoolValue(value=value))).payload.body, bytes(314159))

    def server_compressed_streaming(self):
        request = self.outputs([31415], compressed=self.t.BoolValue(value=True))
        request.response_parameters.add(size=92653)
        expect([len(r.payload.body) for r in self.stub.StreamingOutputCall(request)], [31415, 92653])

    def health(self):
        stub, request = Client(self.t, self.channel, "grpc.health.v1.Health"), self.t.named("grpc.health.v1.HealthCheckRequest")
        expect(stub.Check(request()).status, 1)
        fails(grpc.StatusCode.NOT_FOUND, lambda: stub.Check(request(service="nobody")))
        watch = stub.Watch(request(service="nobody"))
        expect(next(watch).status, 3)
        watch.cancel()

    def reflection(self):
        for package in ("v1", "v1alpha"):
            name = f"grpc.reflection.{package}"
            stub, request = Client(self.t, self.channel, name + ".ServerReflection"), self.t.named(name + ".ServerReflectionRequest")
            replies = list(stub.ServerReflectionInfo(iter([request(list_services="*"), request(file_containing_symbol="grpc.testing.TestService.UnaryCall"), request(file_by_filename="nothing")])))
            expect("grpc.testing.TestService" in [s.name for s in replies[0].list_services_response.service], True)
            file = descriptor_pb2.FileDescriptorProto.FromString(replies[1].file_descriptor_response.file_descriptor_proto[0])
            expect(file.package, "grpc.testing")
            expect(replies[2].error_response.error_code, 5)


def run_client(port, descriptors, certificates=None):
    if certificates:
        read = lambda name: open(f"{certificates}/{name}", "rb").read()
        credentials = grpc.ssl_channel_credentials(read("ca.pem"), read("client.key"), read("client.pem"))
        channel = grpc.secure_channel(f"localhost:{port}", credentials)
    else:
        channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    cases = Cases(Types(descriptors), channel)
    for name in [n for n in vars(Cases) if not n.startswith("_") and n not in ("large", "payload", "outputs", "status")]:
        try:
            getattr(cases, name)()
            print(f"ok {name}", flush=True)
        except Exception as error:
            print(f"failed {name}: {error!r}", flush=True)
    channel.close()


class Service:
    def __init__(self, types):
        self.t = types

    def echo(self, context):
        metadata = dict(context.invocation_metadata())
        if INITIAL in metadata:
            context.send_initial_metadata(((INITIAL, metadata[INITIAL]),))
        if TRAILING in metadata:
            context.set_trailing_metadata(((TRAILING, metadata[TRAILING]),))

    def stop_if_asked(self, request, context):
        if request.response_status.code:
            context.abort({code.value[0]: code for code in grpc.StatusCode}[request.response_status.code], request.response_status.message)

    def payload(self, size):
        return self.t.Payload(body=bytes(size))

    def EmptyCall(self, request, context):
        self.echo(context)
        return self.t.Empty()

    def UnaryCall(self, request, context):
        self.echo(context)
        self.stop_if_asked(request, context)
        if request.response_compressed.value:
            context.set_compression(grpc.Compression.Gzip)
        return self.t.SimpleResponse(payload=self.payload(request.response_size))

    def StreamingOutputCall(self, request, context):
        if any(p.compressed.value for p in request.response_parameters):
            context.set_compression(grpc.Compression.Gzip)
        yield from self.answers(request, context)

    def answers(self, request, context):
        self.stop_if_asked(request, context)
        for parameters in request.response_parameters:
            time.sleep(parameters.interval_us / 1e6)
            yield self.t.StreamingOutputCallResponse(payload=self.payload(parameters.size))

    def StreamingInputCall(self, requests, context):
        return self.t.StreamingInputCallResponse(aggregated_payload_size=sum(len(r.payload.body) for r in requests))

    def FullDuplexCall(self, requests, context):
        self.echo(context)
        for request in requests:
            yield from self.answers(request, context)

    def HalfDuplexCall(self, requests, context):
        for request in list(requests):
            yield from self.answers(request, context)


def run_server(descriptors):
    types = Types(descriptors)
    service, handlers = Service(types), {}
    for name, many_requests, many_replies, request, reply in types.methods("grpc.testing.TestService"):
        if hasattr(service, name):
            kind = ("stream" if many_requests else "unary") + "_" + ("stream" if many_replies else "unary")
            handlers[name] = getattr(grpc, kind + "_rpc_method_handler")(getattr(service, name), request_deserializer=request.FromString, response_serializer=reply.SerializeToString)
    server = grpc.server(futures.ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("grpc.testing.TestService", handlers),))
    print("listening", server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    sys.stdin.read()
    server.stop(0)


if __name__ == "__main__":
    (run_client if sys.argv[1] == "client" else run_server)(*sys.argv[2:])
