"""The Variant Warehouse for programs in Python: a thin layer over grpcio.

    import warehouse
    with warehouse.connect() as lab:                  # WAREHOUSE_SERVER and WAREHOUSE_CREDENTIALS
        for answer in lab.seen(["22-1029-G-A"]):
            if isinstance(answer, warehouse.Seen):
                print(answer.query, answer.message.figures.ac)

An answer is Seen, NotSeen or NotAssessable; below the level record FewerThanK or Withheld in the place of NotSeen. A failure never reads as not seen. Positions are 1-based, as in VCF. What the server refuses is a
WarehouseError with the rule's name. Messages are those of server/Warehouse.Protocol/Protos, in warehouse.v1.

A question that reads is asked again, four times at most, while the server cannot be reached; a timeout is the time for all of that. A change is asked for once,
but for a release, which is loaded once however often it is sent.
"""
from __future__ import annotations

import datetime
import hashlib
import os
import random
import re
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO, Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple, TypeVar, Union
from urllib.parse import urlsplit

import grpc
from google.protobuf.message import DecodeError

from . import arrow
from .login import Login, LoginError
from .v1 import access_pb2, alerts_pb2, annotations_pb2, assessments_pb2, common_pb2, ingest_pb2, variants_pb2

__all__ = ["connect", "Client", "Seen", "NotSeen", "FewerThanK", "Withheld", "NotAssessable", "Answer", "Assessments", "CarriersAnswer", "Frequencies", "WarehouseError"]

T = TypeVar("T")

MAX_QUERIES = 1000
# Where annotations are joined, a reply has a cell of each column for each query.
MAX_ANNOTATED = 200
ATTEMPTS = 4
UNARY_SECONDS = 60.0
# Servers take requests of 1 MiB; a reply with long alleles may be longer than that.
_MAX_QUERY_BYTES, _MAX_REPLY_BYTES, _MAX_PEM_BYTES = 1 << 19, 64 << 20, 1 << 20
_PIECE_BYTES = 256 << 10
_DISTRUST = re.compile("certificate|handshake|hostname verification|ssl", re.IGNORECASE)
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----\n?", re.DOTALL)
_PURPOSES = {"treatment": common_pb2.PURPOSE_TREATMENT, "operations": common_pb2.PURPOSE_OPERATIONS, "research": common_pb2.PURPOSE_RESEARCH}
_DETAILS = {None: common_pb2.DETAIL_UNSPECIFIED, "record": common_pb2.DETAIL_RECORD, "aggregate": common_pb2.DETAIL_AGGREGATE, "exists": common_pb2.DETAIL_EXISTS}


class WarehouseError(Exception):
    """A question that was not answered, or an answer that is not whole. fault (warehouse.v1.FileFault) says what is wrong with a file that was sent."""

    def __init__(self, code: grpc.StatusCode, text: str, rule: str = "", item: int = 0, incident: str = "", fault: Any = None) -> None:
        super().__init__(f"{text} ({rule})" if rule else text)
        self.code, self.rule, self.item, self.incident, self.fault = code, rule, item, incident, fault


@dataclass(frozen=True)
class Answer:
    """What is said of one query; never made itself, only as one of those below."""

    query: str
    message: Any  # warehouse.v1.SeenAnswer
    context: Any = None  # warehouse.v1.AnswerContext: what it rests on; None of a query that means nothing, and where a stream says that at its end
    annotations: Optional[Dict[str, Any]] = None  # what was joined by annotate, by column; a missing value is None


@dataclass(frozen=True)
class Seen(Answer):
    """A visible sample carries it; at the levels below record: at least k do."""


@dataclass(frozen=True)
class NotSeen(Answer):
    """No carrier among at least one assessed sample; at the level record alone."""


@dataclass(frozen=True)
class FewerThanK(Answer):
    """At the level exists: fewer than k samples carry it, which may be none."""

    @property
    def k(self) -> int:
        return int(self.message.k)


@dataclass(frozen=True)
class Withheld(Answer):
    """Below the level record: the rules of release hold the answer back, and it says nothing of the variant.

    At the level aggregate its figures are banded, of which fewer than k carriers are one reason; at the level exists something was told of a cohort that overlaps."""

    @property
    def k(self) -> int:
        return int(self.message.k)

    @property
    def reason(self) -> str:
        return str(self.message.reason)


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


