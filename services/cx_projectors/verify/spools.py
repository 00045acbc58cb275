"""Write files of what is checked later: lists of plain values in compressed chunks, appended and read in order.

They hold people's conversations, so nobody else may read them. A chunk that was not written whole, since the process
was killed, is not there: the next writer goes on before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec
from cramjam import lz4

from cx_events.private_files import make_file

CHUNK_BYTES = 64 << 10
_HEAD_BYTES = 8

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode

Item = Any
"""What MessagePack takes; a tuple is read as a list."""


class Spool:
    """A file of items that one process appends to. ``size`` of an item: about how many bytes it has."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._items: list[Item] = []
        self._bytes = 0
        self._is_ready = False

    def add(self, item: Item, size: int) -> None:
        """Append an item; it is in the file after ``flush``, or once enough have come."""
        self._items.append(item)
        self._bytes += size
        if self._bytes > CHUNK_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what was added."""
        if not self._is_ready:
            self._prepare()
        if self._items:
            body = bytes(lz4.compress_block(_encode(self._items), store_size=True))
            with self.path.open("ab") as file:
                file.write(len(body).to_bytes(4) + crc32(body).to_bytes(4) + body)
            self._items, self._bytes = [], 0

    def _prepare(self) -> None:
        """Make the file, or cut off what a process that was killed left of its last chunk."""
        make_file(self.path)
        whole = sum(_HEAD_BYTES + len(body) for body in _chunks(self.path))
        with self.path.open("r+b") as file:
            file.truncate(whole)
        self._is_ready = True


def read_items(path: Path) -> Iterator[Item]:
    """Yield the items of a file in order; none where there is no file."""
    if path.exists():
        for body in _chunks(path):
            yield from _decode(lz4.decompress_block(body))


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while len(head := file.read(_HEAD_BYTES)) == _HEAD_BYTES:
            body = file.read(int.from_bytes(head[:4]))
            if len(body) != int.from_bytes(head[:4]) or crc32(body) != int.from_bytes(head[4:]):
                return
            yield body
