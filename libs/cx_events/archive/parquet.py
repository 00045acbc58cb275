"""Write and read records of the log in a Parquet file (https://parquet.apache.org/docs/file-format/), by arro3.
Blocking: for threads.

    head(), batch_bytes(records, replay), ...     what a growing file holds: an Arrow stream, which may be cut off
    write_parquet(stream, file, about, ...)       the Parquet file of it
    ParquetFile(path).about, .records()           what a Parquet file holds

A Parquet file can't grow: what it holds where is written last. So its rows are kept in an Arrow stream first
(https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format), a head and batches one after another.
Needs the extra ``parquet``: see ``parquet_extra``.

A file carries its digest, which is checked before the library reads anything: some damages would end the process. It
stands between the rows and the footer, where readers never look, since a footer names all places from the beginning.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from functools import cache
from io import BytesIO, RawIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec
from arro3.core import Array, DataType, Field, RecordBatch, RecordBatchReader, Schema, Table
from arro3.io import read_ipc_stream, read_parquet, write_ipc_stream
from arro3.io import write_parquet as _write_parquet
from msgspec import Struct

from cx_events.archive.rows import Row, row_of
from cx_events.errors import Refused
from cx_events.log.headers import topic_headers
from cx_events.log.port import LogRecord

if TYPE_CHECKING:
    from typing_extensions import Buffer

FORMAT = "throughline-replay"
VERSION = 1
ABOUT = "throughline"
"""The key of the file's metadata below which ``About`` stands as JSON."""

READ_ROWS = 500
_END = b"\xff\xff\xff\xff\x00\x00\x00\x00"
"""The end of an Arrow stream, which every batch would bring along."""
_MAGIC = b"PAR1"
_TAIL = 8
"""Bytes of the footer's length and the magic number after it."""
_SEAL = b"throughline-sha256:"
"""What stands before the digest of all other bytes of the file."""
_SEAL_BYTES = len(_SEAL) + hashlib.sha256().digest_size
_READ_BYTES = 1 << 20
_TEXT, _TIME = DataType.utf8(), DataType.timestamp("us", tz="UTC")
_TYPES = {
    "partition": DataType.int32(),
    "offset": DataType.int64(),
    "logged_at": _TIME,
    "time": _TIME,
    "recorded_at": _TIME,
    "key": DataType.binary(),
    "value": DataType.binary(),
}
_ALWAYS = ("topic", "partition", "offset", "logged_at", "replay_id", "key", "value")
_SCHEMA = Schema([Field(name, _TYPES.get(name, _TEXT), nullable=name not in _ALWAYS) for name in Row._fields])
_READ = ("topic", "partition", "offset", "logged_at", "key", "value")
_ONCE: Any = {"offset": False, "key": False, "value": False, "id": False}
"""Columns whose values differ in nearly every row: a dictionary of them would be of no use."""


class About(Struct, frozen=True, kw_only=True):
    """``id``: of the replay. ``begins``, ``ends``: the offsets that it read, by partition."""

    format: str = FORMAT
    version: int = VERSION
    id: str
    software: str
    topic: str
    records: int
    begins: dict[int, int]
    ends: dict[int, int]


@cache
def head() -> bytes:
    """Return what an Arrow stream of rows begins with."""
    return _stream_of(Table.from_batches([], schema=_SCHEMA))


def batch_bytes(records: Sequence[LogRecord], replay: str) -> bytes:
    """Return records as what follows in an Arrow stream, compressed."""
    columns = zip(*[row_of(record, replay) for record in records], strict=True)
    arrays = [_array(name, values) for name, values in zip(Row._fields, columns, strict=True)]
    return _stream_of(RecordBatch.from_arrays(arrays, schema=_SCHEMA))[len(head()) :]


def _array(name: str, values: Sequence[object]) -> Array:
    kind = _TYPES.get(name, _TEXT)
    return Array(values, type=DataType.int64()).cast(_TIME) if kind == _TIME else Array(values, type=kind)


def _stream_of(rows: Table | RecordBatch) -> bytes:
    file = BytesIO()
    write_ipc_stream(rows, file, compression="zstd")
    return file.getvalue().removesuffix(_END)