@dataclass(frozen=True)
class Assessments:
    """What the laboratory says: warehouse.v1.Assessment, and warehouse.v1.OtherAssessment of other laboratories."""

    own: List[Any]
    others: List[Any]
    laboratory: str
    assembly: str


class Frequencies:
    """Counts and frequencies per variant: the bytes of one Arrow IPC stream, and its rows."""

    def __init__(self, data: bytes, end: Any) -> None:
        self.arrow, self.end = data, end

    def rows(self) -> List[Dict[str, Any]]:
        """One dict per row, by the names of the columns; a missing value is None."""
        return arrow.rows(self.arrow)


def connect(server: Optional[str] = None, credentials: Optional[str] = None, *, token: Optional[Callable[[], str]] = None, purpose: str = "operations",
            detail: Optional[str] = None, project: str = "", timeout: Optional[float] = None) -> Client:
    """A client of a server, https://HOST:PORT; credentials is a PEM file with certificate, key and the authority's certificate.

    Without them: WAREHOUSE_SERVER and WAREHOUSE_CREDENTIALS, as the server prints them when it starts. Where neither has a certificate with a key, the
    login that `warehouse login` keeps for this server is shown. token gives the access token of a person in its place, before each call; the file has the
    authority's certificate alone then. timeout is in seconds, for a whole answer; None = 60 for an answer in one
    message, and no end for a stream."""
    credentials = credentials or os.environ.get("WAREHOUSE_CREDENTIALS") or None
    target = _target(server or os.environ.get("WAREHOUSE_SERVER") or "")
    if purpose not in _PURPOSES or detail not in _DETAILS:
        raise _usage(f"a purpose is one of {', '.join(_PURPOSES)}; a detail is one of {', '.join(d for d in _DETAILS if d)}", "purpose")
    own, key, authorities = _read_credentials(credentials) if credentials else (None, None, None)
    try:
        login = Login("https://" + target) if token is None and own is None else None
    except LoginError as failure:
        raise _usage(str(failure), failure.rule) from failure
    if login is not None and login.exists:
        authorities = authorities or login.authorities
    shown = grpc.ssl_channel_credentials(authorities, key, own)
    if token is not None:
        shown = grpc.composite_channel_credentials(shown, grpc.metadata_call_credentials(_Token(token)))
    elif login is not None and login.exists:
        shown = grpc.composite_channel_credentials(shown, grpc.metadata_call_credentials(_Shown(login)))
    # A proxy of the environment would be asked for names that are nobody's business outside.
    channel = grpc.secure_channel(target, shown, options=[("grpc.max_receive_message_length", _MAX_REPLY_BYTES), ("grpc.enable_http_proxy", 0)])
    return Client(channel, purpose=purpose, detail=detail, project=project, timeout=timeout)


def _target(server: str) -> str:
    """Host and port of an address."""
    try:
        address = urlsplit(server)
        is_one = address.scheme == "https" and address.hostname and address.port != 0 and address.path in ("", "/") and not address.query and not address.fragment and "@" not in address.netloc
    except ValueError:
        is_one = False
    if not is_one:
        raise _usage("an address of a server is https://HOST:PORT", "server-address")
    return address.netloc


class _Token(grpc.AuthMetadataPlugin):
    """Shows a person's token with each call."""

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token

    def __call__(self, context: Any, callback: Callable[[Any, Optional[Exception]], None]) -> None:
        try:
            callback((("authorization", "Bearer " + self._token()),), None)
        except Exception as failure:  # whatever it is, the call ends by it, and not this thread of grpc's
            callback((), failure)


class _Shown(grpc.AuthMetadataPlugin):
    """Shows a login that is kept with each call."""

    def __init__(self, login: Login) -> None:
        self._login = login

    def __call__(self, context: Any, callback: Callable[[Any, Optional[Exception]], None]) -> None:
        try:
            # The service as the channel names it: without the port where that is the usual one, as the server reads it too.
            callback(tuple(self._login.headers(f"{context.service_url}/{context.method_name}")), None)
        except Exception as failure:  # whatever it is, the call ends by it, and not this thread of grpc's
            callback((), failure)


