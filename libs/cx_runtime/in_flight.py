"""Limit what one process has in flight: requests, sockets, streams and bytes, shared fairly (``shares``).

``cx_runtime.load_shedding`` turns away what would be more, before anything of its body is read. Whoever comes is a
stranger, by address, until a key or a signature has shown whose request it is (``claim``). Who is let in may still be
refused while its body is read (``hold``), since what bodies declare is not what they are. Nothing is taken and then
dropped.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

from cx_events.errors import Busy, TooFast
from cx_runtime.addresses import NOBODY, Addresses
from cx_runtime.metrics import Metrics
from cx_runtime.rates import Rate
from cx_runtime.shares import STRANGERS, Path, Pool, Share, Slot, address, customer, tenant

MAX_REQUESTS = 500
MAX_BYTES = 16 << 20
MAX_CONNECTIONS = 10_000
MAX_STREAMS = 5_000

PACE = Rate(20.0, 100.0)
"""Refusals of one address or tenant: so many are said at once, the others one after another at this rate."""

LONGEST_PAUSE_SECONDS = 15.0
"""Clients commonly wait for an answer for 30 seconds."""

_MOST_PACED = 10_000

_REFUSED = frozenset({401, 403, 408, 413, 429})
"""Of what a tenant itself is told. Bodies that are too large or too slow cost the hub most of all."""

_PROXY = Share("proxy", "", 1.0)
"""Trusted proxies bound the connections of their clients themselves."""

Client = tuple[str, int]


class InFlight:
    """``max_requests``: under way at once; ``max_bytes``: of their bodies in memory, as sent and as decompressed;
    ``max_connections``: open at once, WebSockets among them; ``max_streams``: answers that go on until somebody leaves.
    One request alone may have a body above ``max_bytes``. ``tenant_share``: see ``shares.share_among``. ``pace``: how
    many refusals are said at once; without it all are.

    ``leaving``: set when the process is to stop: each answer is then the last of its connection.
    """

    def __init__(
        self,
        metrics: Metrics,
        *,
        max_requests: int = MAX_REQUESTS,
        max_bytes: int = MAX_BYTES,
        max_connections: int = MAX_CONNECTIONS,
        max_streams: int = MAX_STREAMS,
        tenant_share: float = 1.0,
        addresses: Addresses = Addresses(),
        pace: Rate | None = None,
    ) -> None:
        self.addresses = addresses
        self._leaving = False
        self.metrics = metrics
        self.request_slots = Pool("requests", max_requests)
        self.body_bytes = Pool("bytes", max_bytes)
        self.stream_slots = Pool("streams", max_streams)
        self._connections = Pool("connections", max_connections)
        self._surplus = Pool("connections", max_connections // 10 + 10)
        self._slots_of: dict[Client, Slot] = {}
        self._tenant_share = tenant_share
        self._pacer = Pacer(pace) if pace is not None else None
        metrics.requests_open.set_function(lambda: self.requests)
        metrics.request_bytes.set_function(lambda: self.bytes)
        metrics.streams_open.set_function(lambda: self.streams)

    @property
    def leaving(self) -> bool:
        return self._leaving

    @leaving.setter
    def leaving(self, leaving: bool) -> None:
        self._leaving = leaving
        if leaving and self._pacer is not None:
            self._pacer.end()

    @property
    def requests(self) -> int:
        return self.request_slots.held

    @property
    def bytes(self) -> int:
        return self.body_bytes.held

    @property
    def streams(self) -> int:
        return self.stream_slots.held

    def busy(self, reason: str, detail: str) -> Busy:
        """Counted where it is answered."""
        return Busy("hub", reason, detail)

    def tenant(self, name: str) -> Share:
        return tenant(name, self._tenant_share)

    def connected(self, client: Client) -> Busy | TooFast | None:
        """Count a new connection until ``disconnected``; or why it is one too many. Raises that for one of too many
        surplus ones."""
        path: Path = (_PROXY,)
        if not self.addresses.trusts(client[0]):
            path = (STRANGERS, address(self.addresses.of(client[0], {})))
        try:
            self._slots_of[client] = self._connections.take(path)
        except (Busy, TooFast) as refused:
            try:
                self._slots_of[client] = self._surplus.take(path[-1:])
            except (Busy, TooFast):
                raise refused from None
            return refused
        return None

    def disconnected(self, client: Client) -> None:
        slot = self._slots_of.pop(client, None)
        if slot is not None:
            slot.end()

    def connection_of(self, client: Client | None) -> Slot | None:
        """Return what the connection of a request holds, for ``claim`` to move to its owner."""
        slot = self._slots_of.get(client) if client is not None else None
        return slot if slot is not None and slot.pool is self._connections else None

    async def pause(self, who: str) -> None:
        """Before somebody is told once more that something is refused."""
        if self._pacer is not None:
            await self._pacer.pause(who)


class Pacer:
    """Paces the refusals of each address or tenant, so that a client that asks again at once gets them no faster than
    at ``rate``, however many connections it uses. None waits for more than ``LONGEST_PAUSE_SECONDS``. The latest
    ``most`` addresses and tenants are remembered."""

    def __init__(self, rate: Rate = PACE, most: int = _MOST_PACED, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock``: seconds, monotonic."""
        self._rate = rate
        self._most = most
        self._clock = clock
        self._until: OrderedDict[str, float] = OrderedDict()
        self._over = asyncio.Event()

    def count(self, who: str) -> float:
        """Count a refusal, and return the seconds to wait before it is said.

        This is the generic cell rate algorithm (ITU-T I.371): remembered is the moment until which the refusals so far
        fill the rate, which may lie ahead by a burst without a wait. A refusal that waits for the longest pause is not
        added, so that whoever stops asking is answered at once again soon.
        """
        now = self._clock()
        until = max(self._until.pop(who, now), now)
        seconds = min(max(until + (1.0 - self._rate.burst) / self._rate.per_second - now, 0.0), LONGEST_PAUSE_SECONDS)
        self._until[who] = until if seconds == LONGEST_PAUSE_SECONDS else until + 1.0 / self._rate.per_second
        if len(self._until) > self._most:
            self._until.popitem(last=False)
        return seconds

    async def pause(self, who: str) -> None:
        """Count a refusal, and return when it may be said."""
        seconds = self.count(who)
        if not seconds or self._over.is_set():
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._over.wait()

    def end(self) -> None:
        """End all pauses, now and from now on: nobody shall wait for a process that stops."""
        self._over.set()

    def __len__(self) -> int:
        return len(self._until)


