"""Run child processes that answer one request at a time, and that can be killed, which a thread can't be.

    child = await ChildProcess.start([sys.executable, "-m", "some.module"], seconds=20.0)
    async with asyncio.timeout(10.0):
        head, parts = await child.ask(request, [body])     # one of ``GONE`` where the process is gone
    ...
    await child.kill()

A message between the two is the length of a JSON head (8 bytes, big-endian), the head, and the byte strings whose
``lengths`` the head names. Nothing is unpickled: a child may have been taken over by what it read. The first message
that a child writes says that it is ready.
"""

from __future__ import annotations

import asyncio
import contextlib
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from typing import BinaryIO

import msgspec

GONE = (OSError, EOFError, TimeoutError, msgspec.MsgspecError)
"""What a broken, silent or lying child raises. Kill it then: its next answer may be to the request before."""

_HEAD_BYTES = 8
_MAX_MESSAGE = 512 << 20


class Head(msgspec.Struct):
    """Base of every head. ``lengths``: of the byte strings that follow."""

    lengths: list[int] = []


Message = tuple[bytes, list[bytes]]
"""A head as JSON, and the byte strings after it."""


class ChildProcess:
    """One process and the pipes to it. Use from one event loop, one request at a time."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._in = process.stdin
        self._out = process.stdout

    @classmethod
    async def start(cls, command: Sequence[str], *, seconds: float, first: bytes = b"") -> ChildProcess:
        """Return a child that has said that it is ready. ``first``: the head of a message that it is sent before, which
        may hold what has no place among arguments. Raises one of ``GONE`` where it does not come up in ``seconds``."""
        child = cls(await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL))
        try:
            async with asyncio.timeout(seconds):
                if first:
                    await child._send(first, ())
                await child._read()
        except BaseException:
            await child.kill()
            raise
        return child

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def ask(self, head: Head, parts: Sequence[bytes] = ()) -> Message:
        """Send a request, whose ``lengths`` are set here, and return the answer. Raises one of ``GONE``."""
        head.lengths = [len(part) for part in parts]
        await self._send(msgspec.json.encode(head), parts)
        return await self._read()

    async def _send(self, head: bytes, parts: Sequence[bytes]) -> None:
        self._in.write(_length(head) + head)
        for part in parts:
            self._in.write(part)
        await self._in.drain()

    async def _read(self) -> Message:
        size = int.from_bytes(await self._out.readexactly(_HEAD_BYTES), "big")
        if size > _MAX_MESSAGE:
            raise EOFError("a child's answer has no sensible length")
        head = await self._out.readexactly(size)
        lengths = msgspec.json.decode(head, type=Head).lengths
        if any(length < 0 for length in lengths) or sum(lengths) > _MAX_MESSAGE:
            raise EOFError("a child's answer has no sensible length")
        return head, [await self._out.readexactly(length) for length in lengths]

    async def kill(self) -> None:
        """End the process now and wait for its end."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._in.close()
        await self._process.wait()


# --- what runs inside the process ------------------------------------------------------------------------------------


def read_message(source: BinaryIO) -> Message:
    """Return the next message of the parent. Raises ``EOFError`` where the parent is gone."""
    head = _read_all(source, int.from_bytes(_read_all(source, _HEAD_BYTES), "big"))
    return head, [_read_all(source, length) for length in msgspec.json.decode(head, type=Head).lengths]


def _read_all(source: BinaryIO, size: int) -> bytes:
    found = source.read(size)
    if len(found) < size:
        raise EOFError
    return found


def write_message(sink: BinaryIO, head: Head, parts: Sequence[bytes] = ()) -> None:
    """Send an answer, whose ``lengths`` are set here; the first one says that the process is ready."""
    head.lengths = [len(part) for part in parts]
    encoded = msgspec.json.encode(head)
    sink.write(_length(encoded) + encoded)
    for part in parts:
        sink.write(part)
    sink.flush()


def _length(head: bytes) -> bytes:
    return len(head).to_bytes(_HEAD_BYTES, "big")