def _read_credentials(path: str) -> Tuple[Optional[bytes], Optional[bytes], Optional[bytes]]:
    try:
        with open(path, "rb") as stream:
            text = stream.read(_MAX_PEM_BYTES + 1)
    except OSError as failure:
        raise _usage("the file of credentials cannot be read", "credentials") from failure
    blocks = [(match.group(1), match.group(0)) for match in _PEM.finditer(text)]
    certificates = [block for name, block in blocks if name == b"CERTIFICATE"]
    keys = [block for name, block in blocks if name.endswith(b"PRIVATE KEY")]
    if len(text) > _MAX_PEM_BYTES or not certificates or len(keys) > 1 or any(name == b"ENCRYPTED PRIVATE KEY" for name, _ in blocks):
        raise _usage("the file of credentials has a certificate, its key and the authority's certificate as PEM", "credentials")
    return (certificates[0], keys[0], b"".join(certificates[1:]) or None) if keys else (None, None, b"".join(certificates))


class Client:
    """A connected server. Methods raise WarehouseError; they may be called from many threads."""

    def __init__(self, channel: grpc.Channel, *, purpose: str = "operations", detail: Optional[str] = None, project: str = "", timeout: Optional[float] = None) -> None:
        self._channel, self._timeout = channel, timeout
        self._asking = {"purpose": _PURPOSES[purpose], "detail": _DETAILS[detail], "project": project}
        self._seen = self._method("unary_unary", "Seen", variants_pb2.SeenRequest, variants_pb2.SeenReply)
        self._frequencies = self._method("unary_stream", "Frequencies", variants_pb2.FrequenciesRequest, common_pb2.Chunk)
        self._carriers = self._method("unary_stream", "Carriers", variants_pb2.CarriersRequest, variants_pb2.CarriersReply)
        self._explain = self._method("unary_unary", "Access/Explain", access_pb2.ExplainRequest, access_pb2.ExplainReply)
        self._inbox = self._method("unary_unary", "Alerts/Inbox", alerts_pb2.InboxRequest, alerts_pb2.InboxReply)
        self._acknowledge = self._method("unary_unary", "Alerts/Acknowledge", alerts_pb2.AcknowledgeRequest, alerts_pb2.CourseReply)
        self._releases = self._method("unary_unary", "Annotations/List", annotations_pb2.ListAnnotationsRequest, annotations_pb2.ListAnnotationsReply)
        self._upload_release = self._method("stream_stream", "Ingest/UploadRelease", ingest_pb2.UploadRequest, ingest_pb2.UploadReply)
        self._assessments = self._method("unary_stream", "Assessments/List", assessments_pb2.ListAssessmentsRequest, assessments_pb2.ListAssessmentsReply)
        self._assessment = self._method("unary_unary", "Assessments/Show", assessments_pb2.ShowAssessmentRequest, assessments_pb2.ShowAssessmentReply)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def close(self) -> None:
        self._channel.close()

    def seen(self, queries: Iterable[str], *, cohort: Optional[str] = None, samples: Sequence[str] = (), identify: bool = False, annotate: Sequence[str] = (),
             snapshot: Optional[int] = None) -> Iterator[Answer]:
        """Have we seen these variants? One answer per query, in their order; all of one snapshot at the level record.

        annotate joins what releases of annotations say: clinvar, clinvar@2024-01-07, clinvar.CLNSIG."""
        for part in _parts(queries, MAX_ANNOTATED if annotate else MAX_QUERIES):
            request = variants_pb2.SeenRequest(asking=self._ask(snapshot), queries=part, samples=_samples(cohort, samples), identify=identify, annotate=_choices(annotate))
            reply = self._ask_one(self._seen, request)
            if len(reply.answers) != len(part):
                raise _cut()
            snapshot = _pinned(snapshot, reply.context)
            for message in reply.answers:
                yield _answer(message, reply.context if message.contig else None, reply.annotated)

    def _ask_one(self, method: Callable[..., Any], request: Any) -> Any:
        def ask(left: Optional[float]) -> Any:
            return method(request, timeout=left)

        return _again(ask, UNARY_SECONDS if self._timeout is None else self._timeout)

    def freq(self, *, regions: Iterable[Tuple[str, int, Optional[int]]] = (), cohort: Optional[str] = None, samples: Sequence[str] = (), by: str = "",
             symbolic: bool = False, min_ac: int = 0, annotate: Sequence[str] = (), snapshot: Optional[int] = None, accept_incomplete: bool = False) -> Frequencies:
        """Counts and frequencies per listed variant. A region is contig, start (0-based), end (exclusive; None = the end of the contig).

        An answer that lacks a damaged part of the store is an error, since fewer rows would read as fewer variants; with accept_incomplete it is
        given, and its end.completeness names that part."""
        wanted = [common_pb2.Region(contig=c, start=s) if e is None else common_pb2.Region(contig=c, start=s, end=e) for c, s, e in regions]
        request = variants_pb2.FrequenciesRequest(asking=self._ask(snapshot), regions=wanted, samples=_samples(cohort, samples), by=by, symbolic=symbolic, min_ac=min_ac, annotate=_choices(annotate))

        def ask(left: Optional[float]) -> Frequencies:
            pieces, end = [], None
            for chunk in _stream(self._frequencies(request, timeout=left)):
                pieces.append(chunk.data)
                end = chunk.end if chunk.HasField("end") else end
            if end is None:
                raise _cut()
            return Frequencies(b"".join(pieces), end)

        answer = _again(ask, self._timeout)
        if not accept_incomplete and not answer.end.completeness.is_whole:
            raise WarehouseError(grpc.StatusCode.DATA_LOSS, "a part of the store is damaged, and the answer lacks what is in it", "incomplete")
        return answer

    def releases(self) -> List[Any]:
        """Releases of annotations, retired ones too: warehouse.v1.AnnotationRelease, in the order of loading."""
        request = annotations_pb2.ListAnnotationsRequest(asking=self._ask(None))
        return list(self._ask_one(self._releases, request).releases)

    def load_release(self, path: Union[str, "os.PathLike[str]"], source: str, date: Union[str, datetime.date], *, mapping: Optional[str] = None, skip_bad_records: bool = False,
                     progress: Optional[Callable[[bool, int, int], None]] = None) -> Any:
        """Loads a release of annotations, of ClinVar too; data stewards and lab directors. What there is of it then: warehouse.v1.LoadedRelease.

        The file is VCF, or a table that mapping, a text, describes; as it is or compressed. date is its day, as 2024-01-07. skip_bad_records leaves out records
        that are not understood or differ from the reference, while they are few. What was sent before a connection broke, or by a program that was stopped within
        the last hour, is not sent again; a release that the server has already changes nothing (is_new). A file that is refused is a WarehouseError whose fault
        has its words. progress hears how far it is: bytes that have come to the server, then, True, those that were read there; of all.
        Alerts follow from a release of ClinVar once somebody has accepted it."""
        with ExitStack() as opened:
            files: List[BinaryIO] = [opened.enter_context(open(path, "rb"))]
            if mapping is not None:
                files.append(BytesIO(mapping.encode()))
            batch = _batch(files, source, str(date), skip_bad_records)
            batch.asking.CopyFrom(self._ask(None))
            upload = _Upload(batch, files, progress)

            def send(left: Optional[float]) -> Any:
                return upload.send(self._upload_release, left)

            try:
                return _again(send, self._timeout, held="batch-loading", came_further=upload.came_further)
            except WarehouseError as failure:
                if upload.fault is None:
                    raise
                fault = upload.fault
                place = f"line {fault.line}: " if fault.line else ""
                raise WarehouseError(failure.code, place + fault.text, fault.rule, failure.item, failure.incident, fault) from failure

    def assessments(self, variant: str = "", *, others: bool = False, snapshot: Optional[int] = None) -> Assessments:
        """What the laboratory says, and what others do, of one allele in any spelling or of all; as far as the caller may see it."""
        request = assessments_pb2.ListAssessmentsRequest(asking=self._ask(snapshot), variant=variant, others=others)

        def ask(left: Optional[float]) -> Assessments:
            own, theirs, end = [], [], None
            for reply in _stream(self._assessments(request, timeout=left)):
                own.extend(reply.own)
                theirs.extend(reply.others)
                end = reply.end if reply.HasField("end") else end
            if end is None or end.rows != len(own) + len(theirs):
                raise _cut()
            return Assessments(own, theirs, end.laboratory, end.assembly)

        return _again(ask, self._timeout)

    def assessment(self, number: int, *, history: bool = False) -> List[Any]:
        """One assessment, or every version of it, the first first: warehouse.v1.Assessment."""
        request = assessments_pb2.ShowAssessmentRequest(asking=self._ask(None), id=number, history=history)
        return list(self._ask_one(self._assessment, request).versions)

    def carriers(self, queries: Iterable[str], *, snapshot: Optional[int] = None) -> Iterator[CarriersAnswer]:
        """Who carries these variants? One answer per query, in their order."""
        for part in _parts(queries):
            request = variants_pb2.CarriersRequest(asking=self._ask(snapshot), queries=part)
            answers, context = _again(lambda left: self._read_carriers(request, left), self._timeout)
            if len(answers) != len(part):
                raise _cut()
            snapshot = _pinned(snapshot, context)
            yield from answers

    def explain(self) -> List[Any]:
        """Why the caller is refused, or how his answers are bounded, for what this client asks (record where it names no level): warehouse.v1.AccessReason, the verdict last. Nothing is told of what is hidden."""
        return list(self._ask_one(self._explain, access_pb2.ExplainRequest(asking=self._ask(None))).reasons)

    def inbox(self, *, closed: bool = False) -> List[Any]:
        """Alerts that wait for the caller (warehouse.v1.Alert), the gravest and oldest first; they count as shown to him. Always for treatment."""
        request = alerts_pb2.InboxRequest(asking=self._for_treatment(), closed=closed)

        def ask(left: Optional[float]) -> Any:
            return self._inbox(request, timeout=left)

        return list(_again(ask, UNARY_SECONDS if self._timeout is None else self._timeout).alerts)

    def acknowledge(self, ids: Iterable[str], reason: str) -> List[Any]:
        """Acknowledges alerts that were shown to the caller: he takes care. What became of them (warehouse.v1.AlertCourse), in the order of the ids."""
        if isinstance(ids, str):
            raise TypeError("ids is a list of ids, not one id")
        request = alerts_pb2.AcknowledgeRequest(asking=self._for_treatment(), ids=ids, reason=reason)
        try:
            return list(self._acknowledge(request, timeout=UNARY_SECONDS if self._timeout is None else self._timeout).alerts)
        except grpc.RpcError as failure:
            raise _error(failure) from failure

    def _for_treatment(self) -> Any:
        return common_pb2.Asking(purpose=common_pb2.PURPOSE_TREATMENT, project=self._asking["project"])

    def _read_carriers(self, request: Any, left: Optional[float]) -> Tuple[List[CarriersAnswer], Any]:
        answers: List[CarriersAnswer] = []
        carriers: List[Any] = []
        first = end = None
        for reply in _stream(self._carriers(request, timeout=left)):
            if reply.HasField("end"):
                end = reply.end
                continue
            first = reply.seen if first is None else first
            carriers.extend(reply.carriers)
            if not reply.goes_on:
                answers.append(CarriersAnswer(_answer(first), carriers))
                first, carriers = None, []
        if end is None or first is not None:
            raise _cut()
        return answers, end.context

    def _ask(self, snapshot: Optional[int]) -> Any:
        return common_pb2.Asking(**self._asking) if snapshot is None else common_pb2.Asking(snapshot=snapshot, **self._asking)

    def _method(self, kind: str, name: str, request: Any, reply: Any) -> Callable[..., Any]:
        path = "/warehouse.v1." + (name if "/" in name else "Variants/" + name)
        made: Callable[..., Any] = getattr(self._channel, kind)(path, request_serializer=request.SerializeToString, response_deserializer=reply.FromString)
        return made


