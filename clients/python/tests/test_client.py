"""Of the client alone, against a server in this process that misbehaves."""
import os
import tempfile
import threading
import unittest
from concurrent import futures
from unittest import mock

import grpc

import warehouse
from warehouse.v1 import common_pb2, ingest_pb2, variants_pb2

WHOLE = common_pb2.Completeness(is_whole=True)


class Server(grpc.GenericRpcHandler):
    """Answers every method with what it was given, after some refusals; keeps the requests."""

    def __init__(self):
        self.requests, self.replies, self.refusals, self.wait = [], [], 0, None
        self.receive = None

    def service(self, details):
        if details.method.endswith("/UploadRelease"):
            return grpc.stream_stream_rpc_method_handler(lambda requests, context: self.receive(requests, context), ingest_pb2.UploadRequest.FromString, lambda m: m.SerializeToString())
        is_stream = not details.method.endswith("/Seen")

        def answers(request, context):
            self.requests.append(request)
            if self.refusals > 0:
                self.refusals -= 1
                context.abort(grpc.StatusCode.UNAVAILABLE, "not now")
            for reply in self.replies:
                if self.wait is not None:
                    context.add_callback(self.wait.set)
                    self.wait.wait(30)
                yield reply

        if is_stream:
            return grpc.unary_stream_rpc_method_handler(answers, None, lambda m: m.SerializeToString())
        return grpc.unary_unary_rpc_method_handler(lambda request, context: next(answers(request, context)), variants_pb2.SeenRequest.FromString, lambda m: m.SerializeToString())


