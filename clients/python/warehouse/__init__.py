"""The Variant Warehouse for programs in Python: a thin layer over grpcio.

    import warehouse
    with warehouse.connect() as lab:                  # WAREHOUSE_SERVER and WAREHOUSE_CREDENTIALS
        for answer in lab.seen(["22-1029-G-A"]):
            if isinstance(answer, warehouse.Seen):
                print(answer.query, answer.message.figures.ac)

An answer is Seen, NotSeen or NotAssessable: a failure never reads as not seen. Positions are 1-based, as in VCF. What the server refuses is a
WarehouseError with the rule's name. Messages are those of server/Warehouse.Protocol/Protos, in warehouse.v1.
"""
from __future__ import annotations

import os
import random
import re
import time
from dataclasses import dataclass
from typing import Any, Callable, Iterable, Iterator, List, Optional, Sequence, Tuple

import grpc

from . import arrow
from .v1 import common_pb2, variants_pb2

__all__ = ["connect", "Client", "Seen", "NotSeen", "NotAssessable", "Answer", "CarriersAnswer", "Frequencies", "WarehouseError"]

MAX_QUERIES = 1000
ATTEMPTS = 4
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----\n?", re.DOTALL)
_PURPOSES = {"treatment": common_pb2.PURPOSE_TREATMENT, "operations": common_pb2.PURPOSE_OPERATIONS, "research": common_pb2.PURPOSE_RESEARCH}
_DETAILS = {None: common_pb2.DETAIL_UNSPECIFIED, "record": common_pb2.DETAIL_RECORD, "aggregate": common_pb2.DETAIL_AGGREGATE, "exists": common_pb2.DETAIL_EXISTS}


class WarehouseError(Exception):
    """A question that was not answered, or an answer that is not whole."""

    def __init__(self, code: grpc.StatusCode, text: str, rule: str = "", item: int = 0, incident: str = "") -> None:
        super().__init__(f"{text} ({rule})" if rule else text)
        self.code, self.rule, self.item, self.incident = code, rule, item, incident


@dataclass(frozen=True)
class Answer:
    """What is said of one query; never made itself, only as one of the three below."""

    query: str
    message: Any  # warehouse.v1.SeenAnswer


@dataclass(frozen=True)
class Seen(Answer):
    """A visible sample carries it; at the levels below record: at least k do."""


@dataclass(frozen=True)
class NotSeen(Answer):
    """No carrier among at least one assessed sample; at the levels below record: fewer than k, which may be none."""


@dataclass(frozen=True)
class NotAssessable(Answer):
    """Nobody was assessed there, the query means nothing, or a part of the store did not answer: nothing is known."""

    @property
    def reason(self) -> str:
        return self.message.reason or self.message.damage or "no sample was assessed there"


@dataclass(frozen=True)
class CarriersAnswer:
    """Who carries one variant: warehouse.v1.Carrier, in the order of their names."""

    seen: Answer
    carriers: List[Any]


class Frequencies:
    """Counts and frequencies per variant: the bytes of one Arrow IPC stream, and its rows."""

    def __init__(self, data: bytes, end: Any) -> None:
        self.arrow, self.end = data, end

    def rows(self) -> List[dict]:
        """One dict per row, by the names of the columns; a missing value is None."""
        return arrow.rows(self.arrow)


def connect(server: Optional[str] = None, credentials: Optional[str] = None, *, purpose: str = "operations", detail: Optional[str] = None,
            project: str = "", timeout: Optional[float] = None) -> Client:
    """A client of a server, https://HOST:PORT; credentials is a PEM file with certificate, key and the authority's certificate.

    Without them: WAREHOUSE_SERVER and WAREHOUSE_CREDENTIALS, as the server prints them when it starts."""
    server = server or os.environ.get("WAREHOUSE_SERVER", "")
    credentials = credentials or os.environ.get("WAREHOUSE_CREDENTIALS") or None
    if not server.startswith("https://"):
        raise WarehouseError(grpc.StatusCode.INVALID_ARGUMENT, "an address of a server is https://HOST:PORT", "server-address")
    own, key, authorities = _read_credentials(credentials) if credentials else (None, None, None)
    channel = grpc.secure_channel(server[len("https://"):].rstrip("/"), grpc.ssl_channel_credentials(authorities, key, own), options=[("grpc.max_receive_message_length", 64 << 20)])
    return Client(channel, purpose=purpose, detail=detail, project=project, timeout=timeout)