def _answer(message: Any, context: Any = None, columns: Any = None) -> Answer:
    joined = _joined(message.annotations, columns)
    # What a later server might say is not known here, so nothing was learned.
    if message.state == variants_pb2.SEEN_STATE_SEEN:
        return Seen(message.query, message, context, joined)
    if message.state == variants_pb2.SEEN_STATE_NOT_SEEN:
        return NotSeen(message.query, message, context, joined)
    if message.state == variants_pb2.SEEN_STATE_FEWER_THAN_K:
        return FewerThanK(message.query, message, context, joined)
    if message.state == variants_pb2.SEEN_STATE_WITHHELD:
        return Withheld(message.query, message, context, joined)
    return NotAssessable(message.query, message, context, joined)


def _joined(cells: Any, columns: Any) -> Optional[Dict[str, Any]]:
    if columns is None or not cells:
        return None
    if len(cells) != len(columns.columns):
        raise _cut()
    kinds = [cell.WhichOneof("value") for cell in cells]
    return {column.name: getattr(cell, kind) if kind else None for column, cell, kind in zip(columns.columns, cells, kinds)}


def _choices(annotate: Sequence[str]) -> Sequence[str]:
    if isinstance(annotate, str):
        raise TypeError("annotate is a list of releases, not one release")
    return annotate


