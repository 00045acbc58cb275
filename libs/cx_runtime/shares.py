"""Share fairly what several need at once: streams, sockets, requests and their bytes, workers.

    streams = Pool("streams", 5_000)
    slot = streams.take((tenant("acme"), key("desk")))     # TooFast, or Busy
    ...
    slot.end()

A ``Pool`` admits or refuses, without waiting. Each holder is named by a path of ``Share``: its tenant, within that its
key, and so on. A part may hold at most its ``share`` of what its siblings leave free, and never less than one: with a
share of one half, the first tenant gets half of the pool, a second one half of the rest. So whoever comes late finds
room, nothing that is held need be taken away again, and nobody has to know how many will come.

It is of one process and of one event loop, and remembers only who holds something. Work that takes long waits instead:
``cx_runtime.fair_queue``.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil
from types import TracebackType
from typing import NamedTuple

from cx_events.errors import Busy, TooFast

RETRY_AFTER = 1
"""Seconds until somebody who was refused may try again."""

TENANT_SHARE = 0.5
"""Where several share a hub. A tenant that is alone may use what there is."""

_CACHED = 4096
"""Shares that are kept: each request has some."""

KEY_SHARE = 0.8
ADDRESS_SHARE = 0.1


class Share(NamedTuple):
    """One step of a path. ``kind``: what reasons call it (``tenant``). ``share``: of what its siblings leave free."""

    kind: str
    name: str
    share: float


Path = tuple[Share, ...]


@lru_cache(_CACHED)
def tenant(name: str, share: float = TENANT_SHARE) -> Share:
    return Share("tenant", name, share)


def share_among(tenants: int) -> float:
    """A tenant's share where there are so many."""
    return TENANT_SHARE if tenants > 1 else 1.0


@lru_cache(_CACHED)
def key(id: str) -> Share:
    return Share("key", id, KEY_SHARE)


@lru_cache(_CACHED)
def connection(id: str) -> Share:
    """A channel account of a tenant."""
    return Share("connection", id, KEY_SHARE)


def customer(name: str) -> Share:
    """Whatever is followed or read of one customer."""
    return Share("customer", name, ADDRESS_SHARE)


@lru_cache(_CACHED)
def address(name: str) -> Share:
    """A network address, as ``cx_runtime.addresses`` groups them."""
    return Share("address", name, ADDRESS_SHARE)


STRANGERS = Share("strangers", "", TENANT_SHARE)
"""All who have not shown who they are (yet)."""


def room(size: int, others: int, share: float) -> int:
    """Return how much one part may hold where its siblings hold ``others`` of ``size``."""
    return ceil((size - others) * share)


class _Node:
    """The sum that everything below one path holds. Kept as long as it is not zero."""

    __slots__ = ("below", "held", "parent", "part")

    def __init__(self, part: Share, parent: _Node | None) -> None:
        self.part = part
        self.parent = parent
        self.held = 0
        self.below: dict[Share, _Node] = {}


WHOLE = Share("", "", 1.0)


class Pool:
    """``size`` units. ``what`` they are, in the plural, for reasons and people."""

    def __init__(self, what: str, size: int) -> None:
        self.what = what
        self.size = size
        self._root = _Node(WHOLE, None)

    @property
    def held(self) -> int:
        """Return the sum that all hold together."""
        return self._root.held

    def of(self, path: Path) -> int:
        """Return the sum that everything below this path holds."""
        node = self._root
        for part in path:
            found = node.below.get(part)
            if found is None:
                return 0
            node = found
        return node.held

    def take(self, path: Path, amount: int = 1) -> Slot:
        """Hold so many units until the slot ends.

        ``TooFast`` (429, reason ``WHAT-of-KIND``) where a part has used up its share; ``Busy`` (503) where the pool is
        used up (``too-many-WHAT``), or what is left to strangers (``WHAT-of-strangers``).
        """
        slot = Slot(self, path)
        slot.grow(amount)
        return slot

    def has_room(self, amount: int) -> bool:
        """Return whether the pool has anything left for anybody."""
        return self._root.held + amount <= self.size or not self._root.held

    def refusal(self, path: Path, amount: int, own: int = 0) -> Share | None:
        """The part that has no room for ``amount`` more, an empty part for the whole pool; None where there is room.

        ``own``: what the asker holds there already. Whoever is alone in a part may hold more than its room as long as
        the whole pool has it, and whoever is alone in the pool anything: one body above a bound must be possible.
        """
        node = self._root
        if node.held + amount > self.size and node.held > own:
            return WHOLE
        size = self.size
        for part in path:
            found = node.below.get(part)
            if found is None:  # a newcomer, for whom there is always room
                return None
            size = room(size, node.held - found.held, part.share)
            if found.held + amount > size and found.held > own:
                return part
            node = found
        return None

    def add(self, path: Path, amount: int) -> None:
        """Count, whatever the room; for slots."""
        node = self._root
        node.held += amount
        for part in path:
            found = node.below.get(part)
            if found is None:
                found = node.below[part] = _Node(part, node)
            found.held += amount
            node = found
        while not node.held and node.parent is not None:
            del node.parent.below[node.part]
            node = node.parent

    def known(self) -> int:
        """Return the number of parts that hold anything."""
        count, nodes = 0, [self._root]
        while nodes:
            below = nodes.pop().below.values()
            count += len(below)
            nodes += below
        return count


class Slot:
    """A part of a pool that is held. Also a context manager, which gives it back."""

    __slots__ = ("amount", "path", "pool")

    def __init__(self, pool: Pool, path: Path) -> None:
        self.pool = pool
        self.path = path
        self.amount = 0

    def grow(self, amount: int) -> None:
        """Hold so many units more. Errors as of ``Pool.take``; then it is as before."""
        refused = self.pool.refusal(self.path, amount, self.amount)
        if refused is not None:
            raise refusal_of(self.pool.what, refused)
        self.pool.add(self.path, amount)
        self.amount += amount

    def shrink(self, amount: int) -> None:
        """Give so many units back."""
        if not amount:
            return
        self.pool.add(self.path, -amount)
        self.amount -= amount

    def move(self, path: Path) -> None:
        """Hold the same as somebody else: now it is known who it is. Errors as of ``Pool.take``; then it stays."""
        if path == self.path:
            return
        amount = self.amount
        if not amount:
            self.path = path
            return
        self.pool.add(self.path, -amount)
        refused = self.pool.refusal(path, amount)
        if refused is None:
            self.path = path
        self.pool.add(self.path, amount)
        if refused is not None:
            raise refusal_of(self.pool.what, refused)

    def end(self) -> None:
        """Give all back. Again: nothing."""
        self.shrink(self.amount)

    def __enter__(self) -> Slot:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()


def refusal_of(what: str, part: Share) -> TooFast | Busy:
    """Return the message for a request that is refused because of a part."""
    if part == WHOLE:
        return Busy("hub", f"too-many-{what}", f"all {what} that may be at once are in use; nothing was taken")
    if part.kind == STRANGERS.kind:
        detail = f"the {what} that are left to those who have not shown who they are are in use; nothing was taken"
        return Busy("hub", f"{what}-of-strangers", detail)
    detail = f"this {part.kind} uses its share of the {what} that may be at once; nothing was taken"
    return TooFast(detail, RETRY_AFTER, f"{what}-of-{part.kind}")
