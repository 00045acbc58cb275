"""Read server-sent events out of bytes, as they come.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from __future__ import annotations

from typing import NamedTuple

MOST_BYTES = 64 << 20
"""Bytes of one event, so that a stream that never ends a block does not fill the memory."""

_BOM = b"\xef\xbb\xbf"


class Block(NamedTuple):
    """One event. ``id``: the last that was told, in this block or before."""

    name: str
    id: str
    data: str


class TooLong(ValueError):
    """A block that never ends."""


class EventStreamReader:
    """Reads one connection. ``last_id`` and ``retry`` (milliseconds, None until told) are kept up to date."""

    def __init__(self, last_id: str = "") -> None:
        self.last_id = last_id
        self.retry: int | None = None
        self._rest = bytearray()
        self._searched = 0
        self._begun = False
        self._after_cr = False
        self._name = ""
        self._id = last_id
        self._data: list[str] = []
        self._data_bytes = 0

    def read(self, content: bytes) -> list[Block]:
        """Return the events that these bytes complete. Raises ``TooLong``."""
        self._rest += content
        if not self._begun:
            if len(self._rest) < len(_BOM) and _BOM.startswith(self._rest):
                return []
            if self._rest.startswith(_BOM):
                del self._rest[: len(_BOM)]
            self._begun = True
        found = []
        for line in self._lines():
            block = self._line(line)
            if block is not None:
                found.append(block)
        if len(self._rest) + self._data_bytes > MOST_BYTES:
            raise TooLong(f"an event of the stream has more than {MOST_BYTES} bytes")
        return found

    def _lines(self) -> list[bytes]:
        """Take all whole lines; they end with CR LF, LF or CR, and a CR may be the last byte for now."""
        whole, lines, at = self._rest, [], 0
        if self._after_cr and whole:
            at = 1 if whole[:1] == b"\n" else 0
            self._after_cr = False
        search = max(at, self._searched)
        while True:
            ends = [place for place in (whole.find(b"\n", search), whole.find(b"\r", search)) if place >= 0]
            if not ends:
                break
            end = min(ends)
            lines.append(bytes(whole[at:end]))
            at = end + 1
            if whole[end : end + 1] == b"\r":
                if at == len(whole):
                    self._after_cr = True
                elif whole[at : at + 1] == b"\n":
                    at += 1
            search = at
        del whole[:at]
        self._searched = len(whole)
        return lines

    def _line(self, line: bytes) -> Block | None:
        if not line:
            return self._end()
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
            self._data_bytes += len(line)
        elif name == "event":
            self._name = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry = int(value[:9])
        return None

    def _end(self) -> Block | None:
        self.last_id = self._id
        name, data = self._name or "message", self._data
        self._name, self._data, self._data_bytes = "", [], 0
        return Block(name, self.last_id, "\n".join(data)) if data else None
