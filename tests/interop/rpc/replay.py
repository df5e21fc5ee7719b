"""A grpcio server that answers questions about variants with bytes that were recorded; for measurements.

  replay.py FOLDER     prints "listening PORT", serves until standard input ends

FOLDER holds "seen" (request, reply, request, reply...), "stream" and "frequencies" (replies), each message behind its length of 4 bytes,
big-endian, and authority.pem, server.pem and server.key for TLS with client certificates.
"""
import sys
from concurrent import futures

import grpc


def messages(path):
    with open(path, "rb") as stream:
        content = stream.read()
    found, at = [], 0
    while at < len(content):
        length = int.from_bytes(content[at:at + 4], "big")
        found.append(content[at + 4:at + 4 + length])
        at += 4 + length
    return found


def main(folder):
    pairs = messages(f"{folder}/seen")
    seen, stream, frequencies = dict(zip(pairs[::2], pairs[1::2])), messages(f"{folder}/stream"), messages(f"{folder}/frequencies")

    def answer_stream(requests, _):
        replies = iter(stream)
        for _ in requests:
            yield next(replies)
        yield from replies

    handlers = {
        "Seen": grpc.unary_unary_rpc_method_handler(lambda request, _: seen[request]),
        "SeenStream": grpc.stream_stream_rpc_method_handler(answer_stream),
        "Frequencies": grpc.unary_stream_rpc_method_handler(lambda request, _: iter(frequencies)),
    }
    server = grpc.server(futures.ThreadPoolExecutor(8), options=[("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)])
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("warehouse.v1.Variants", handlers),))
    read = lambda name: open(f"{folder}/{name}", "rb").read()
    credentials = grpc.ssl_server_credentials([(read("server.key"), read("server.pem"))], read("authority.pem"), require_client_auth=True)
    print("listening", server.add_secure_port("localhost:0", credentials), flush=True)
    server.start()
    sys.stdin.read()
    server.stop(0)


if __name__ == "__main__":
    main(sys.argv[1])