def _samples(cohort: Optional[str], names: Sequence[str]) -> Any:
    if isinstance(names, str):
        raise TypeError("samples is a list of names, not one name")
    return common_pb2.Samples(cohort=cohort or "", names=names)


def _pinned(snapshot: Optional[int], context: Any) -> Optional[int]:
    """Later messages of one question ask the snapshot of the first, where a snapshot can be asked."""
    return context.snapshot if snapshot is None and context.detail == common_pb2.DETAIL_RECORD else snapshot


def _parts(queries: Iterable[str], most: int = MAX_QUERIES) -> Iterator[List[str]]:
    if isinstance(queries, str):
        raise TypeError("queries is a list of spellings, not one spelling")
    part: List[str] = []
    size = 0
    for query in queries:
        length = len(query.encode("utf-8", "surrogatepass"))
        if part and (len(part) == most or size + length > _MAX_QUERY_BYTES):
            yield part
            part, size = [], 0
        part.append(query)
        size += length
    if part:
        yield part


def _batch(files: Sequence[BinaryIO], source: str, date: str, skip_bad_records: bool) -> Any:
    """What is sent, by a name that follows from all of it: whoever asks for the same again goes on with it, in whatever language."""
    batch = ingest_pb2.Batch(release=ingest_pb2.ReleaseFile(source=source, date=date, skip_bad_records=skip_bad_records))
    for file in files:
        digest, length = hashlib.sha256(), 0
        for piece in iter(lambda: file.read(_PIECE_BYTES), b""):  # read before the next file is
            digest.update(piece)
            length += len(piece)
        batch.files.add(length=length, sha256=digest.hexdigest())
    named = [source, date, "skip" if skip_bad_records else "refuse"] + [file.sha256 for file in batch.files]
    batch.id = hashlib.sha256(" ".join(named).encode()).hexdigest()
    return batch