def write_parquet(stream: Path, target: BinaryIO, about: About, group_rows: int) -> None:
    """Write the Parquet file of a whole Arrow stream, ``group_rows`` rows in memory at a time.

    ``target``: empty, for reading and writing. Raises ``OSError`` of the target, ``Refused("target-changed")`` where
    the stream is not what was written.
    """
    guarded = _Guarded(target)
    file: Any = guarded  # the library's type wants all that a file can do
    try:
        _write_parquet(
            read_ipc_stream(stream),
            file,
            column_dictionary_enabled=_ONCE,
            compression="zstd(3)",
            created_by=f"throughline {about.software}".rstrip(),
            key_value_metadata={ABOUT: msgspec.json.encode(about).decode()},
            max_row_group_size=group_rows,
            skip_arrow_metadata=True,
        )
    except OSError:
        raise
    except Exception as error:
        raise Refused("target-changed", f"{stream} is damaged: {str(error)[:200]}") from None
    if guarded.error is not None:
        raise guarded.error
    _seal(target, guarded.digest.digest())


def _seal(file: BinaryIO, digest: bytes) -> None:
    """Put a digest before the footer."""
    file.seek(-_TAIL, os.SEEK_END)
    footer = int.from_bytes(file.read(4), "little") + _TAIL
    file.seek(-footer, os.SEEK_END)
    content = file.read()
    file.seek(-footer, os.SEEK_END)
    file.write(_SEAL + digest + content)


class _Guarded(RawIOBase):
    """A file whose first error is kept for later: raised within a write, it would be a panic of the library."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.error: OSError | None = None

    def write(self, content: Buffer) -> int:
        self.digest.update(content)
        if self.error is None:
            try:
                self._file.write(content)
            except OSError as error:
                self.error = error
        return memoryview(content).nbytes


class ParquetFile:
    """A Parquet file that a replay wrote. ``Refused``: ``no-such-file``, ``other-format``, ``damaged-file``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with path.open("rb") as file:
                _check_seal(path, file)
        except OSError as error:
            raise Refused("no-such-file", f"{path} can't be read: {error.strerror}") from None
        found = self._open().schema.metadata.get(ABOUT.encode())
        try:
            self.about = msgspec.json.decode(found or b"{}", type=About)
        except msgspec.MsgspecError:
            raise Refused("other-format", f"{path} is no file of a replay: its metadata has no {ABOUT!r}") from None
        if (self.about.format, self.about.version) != (FORMAT, VERSION):
            raise Refused(
                "other-format", f"{path} is of another version: use the release that wrote it, or a later one"
            )

    def _open(self) -> RecordBatchReader:
        return read_parquet(self._path, batch_size=READ_ROWS)

    def records(self) -> Iterator[list[LogRecord]]:
        """Yield all records, ``READ_ROWS`` at a time."""
        for rows in self._open():
            batch = RecordBatch.from_arrow(rows)
            columns = {name: batch.column(name) for name in _READ}
            columns["logged_at"] = columns["logged_at"].cast(DataType.int64())
            yield [
                LogRecord(topic, number, offset, key, value, at // 1000, headers=topic_headers(topic, value))
                for topic, number, offset, at, key, value in zip(
                    *[column.to_pylist() for column in columns.values()], strict=True
                )
            ]


def _check_seal(path: Path, file: BinaryIO) -> None:
    """Hold a file against the digest that it carries."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _TAIL))
    tail = file.read()
    seal = size - _TAIL - int.from_bytes(tail[:4], "little") - _SEAL_BYTES
    if tail[4:] != _MAGIC or seal < len(_MAGIC):
        raise Refused("damaged-file", f"{path} is no whole Parquet file")
    file.seek(seal)
    found = file.read(_SEAL_BYTES)
    if not found.startswith(_SEAL):
        raise Refused("other-format", f"{path} is no file of a replay: it carries no digest")
    digest = hashlib.sha256()
    for begin, end in ((0, seal), (seal + _SEAL_BYTES, size)):
        file.seek(begin)
        for at in range(begin, end, _READ_BYTES):
            digest.update(file.read(min(_READ_BYTES, end - at)))
    if digest.digest() != found[len(_SEAL) :]:
        raise Refused("damaged-file", f"{path} is not what was written: its digest is another one")