def _read_credentials(path: str) -> Tuple[Optional[bytes], Optional[bytes], bytes]:
    with open(path, "rb") as stream:
        blocks = [(match.group(1), match.group(0)) for match in _PEM.finditer(stream.read(1 << 20))]
    certificates = [block for name, block in blocks if name == b"CERTIFICATE"]
    keys = [block for name, block in blocks if name.endswith(b"PRIVATE KEY")]
    if not certificates or len(keys) > 1:
        raise WarehouseError(grpc.StatusCode.INVALID_ARGUMENT, "the file of credentials has a certificate, its key and the authority's certificate as PEM", "credentials")
    return (certificates[0], keys[0], b"".join(certificates[1:])) if keys else (None, None, b"".join(certificates))


class Client:
    """A connected server. Methods raise WarehouseError; they may be called from many threads."""

    def __init__(self, channel: grpc.Channel, *, purpose: str = "operations", detail: Optional[str] = None, project: str = "", timeout: Optional[float] = None) -> None:
        self._channel, self._timeout = channel, timeout
        self._asking = {"purpose": _PURPOSES[purpose], "detail": _DETAILS[detail], "project": project}
        self._seen = self._method("unary_unary", "Seen", variants_pb2.SeenRequest, variants_pb2.SeenReply)
        self._frequencies = self._method("unary_stream", "Frequencies", variants_pb2.FrequenciesRequest, common_pb2.Chunk)
        self._carriers = self._method("unary_stream", "Carriers", variants_pb2.CarriersRequest, variants_pb2.CarriersReply)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def close(self) -> None:
        self._channel.close()

    def seen(self, queries: Iterable[str], *, cohort: Optional[str] = None, samples: Sequence[str] = (), identify: bool = False, snapshot: Optional[int] = None) -> Iterator[Answer]:
        """Have we seen these variants? One answer per query, in their order; all of one snapshot at the level record."""
        for part in _parts(queries):
            request = variants_pb2.SeenRequest(asking=self._ask(snapshot), queries=part, samples=_samples(cohort, samples), identify=identify)
            reply = _again(lambda: self._seen(request, timeout=self._timeout))
            if len(reply.answers) != len(part):
                raise _cut()
            snapshot = _pinned(snapshot, reply.context)
            yield from map(_answer, reply.answers)

    def freq(self, *, regions: Iterable[Tuple[str, int, Optional[int]]] = (), cohort: Optional[str] = None, samples: Sequence[str] = (), by: str = "",
             symbolic: bool = False, min_ac: int = 0, snapshot: Optional[int] = None) -> Frequencies:
        """Counts and frequencies per listed variant. A region is contig, start (0-based), end (exclusive; None = the end of the contig)."""
        wanted = [common_pb2.Region(contig=c, start=s) if e is None else common_pb2.Region(contig=c, start=s, end=e) for c, s, e in regions]
        request = variants_pb2.FrequenciesRequest(asking=self._ask(snapshot), regions=wanted, samples=_samples(cohort, samples), by=by, symbolic=symbolic, min_ac=min_ac)

        def ask() -> Frequencies:
            pieces, end = [], None
            for chunk in self._frequencies(request, timeout=self._timeout):
                pieces.append(chunk.data)
                end = chunk.end if chunk.HasField("end") else end
            if end is None:
                raise _cut()
            return Frequencies(b"".join(pieces), end)

        return _again(ask)

    def carriers(self, queries: Iterable[str], *, snapshot: Optional[int] = None) -> Iterator[CarriersAnswer]:
        """Who carries these variants? One answer per query, in their order."""
        for part in _parts(queries):
            request = variants_pb2.CarriersRequest(asking=self._ask(snapshot), queries=part)
            answers, context = _again(lambda: self._read_carriers(request))
            if len(answers) != len(part):
                raise _cut()
            snapshot = _pinned(snapshot, context)
            yield from answers

    def _read_carriers(self, request: Any) -> Tuple[List[CarriersAnswer], Any]:
        answers, first, carriers, end = [], None, [], None
        for reply in self._carriers(request, timeout=self._timeout):
            if reply.HasField("end"):
                end = reply.end
                continue
            first = first or reply.seen
            carriers.extend(reply.carriers)
            if not reply.goes_on:
                answers.append(CarriersAnswer(_answer(first), carriers))
                first, carriers = None, []
        if end is None or first is not None:
            raise _cut()
        return answers, end.context

    def _ask(self, snapshot: Optional[int]) -> Any:
        return common_pb2.Asking(**self._asking) if snapshot is None else common_pb2.Asking(snapshot=snapshot, **self._asking)

    def _method(self, kind: str, name: str, request: Any, reply: Any) -> Callable:
        return getattr(self._channel, kind)("/warehouse.v1.Variants/" + name, request_serializer=request.SerializeToString, response_deserializer=reply.FromString)