class Held:
    """One request's share; ``end`` gives it back. ``owner``: whose it is, a stranger's by address at first."""

    __slots__ = ("_body", "_connection", "_slot", "address", "load", "owner", "streams")

    def __init__(self, load: InFlight, scope: Mapping[str, Any]) -> None:
        client = scope.get("client")
        self.load = load
        self.address = address_of(load.addresses, scope)
        self.owner: Path = (STRANGERS, address(self.address))
        self.streams = False
        self._connection = load.connection_of(client)
        self._body = Slot(load.body_bytes, self.owner)
        self._slot: Slot | None = None

    @classmethod
    def begin(cls, load: InFlight, scope: Mapping[str, Any]) -> Held:
        """For the task that asks, alone: the server runs each request in one of its own. ``Busy``, ``TooFast``."""
        held = cls(load, scope)
        if scope["type"] == "http":
            held._slot = load.request_slots.take(held.owner)
        _held.set(held)
        return held

    def claim(self, tenant: Share, who: Share) -> None:
        """It is this tenant's. ``TooFast`` where that has used up a share."""
        owner = (tenant, who)
        if owner == self.owner:
            return
        if self._connection is not None:
            self._connection.move((tenant,))
        self.owner = owner
        if self._slot is not None:
            self._slot.move(owner)
        self._body.move((tenant,))

    def hold(self, count: int) -> None:
        self._body.grow(count)

    def stream(self, followed: str) -> None:
        """See ``stream``."""
        if self.streams or self._slot is None:
            return
        slot = self.load.stream_slots.take((*self.owner, customer(followed)))
        self._slot.end()
        self._slot = slot
        self.streams = True

    @property
    def bytes(self) -> int:
        return self._body.amount

    def end(self) -> None:
        if self._slot is not None:
            self._slot.end()
        self._body.end()

    async def pause(self, status: int) -> None:
        """See ``pause``."""
        first = self.owner[0]
        if first is STRANGERS:
            self.end()
            await self.load.pause(self.address)
        elif status in _REFUSED:
            self.end()
            await self.load.pause(f"{first.kind} {first.name}")


_held: ContextVar[Held | None] = ContextVar("held", default=None)


def address_of(addresses: Addresses, scope: Mapping[str, Any]) -> str:
    """Return the address of whoever sends a request."""
    client = scope.get("client")
    peer = client[0] if client else ""
    if not addresses.trusts(peer):
        return addresses.of(peer, {})
    named = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return addresses.of(peer, {"x-forwarded-for": ",".join(named)})


def claim(tenant: str, who: Share) -> None:
    """Count a request for its tenant from now on, and for the key or connection ``who`` of it. Raises ``TooFast`` where
    one of them has used up its share.

    Outside of a door nothing is counted; so with the functions below.
    """
    held = _held.get()
    if held is not None:
        held.claim(held.load.tenant(tenant), who)


def asker() -> str:
    """The address of who asks."""
    held = _held.get()
    return held.address if held is not None else NOBODY


def hold(count: int) -> None:
    """Count bytes that this request keeps from now on until its end. ``Busy``, ``TooFast`` where there is no room for
    them."""
    held = _held.get()
    if held is not None:
        held.hold(count)


def stream(followed: str) -> None:
    """From now on this request's answer goes on until somebody leaves: it counts among the streams, not among the
    requests that are to end soon. ``followed``: what it follows. ``Busy``, ``TooFast`` where there is no room for it.
    """
    held = _held.get()
    if held is not None:
        held.stream(followed)


async def pause(status: int) -> None:
    """Before a refusal is said: not at once to whoever is refused again and again. Nothing is held meanwhile but the
    connection. A tenant's own questions may well find nothing (404), which is no reason to wait."""
    held = _held.get()
    if held is not None:
        await held.pause(status)