class _Upload:
    """A release on its way, over as many calls as it takes. One thread, beside that of grpc which sends."""

    def __init__(self, batch: Any, files: Sequence[BinaryIO], progress: Optional[Callable[[bool, int, int], None]]) -> None:
        self._batch, self._files, self._progress = batch, files, progress
        self._further = False
        self.fault: Any = None

    def came_further(self) -> bool:
        """Whether something came to the server since this was asked."""
        further, self._further = self._further, False
        return further

    def send(self, method: Callable[..., Any], left: Optional[float]) -> Any:
        """One call: from where the server says that it goes on."""
        sending = _Pieces(self._batch, self._files)
        call = method(iter(sending), timeout=left)
        received, loaded = -1, None
        try:
            for reply in _stream(call):
                status = reply.status
                self.fault = status.fault if status.HasField("fault") else self.fault
                there = sum(status.received)
                self._further = self._further or (received >= 0 and there > received)
                if self._progress is not None and status.received:
                    is_read = status.state == ingest_pb2.BATCH_STATE_LOADING
                    self._progress(is_read, status.bytes_read if is_read else status.received[0], self._batch.files[0].length)
                if received < 0:
                    sending.go_on(status.received)
                received = max(received, there)
                loaded = status.loaded if status.HasField("loaded") else loaded
        except grpc.RpcError:
            if sending.failure is None:
                raise
        finally:
            sending.end()
        if sending.failure is not None:
            raise sending.failure  # a file could not be read to its end
        if loaded is None:
            raise _cut()
        return loaded


