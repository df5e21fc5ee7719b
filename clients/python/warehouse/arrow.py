"""A small reader of Arrow IPC streams: text, 64-bit whole numbers and 64-bit floating point numbers, as the server sends them. No dependency."""
from __future__ import annotations

import struct
from typing import Any, Dict, Iterator, List, Optional, Tuple

_SCHEMA, _BATCH = 1, 3
_INT, _FLOAT, _UTF8 = 2, 3, 5


class _Table:
    """A table of FlatBuffers: a field is found by the offset that the table's table of offsets has for its number."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at
        self._fields = at - _number("<i", data, at)

    def _find(self, field: int) -> int:
        length = _number("<H", self._data, self._fields)
        place = 4 + 2 * field
        offset = _number("<H", self._data, self._fields + place) if place < length else 0
        return self._at + offset if offset else 0

    def scalar(self, field: int, form: str) -> int:
        at = self._find(field)
        return _number(form, self._data, at) if at else 0

    def table(self, field: int) -> Optional[_Table]:
        at = self._find(field)
        return _Table(self._data, at + _number("<I", self._data, at)) if at else None

    def vector(self, field: int) -> Tuple[int, int]:
        """Place and length."""
        at = self._find(field)
        if not at:
            return 0, 0
        at += _number("<I", self._data, at)
        return at + 4, _number("<I", self._data, at)

    def tables(self, field: int) -> Iterator[_Table]:
        at, count = self.vector(field)
        for place in range(at, at + 4 * count, 4):
            yield _Table(self._data, place + _number("<I", self._data, place))

    def text(self, field: int) -> str:
        at, length = self.vector(field)
        return self._data[at:at + length].decode()

    def pairs(self, field: int) -> List[Tuple[int, int]]:
        at, count = self.vector(field)
        return [(_number("<q", self._data, at + 16 * i), _number("<q", self._data, at + 16 * i + 8)) for i in range(count)]


def _number(form: str, data: bytes, at: int) -> int:
    """The number at a place. A place before the beginning is none: the format of Python would count it from the end."""
    if at < 0:
        raise IndexError(at)
    value: int = struct.unpack_from(form, data, at)[0]
    return value


def rows(data: bytes) -> List[Dict[str, Any]]:
    """All rows of a stream. Raises ValueError when it is cut, or has what is not read here."""
    try:
        return _rows(data)
    except (struct.error, IndexError, StopIteration) as failure:
        raise ValueError("the stream is cut or damaged") from failure


def _rows(data: bytes) -> List[Dict[str, Any]]:
    found: List[Dict[str, Any]] = []
    names: List[str] = []
    kinds: List[int] = []
    for kind, header, body in _messages(data):
        if kind == _SCHEMA:
            fields = list(header.tables(1))
            names, kinds = [f.text(0) for f in fields], [_kind(f) for f in fields]
        elif kind == _BATCH:
            columns = _columns(header, body, kinds)
            found.extend(dict(zip(names, values)) for values in zip(*columns))
        else:
            raise ValueError("a message is of a kind that is not read here")
    return found


def _kind(field: _Table) -> int:
    """What a column holds: whole numbers of 64 bits, floating point numbers of 64 bits, or text."""
    kind, form = field.scalar(2, "<B"), field.table(3)
    wide = kind == _UTF8 or (form is not None and (kind == _INT and form.scalar(0, "<i") == 64 or kind == _FLOAT and form.scalar(0, "<h") == 2))
    if not wide or field.table(4) is not None:
        raise ValueError("a column is of a type that is not read here")
    return kind


def _messages(data: bytes) -> Iterator[Tuple[int, _Table, bytes]]:
    at = 0
    while True:
        if at + 8 > len(data):
            raise ValueError("the stream is cut")
        mark, length = struct.unpack_from("<Ii", data, at)
        if mark != 0xFFFFFFFF or length < 0:
            raise ValueError("not an Arrow stream")
        if length == 0:
            return
        at += 8
        message = data[at:at + length]
        root = _Table(message, _number("<I", message, 0))
        at += length
        size = root.scalar(3, "<q")
        if size < 0 or at + size > len(data):
            raise ValueError("the stream is cut")
        header = root.table(2)
        if header is None:
            raise ValueError("a message has no header")
        yield root.scalar(1, "<B"), header, data[at:at + size]
        at += size


def _columns(batch: _Table, body: bytes, kinds: List[int]) -> List[List[Any]]:
    count = batch.scalar(0, "<q")
    if batch.table(3) is not None:
        raise ValueError("a batch is compressed")
    nodes = batch.pairs(1)
    if len(nodes) != len(kinds) or any(length != count for length, _ in nodes):
        raise ValueError("a batch has other columns than its schema")
    buffers = iter(batch.pairs(2))
    columns = []
    for kind, (_, nulls) in zip(kinds, nodes):
        valid, _ = next(buffers)
        offsets: Tuple[int, ...] = ()
        if kind == _UTF8:
            start, _ = next(buffers)
            offsets = struct.unpack_from(f"<{count + 1}i", body, start) if count else (0,)
        place, _ = next(buffers)
        if kind == _UTF8:
            values: List[Any] = [body[place + offsets[i]:place + offsets[i + 1]].decode() for i in range(count)]
        else:
            values = list(struct.unpack_from(f"<{count}{'q' if kind == _INT else 'd'}", body, place))
        if nulls:
            values = [v if body[valid + (i >> 3)] >> (i & 7) & 1 else None for i, v in enumerate(values)]
        columns.append(values)
    return columns
