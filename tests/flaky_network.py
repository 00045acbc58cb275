"""A network between a client and a hub that fails when it is told to: a TCP proxy in threads of its own.

Each request has a connection of its own to the hub, closed after the answer, so that each can meet another fate.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.patience import PATIENCE


@dataclass
class Network:
    """``url``: in front of the hub's. ``fates``: of the next requests, in order; then all pass. ``met``: how many of
    each.

    ``pass``; ``503`` and ``429`` with Retry-After; ``reset``: the connection breaks before the hub sees anything;
    ``lost``: the hub does it, and its answer is lost; ``half``: the answer's first bytes come, and break off;
    ``mute``: the answer's head comes, and then no byte.
    """

    url: str
    hub: tuple[str, int]
    fates: deque[str] = field(default_factory=deque)
    met: Counter[str] = field(default_factory=Counter)
    down: bool = False
    _open: set[socket.socket] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def cut(self) -> None:
        """Break all connections."""
        with self._lock:
            broken = list(self._open)
        for each in broken:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            if self.down:
                _reset(client)
                continue
            threading.Thread(target=self._guarded, args=(client,), daemon=True).start()

    def _guarded(self, client: socket.socket) -> None:
        with self._lock:
            self._open.add(client)
        try:
            with contextlib.suppress(OSError):
                self._exchange(client)
        finally:
            with self._lock:
                self._open.discard(client)
            client.close()

    def _exchange(self, client: socket.socket) -> None:
        request = _request(client)
        if not request:
            return
        with self._lock:
            fate = self.fates.popleft() if self.fates else "pass"
            self.met[fate] += 1
        if fate in ("503", "429"):
            client.sendall(
                f"HTTP/1.1 {fate} Later\r\nretry-after: 0\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode()
            )
            return
        if fate == "reset":
            _reset(client)
            return
        with socket.create_connection(self.hub, timeout=PATIENCE) as hub:
            with self._lock:
                self._open.add(hub)
            try:
                hub.sendall(request)
                self._answer(client, hub, fate)
            finally:
                with self._lock:
                    self._open.discard(hub)

    def _answer(self, client: socket.socket, hub: socket.socket, fate: str) -> None:
        if fate == "lost":
            while hub.recv(1 << 16):  # to the end: the hub has done it
                pass
            _reset(client)
            return
        if fate == "half":
            client.sendall(hub.recv(1 << 16)[:-10])
            _reset(client)
            return
        while content := hub.recv(1 << 16):
            client.sendall(content)
            if fate == "mute":
                while hub.recv(1 << 16):  # what the hub says goes nowhere
                    pass


def _reset(client: socket.socket) -> None:
    """Close a connection so that the other side sees a reset, not an end."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    client.close()


def _request(client: socket.socket) -> bytes:
    """Return one request whose body has a declared length, changed so that its connection ends with the answer."""
    content = b""
    while b"\r\n\r\n" not in content:
        more = client.recv(1 << 16)
        if not more:
            return b""
        content += more
    head, _, body = content.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    declared = [int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:")]
    while len(body) < sum(declared):
        body += client.recv(1 << 16)
    kept = [line for line in lines if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([*kept, b"connection: close", b"", body])


@contextmanager
def flaky_network(hub_url: str) -> Iterator[Network]:
    """Yield a network in front of a hub."""
    place = urlsplit(hub_url)
    assert place.hostname is not None
    assert place.port is not None
    listener = socket.create_server(("127.0.0.1", 0))
    network = Network(f"http://127.0.0.1:{listener.getsockname()[1]}", (place.hostname, place.port))
    serving = threading.Thread(target=network.serve, args=(listener,), daemon=True)
    serving.start()
    try:
        yield network
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        network.cut()
        serving.join(PATIENCE)
