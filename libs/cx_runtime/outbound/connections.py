"""Connect to addresses that were checked: a name is resolved once, and what was checked is connected to.

A check of the name alone could be passed by a name that resolves to something else a moment later (DNS rebinding).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from typing import Any

import httpcore2

_MOST_ADDRESSES = 4
"""Addresses of one name that are tried."""


class NotReachable(httpcore2.ConnectError):
    """A name that has no address which may be reached."""


class CheckedConnections(httpcore2.AsyncNetworkBackend):
    """``reaches``: whether an address may be connected to. ``resolvers``: threads for the system's resolver, apart from
    the process's others: names that nobody answers for must not hold those up."""

    def __init__(self, reaches: Callable[[str], bool], resolvers: Executor) -> None:
        self._reaches = reaches
        self._resolvers = resolvers
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address of a host that may be reached and answers, within ``timeout`` for all of them.

        Raises ``NotReachable``, or another ``httpcore2.ConnectError`` or ``ConnectTimeout``.
        """
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._addresses(host, port)
                reached = [each for each in addresses if self._reaches(each)][:_MOST_ADDRESSES]
                if not reached:
                    raise NotReachable(f"{host} has no address that may be reached")
                return await self._first(reached, port, local_address, socket_options)
        except TimeoutError:
            raise httpcore2.ConnectTimeout(f"{host}: no connection in {timeout} s") from None

    async def _addresses(self, host: str, port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(
                self._resolvers, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            )
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"{host} has no address: {error}") from None
        return list(dict.fromkeys(str(each[4][0]) for each in found))

    async def _first(
        self, addresses: list[str], port: int, local_address: str | None, socket_options: Iterable[Any] | None
    ) -> httpcore2.AsyncNetworkStream:
        for number, address in enumerate(addresses, start=1):
            try:
                return await self._inner.connect_tcp(address, port, None, local_address, socket_options)
            except httpcore2.ConnectError:
                if number == len(addresses):
                    raise
        raise NotReachable("no address")
