"""Bound chat sockets and the files that visitors send."""

from __future__ import annotations

from dataclasses import dataclass

from cx_runtime.rates import Rate

OPENED = Rate(10.0, 100.0)
FILES_OF_VISITOR = Rate(1 / 30, 10.0)
FILES_OF_ADDRESS = Rate(1 / 3, 50.0)


@dataclass(frozen=True, slots=True)
class ChatLimits:
    """Bound one chat socket, and all of them.

    ``burst`` messages at once and ``per_second`` in the long run; after ``tolerated`` refusals the socket is closed.
    ``silent_seconds``: so long may a new chat stay open in which nothing was said.
    ``waiting``: messages to a browser that it has not taken yet, and their ``waiting_bytes``, above which it counts as
    stalled. ``opened``: handshakes of one address at one connection, since to open and close a socket costs the process
    more than to keep one. ``files``: under way at once, from the first byte until they are durable;
    ``files_of_visitor``, ``files_of_address``: how often one chat, and one address at one connection, may send any.
    """

    message_bytes: int = 16 << 10
    hello_seconds: float = 10.0
    silent_seconds: float = 900.0
    send_seconds: float = 10.0
    burst: int = 20
    per_second: float = 2.0
    tolerated: int = 50
    waiting: int = 100
    waiting_bytes: int = 1 << 20
    sockets: int = 10_000
    opened: Rate = OPENED
    sockets_of_one: int = 5
    files: int = 20
    files_of_visitor: Rate = FILES_OF_VISITOR
    files_of_address: Rate = FILES_OF_ADDRESS