def _answer(message: Any) -> Answer:
    # What a later server might say is not known here, so nothing was learned.
    kind = {variants_pb2.SEEN_STATE_SEEN: Seen, variants_pb2.SEEN_STATE_NOT_SEEN: NotSeen}.get(message.state, NotAssessable)
    return kind(message.query, message)


def _samples(cohort: Optional[str], names: Sequence[str]) -> Any:
    return common_pb2.Samples(cohort=cohort or "", names=names)


def _pinned(snapshot: Optional[int], context: Any) -> Optional[int]:
    """Later messages of one question ask the snapshot of the first, where a snapshot can be asked."""
    return context.snapshot if snapshot is None and context.detail == common_pb2.DETAIL_RECORD else snapshot


def _parts(queries: Iterable[str]) -> Iterator[List[str]]:
    part: List[str] = []
    for query in queries:
        part.append(query)
        if len(part) == MAX_QUERIES:
            yield part
            part = []
    if part:
        yield part


def _again(ask: Callable[[], Any]) -> Any:
    """Asks, and asks again while the server cannot be reached: every question here reads, and nothing of its answer was given away yet."""
    for attempt in range(ATTEMPTS):
        try:
            return ask()
        except grpc.RpcError as failure:
            if failure.code() != grpc.StatusCode.UNAVAILABLE or attempt == ATTEMPTS - 1:
                raise _error(failure) from failure
            time.sleep(0.1 * 2 ** attempt * random.uniform(0.5, 1))


def _cut() -> WarehouseError:
    return WarehouseError(grpc.StatusCode.DATA_LOSS, "the answer ended before its end", "cut-answer")


def _error(failure: Any) -> WarehouseError:
    refusal = common_pb2.Refusal()
    for name, value in failure.trailing_metadata() or ():
        if name == "grpc-status-details-bin":
            refusal = _refusal(value)
    return WarehouseError(failure.code(), refusal.text or failure.details() or "the call failed", refusal.rule, refusal.item, refusal.incident)


def _refusal(status: bytes) -> Any:
    """The Refusal in a google.rpc.Status: code = 1, message = 2, details = 3, each an Any of type_url = 1 and value = 2."""
    for number, detail in _fields(status):
        if number == 3:
            parts = dict(_fields(detail))
            if parts.get(1, b"").endswith(b"/warehouse.v1.Refusal"):
                return common_pb2.Refusal.FromString(parts.get(2, b""))
    return common_pb2.Refusal()


def _fields(message: bytes) -> Iterator[Tuple[int, bytes]]:
    """The fields of a message that have bytes; numbers are passed over."""
    at = 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        key = number()
        if key & 7 == 2:
            length = number()
            yield key >> 3, message[at:at + length]
            at += length
        elif key & 7 == 0:
            number()
        else:
            return
