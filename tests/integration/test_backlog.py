"""A listening socket is closed: whoever was connected by then is accepted, whoever comes later is refused."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from cx_runtime.accept_queue import accept_waiting, turn_away


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.setblocking(False)
        yield made


def test_waiting_connections_are_accepted_up_to_the_given_number(listener: socket.socket) -> None:
    waiting = [socket.create_connection(listener.getsockname()) for _ in range(3)]
    accepted = accept_waiting(listener, 2)
    assert len(accepted) == 2
    accepted += accept_waiting(listener)
    assert len(accepted) == 3
    assert accept_waiting(listener) == []
    for each in waiting + accepted:
        each.close()


def test_turning_away_serves_the_connected_and_refuses_newcomers(listener: socket.socket) -> None:
    address = listener.getsockname()
    with socket.create_connection(address) as early:
        if not turn_away(listener):
            pytest.skip("this system has no socket filters")
        early.sendall(b"asked")
        with pytest.raises(TimeoutError):
            socket.create_connection(address, timeout=0.2)
        (accepted,) = accept_waiting(listener)
        with accepted:
            accepted.setblocking(True)
            assert accepted.recv(5) == b"asked"
            listener.close()
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(address)


def test_connections_during_closing_are_never_reset(listener: socket.socket) -> None:
    """Twelve threads beside this one: it often loses its turn between its last look and the closing."""
    address = listener.getsockname()
    ended: Counter[str] = Counter()

    def connect_again_and_again() -> None:
        while True:
            try:
                with socket.create_connection(address) as connection:
                    connection.sendall(b"?")
                    answer = connection.recv(1)
            except ConnectionRefusedError:
                return
            except ConnectionError:
                ended["reset"] += 1
                return
            ended["answered" if answer == b"!" else "cut off"] += 1

    threads = [threading.Thread(target=connect_again_and_again) for _ in range(12)]
    for each in threads:
        each.start()
    while ended["answered"] < 500:
        _answer(accept_waiting(listener))
    if not turn_away(listener):
        listener.close()
        pytest.skip("this system has no socket filters")
    _answer(accept_waiting(listener))
    listener.close()
    for each in threads:
        each.join()
    assert ended["answered"] >= 500
    assert ended["reset"] == ended["cut off"] == 0


def _answer(accepted: list[socket.socket]) -> None:
    for each in accepted:
        with each:
            each.setblocking(True)
            if each.recv(1):
                each.sendall(b"!")