class ClientTests(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        running = grpc.server(futures.ThreadPoolExecutor(2), handlers=[self.server])
        port = running.add_insecure_port("127.0.0.1:0")
        running.start()
        self.addCleanup(lambda: running.stop(None))
        self.lab = warehouse.Client(grpc.insecure_channel(f"127.0.0.1:{port}"))
        self.addCleanup(self.lab.close)
        pauses = mock.patch.object(warehouse.time, "sleep")
        self.pauses = pauses.start()
        self.addCleanup(pauses.stop)

    def fails(self, ask):
        with self.assertRaises(warehouse.WarehouseError) as failed:
            ask()
        return failed.exception

    def test_a_release_is_sent_over_as_many_calls_as_it_takes_and_no_byte_twice(self):
        content, taken, calls = os.urandom(3_000_000), bytearray(), []

        def receive(requests, context):
            calls.append(next(requests).batch)
            yield self.told(len(taken))
            sent = 0
            for request in requests:
                if request.commit:
                    yield ingest_pb2.UploadReply(status=ingest_pb2.BatchStatus(state=ingest_pb2.BATCH_STATE_COMMITTED, loaded=ingest_pb2.LoadedRelease(is_new=True)))
                    return
                self.assertEqual(len(taken), request.bytes.offset)
                taken.extend(request.bytes.data)
                sent += len(request.bytes.data)
                if sent > 250_000:  # more calls than attempts: each comes further
                    yield self.told(len(taken))
                    context.abort(grpc.StatusCode.UNAVAILABLE, "the connection is cut")

        self.server.receive = receive
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            self.assertTrue(self.lab.load_release(file.name, "genes", "2024-01-07").is_new)
            self.assertEqual((content, 1), (bytes(taken), len({call.id for call in calls})))
            self.assertGreater(len(calls), warehouse.ATTEMPTS)

            # Where nothing comes to the server, it is given up.
            def refuse(requests, context):
                next(requests)
                calls.append(None)
                context.abort(grpc.StatusCode.UNAVAILABLE, "not now")

            self.server.receive, before = refuse, len(calls)
            self.assertEqual(grpc.StatusCode.UNAVAILABLE, self.fails(lambda: self.lab.load_release(file.name, "genes", "2024-01-07")).code)
            self.assertEqual(warehouse.ATTEMPTS, len(calls) - before)

    @staticmethod
    def told(received):
        return ingest_pb2.UploadReply(status=ingest_pb2.BatchStatus(state=ingest_pb2.BATCH_STATE_RECEIVING, received=[received]))

    def test_a_question_is_asked_again_while_the_server_cannot_be_reached(self):
        self.server.replies = [common_pb2.Chunk(data=b"abc"), common_pb2.Chunk(end=common_pb2.AnswerEnd(completeness=WHOLE))]
        self.server.refusals = 2
        self.assertEqual(b"abc", self.lab.freq().arrow)
        self.assertEqual((3, 2), (len(self.server.requests), self.pauses.call_count))
        self.server.refusals = 9
        self.assertEqual(grpc.StatusCode.UNAVAILABLE, self.fails(self.lab.freq).code)
        self.assertEqual(7, len(self.server.requests))

    def test_an_answer_without_its_end_and_one_that_lacks_a_part_are_errors(self):
        self.server.replies = [common_pb2.Chunk(data=b"abc")]
        self.assertEqual("cut-answer", self.fails(self.lab.freq).rule)
        self.server.replies = [variants_pb2.CarriersReply(seen=variants_pb2.SeenAnswer(query="q"), carriers=[variants_pb2.Carrier(sample="S")])]
        self.assertEqual("cut-answer", self.fails(lambda: list(self.lab.carriers(["q"]))).rule)
        self.server.replies = [common_pb2.Chunk(end=common_pb2.AnswerEnd(completeness=common_pb2.Completeness(unavailable=[common_pb2.UnavailableRange(file="x")])))]
        self.assertEqual("incomplete", self.fails(self.lab.freq).rule)
        self.assertEqual("x", self.lab.freq(accept_incomplete=True).end.completeness.unavailable[0].file)
        self.server.replies = [common_pb2.Chunk(end=common_pb2.AnswerEnd())]
        self.assertEqual("incomplete", self.fails(self.lab.freq).rule)

    def test_what_is_not_understood_is_not_assessable_and_an_answer_too_few_an_error(self):
        self.server.replies = [variants_pb2.SeenReply(answers=[variants_pb2.SeenAnswer(query="q", state=9)])]
        answer = next(self.lab.seen(["q"]))
        self.assertIsInstance(answer, warehouse.NotAssessable)
        self.assertTrue(answer.reason)
        self.assertEqual("cut-answer", self.fails(lambda: list(self.lab.seen(["q", "r"]))).rule)
        with self.assertRaises(TypeError):
            next(self.lab.seen("22-1-A-C"))
        with self.assertRaises(TypeError):
            self.lab.freq(samples="S1")

    def test_many_and_long_queries_are_several_requests_of_one_snapshot(self):
        def reply(request, context):
            self.server.requests.append(request)
            return variants_pb2.SeenReply(answers=[variants_pb2.SeenAnswer(query=q, contig="1") for q in request.queries], context=common_pb2.AnswerContext(snapshot=7, detail=common_pb2.DETAIL_RECORD))

        self.server.service = lambda details: grpc.unary_unary_rpc_method_handler(reply, variants_pb2.SeenRequest.FromString, lambda m: m.SerializeToString())
        queries = ["1-1-A-" + "C" * 1000 + str(i) for i in range(1500)]
        answers = list(self.lab.seen(iter(queries)))
        self.assertEqual(queries, [a.query for a in answers])
        self.assertEqual({7}, {a.context.snapshot for a in answers})
        self.assertTrue(all(r.ByteSize() < 1 << 20 for r in self.server.requests))
        self.assertEqual([0, 7, 7], [r.asking.snapshot for r in self.server.requests])

    def test_a_timeout_is_of_the_whole_and_ends_the_call(self):
        self.lab = warehouse.Client(self.lab._channel, timeout=0.3)
        self.server.replies, self.server.wait = [common_pb2.Chunk(data=b"abc")], threading.Event()
        self.assertEqual(grpc.StatusCode.DEADLINE_EXCEEDED, self.fails(self.lab.freq).code)
        self.assertTrue(self.server.wait.wait(30))


if __name__ == "__main__":
    unittest.main()
