"""Read the mail that follows DATA, within the bounds of size and memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from cx_runtime.shares import Slot

CHUNK = 64 << 10
TOO_LARGE = "552 5.3.4 the mail is larger than SIZE allows"
NO_ROOM = "452 4.3.1 too much mail is on its way, try again later"

_PROGRESS = 16 << 10
_END = b"\r\n.\r\n"


class DataReader:
    """Reads one mail. ``progressed`` is called for every 16 KiB; ``refused`` with the reason where memory runs out."""

    def __init__(
        self, reader: Any, slot: Slot, max_bytes: int, progressed: Callable[[], None], refused: Callable[[str], None]
    ) -> None:
        self._reader = reader
        self._slot = slot
        self._limit = max_bytes
        self._progressed = progressed
        self._refused = refused
        self._size = self._counted = 0
        self._refusal = ""
        self._content = bytearray()

    async def read(self, hang_up: Callable[[], None]) -> tuple[str, bytes | None]:
        """Return the mail, its transparency undone (RFC 5321, section 4.5.2), and hold its bytes in the slot.

        For a mail that is too large, or for which there is no room, return the answer and None. It is read to its end
        all the same, so that the client hears why; a mail that does not end even then is cut by ``hang_up``.
        """
        self._reader._buffer[:0] = b"\r\n"  # so that a lone dot in the very first line ends the mail, too
        try:
            while not await self._read_piece(hang_up):
                pass
            if not self._refusal and self._size - len(_END) > self._limit:
                self._refusal = TOO_LARGE
            if self._refusal:
                return self._refusal, None
            del self._content[-3:]  # the dot and its line end; the line end before it is the mail's own
            mail = bytes(self._content.replace(b"\r\n.", b"\r\n"))[2:]
            self._slot.shrink(self._slot.amount - len(mail))
            self._content.clear()
            return "", mail
        finally:
            if self._content:  # the mail was cut off
                self._slot.end()

    async def _read_piece(self, hang_up: Callable[[], None]) -> bool:
        """Read up to the end of the mail or of the buffer; return whether the mail has ended."""
        try:
            piece = await self._reader.readuntil(_END)
            ended = True
        except asyncio.LimitOverrunError as overrun:
            piece = await self._reader.readexactly(overrun.consumed)
            ended = False
        self._size += len(piece)
        if self._size - self._counted >= _PROGRESS:
            self._counted = self._size
            self._progressed()
        if self._size > 4 * self._limit + CHUNK:
            hang_up()
            raise asyncio.CancelledError  # ends this client's task, as a hang-up of its own does
        if self._size - 2 * len(_END) > self._limit:
            self._refusal = TOO_LARGE
        elif not self._refusal and not has_room(self._slot, len(piece)):
            self._refusal = NO_ROOM
            self._refused("mail-bytes")
        if self._refusal:
            self._slot.end()
            self._content.clear()
        else:
            self._slot.grow(len(piece))
            self._content += piece
        return ended


def has_room(slot: Slot, more: int) -> bool:
    """Return whether the slot may grow by so many bytes."""
    return slot.pool.refusal(slot.path, more, slot.amount) is None