class _Pieces:
    """The messages of one upload, for the thread of grpc that sends them. Once the upload has ended it leaves the files alone."""

    def __init__(self, batch: Any, files: Sequence[BinaryIO]) -> None:
        self._batch, self._files = batch, files
        self._known, self._lock = threading.Event(), threading.Lock()
        self._received: List[int] = []
        self._is_over = False
        self.failure: Optional[OSError] = None

    def go_on(self, received: Sequence[int]) -> None:
        """Says how much of each file is there."""
        self._received = list(received)
        self._known.set()

    def end(self) -> None:
        with self._lock:
            self._is_over = True
        self._known.set()

    def __iter__(self) -> Iterator[Any]:
        yield ingest_pb2.UploadRequest(batch=self._batch)
        self._known.wait()
        for number, file in enumerate(self._files):
            offset = self._received[number] if number < len(self._received) else 0
            while True:
                piece = self._read(file, offset)
                if piece is None:
                    return
                if not piece:
                    break
                yield ingest_pb2.UploadRequest(bytes=ingest_pb2.FileBytes(file=number, offset=offset, data=piece))
                offset += len(piece)
        yield ingest_pb2.UploadRequest(commit=True)

    def _read(self, file: BinaryIO, offset: int) -> Optional[bytes]:
        """The next bytes of a file, none at its end; None = the upload has ended, or the file cannot be read."""
        with self._lock:
            if self._is_over:
                return None
            try:
                file.seek(offset)
                return file.read(_PIECE_BYTES)
            except OSError as failure:
                self.failure = failure
                return None


def _stream(call: Any) -> Iterator[Any]:
    """The messages of a call, which ends with the loop over them, however that ends."""
    try:
        yield from call
    finally:
        call.cancel()


def _again(ask: Callable[[Optional[float]], T], timeout: Optional[float], *, held: Optional[str] = None, came_further: Callable[[], bool] = lambda: False) -> T:
    """Asks, and asks again while the server cannot be reached: every question here reads, and nothing of its answer was given away yet; or it may be asked twice.

    held is the rule of the refusal while the server still has what was cut off; after a step forward an attempt is the first."""
    until = None if timeout is None else time.monotonic() + timeout
    attempt = 1
    while True:
        try:
            return ask(None if until is None else max(0.0, until - time.monotonic()))
        except grpc.RpcError as failure:
            error = _error(failure)
            attempt = 1 if came_further() else attempt
            # A server that is not trusted is not trusted a moment later.
            is_passing = error.rule == held if error.code != grpc.StatusCode.UNAVAILABLE else error.rule != "not-trusted"
            if not is_passing or attempt == ATTEMPTS:
                raise error from failure
        time.sleep(0.1 * 2 ** (attempt - 1) * random.uniform(0.5, 1))
        attempt += 1


def _usage(text: str, rule: str) -> WarehouseError:
    return WarehouseError(grpc.StatusCode.INVALID_ARGUMENT, text, rule)


def _cut() -> WarehouseError:
    return WarehouseError(grpc.StatusCode.DATA_LOSS, "the answer ended before its end", "cut-answer")


def _error(failure: Any) -> WarehouseError:
    refusal = common_pb2.Refusal()
    for name, value in failure.trailing_metadata() or ():
        if name == "grpc-status-details-bin":
            try:
                refusal = _refusal(value)
            except (IndexError, DecodeError):
                pass  # the status tells what it is all the same
    details = failure.details() or ""
    if failure.code() == grpc.StatusCode.UNAVAILABLE and not refusal.rule and _DISTRUST.search(details):
        return WarehouseError(failure.code(), f"the server's certificate is not taken, or it does not take this one: {details}", "not-trusted")
    return WarehouseError(failure.code(), refusal.text or details or "the call failed", refusal.rule, refusal.item, refusal.incident)


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
