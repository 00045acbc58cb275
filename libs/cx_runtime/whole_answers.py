"""Write an answer whose body is known as a whole at once: head and body in one write.

ASGI sends the head and the body as two messages, and uvicorn writes each to the socket. One such system call costs half
of what checking an event does.
"""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from functools import lru_cache
from typing import Any
from weakref import ref

from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import HEADER_RE, HEADER_VALUE_RE, STATUS_LINE, RequestResponseCycle

Header = tuple[bytes, bytes]

_CYCLE = "cycle"
"""In a request's ``state``: a weak reference to uvicorn's state of this request and its answer."""

_MORE = "more headers"
"""In a request's ``state``: headers of its answer, whoever makes it."""

_CACHED = 1024
_LENGTH = b"content-length"


def offer(state: MutableMapping[str, Any], cycle: RequestResponseCycle) -> None:
    """Let ``write`` find the request's state. ``state``: that of the request's scope.

    The cycle holds the scope: a strong reference back would keep every request, its body included, until garbage is
    collected, which a hub seldom does.
    """
    state[_CYCLE] = ref(cycle)


def add_headers(state: MutableMapping[str, Any], headers: Sequence[Header]) -> None:
    """Let ``write`` add headers to the request's answer."""
    state[_MORE] = headers


def write(state: MutableMapping[str, Any], response: Response) -> bool:
    """Write a whole answer, and return whether it was; if not, it has to be sent as two messages.

    That is so for a server that offers nothing, for an answer without a declared length, for HEAD, and where the client
    reads so slowly that the writer has to wait.
    """
    offered: ref[RequestResponseCycle] | None = state.get(_CYCLE)
    cycle = offered() if offered is not None else None
    if (
        cycle is None
        or type(response) is not Response
        or response.background is not None
        or cycle.response_started
        or cycle.flow.write_paused
        or cycle.scope["method"] == "HEAD"
    ):
        return False
    body = response.body
    headers = [*response.raw_headers, *state[_MORE]] if _MORE in state else response.raw_headers
    head = _head(response.status_code, headers, len(body), last=not cycle.keep_alive)
    if head is None:
        return False
    cycle.response_started = cycle.response_complete = True
    cycle.waiting_for_100_continue = False
    cycle.message_event.set()
    if cycle.disconnected:
        return True
    cycle.transport.write(head + body)
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()
    return True


def _head(status: int, headers: Sequence[Header], length: int, *, last: bool) -> bytes | None:
    """Return the head of an answer, or None where uvicorn has to look at it."""
    lines = [STATUS_LINE[status]]
    declared = False
    for header in headers:
        if header[0] == _LENGTH:
            declared = header[1] == b"%d" % length
            lines.append(b"content-length: %d\r\n" % length)
        elif (line := _line(header)) is None:
            return None
        else:
            lines.append(line)
    if not declared and not (status == 204 and not length):
        return None
    lines.append(b"connection: close\r\n\r\n" if last else b"\r\n")
    return b"".join(lines)


@lru_cache(_CACHED)
def _line(header: Header) -> bytes | None:
    """Return a header's line, or None for one that means more than itself or is malformed."""
    name, value = header
    if name in (b"connection", b"transfer-encoding") or HEADER_RE.search(name) or HEADER_VALUE_RE.search(value):
        return None
    return name + b": " + value + b"\r\n"
