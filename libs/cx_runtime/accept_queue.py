"""Take in the connections that wait at a listening socket before it closes: the system has told them that they are
connected, and closing the socket would reset them.
"""

from __future__ import annotations

import ctypes
import socket
import struct

_SO_ATTACH_FILTER = 26
"""Linux, ``socket(7)``."""

_PASS_ALL_BUT_FIRST_PACKETS = b"".join(
    struct.pack("=HBBI", *instruction)
    for instruction in (
        (0x30, 0, 0, 13),  # load the byte of TCP's flags
        (0x54, 0, 0, 0x12),  # of them SYN and ACK
        (0x15, 0, 1, 0x02),  # SYN alone: a new connection
        (0x06, 0, 0, 0),  # drop it
        (0x06, 0, 0, 0xFFFFFFFF),
    )
)


def turn_away(listener: socket.socket) -> bool:
    """Let nobody else connect, while those who wait stay. Whoever comes now tries again after a second, as after any
    lost packet, and is refused if the socket is closed by then. False where the system has no such filters."""
    program = ctypes.create_string_buffer(_PASS_ALL_BUT_FIRST_PACKETS)
    count = len(_PASS_ALL_BUT_FIRST_PACKETS) // 8
    try:
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", count, ctypes.addressof(program)))
    except OSError:
        return False
    return True


def accept_waiting(listener: socket.socket, at_most: int | None = None) -> list[socket.socket]:
    """All who wait now, or the first of them. The listener must not block."""
    accepted: list[socket.socket] = []
    while at_most is None or len(accepted) < at_most:
        try:
            accepted.append(listener.accept()[0])
        except OSError:  # nobody waits any more
            break
    return accepted
