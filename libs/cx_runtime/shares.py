"""Fair shares of what several need at once: streams, sockets, requests and their bytes, workers.

    streams = Pool("streams", 5_000)
    slot = streams.take((tenant("acme"), key("desk")))     # TooFast, or Busy
    ...
    slot.end()

A ``Pool`` admits or refuses, without waiting. Each holder is named by a path of ``Part``: its tenant, within that its
key, and so on. A part may hold at most its ``share`` of what its siblings leave free, and never less than one: with a
share of one half, the first tenant gets half of the pool, a second one half of the rest. So whoever comes late finds
room, nothing that is held need be taken away again, and nobody has to know how many will come.

``Turns`` lets those who come wait: work that takes long is done by few at once, and those who wait take turns by key.

Both are of one process and of one event loop, and remember only who holds or waits.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import ceil
from types import TracebackType
from typing import NamedTuple

from cx_events.errors import Busy, TooFast, TryLater

RETRY_AFTER = 1
"""Seconds until somebody who was refused may try again."""

TENANT_SHARE = 0.5
"""Where several share a hub. A tenant that is alone may use what there is."""

KEY_SHARE = 0.8
ADDRESS_SHARE = 0.1


class Part(NamedTuple):
    """One step of a path. ``kind``: what reasons call it (``tenant``). ``share``: of what its siblings leave free."""

    kind: str
    name: str
    share: float


Path = tuple[Part, ...]


def tenant(name: str, share: float = TENANT_SHARE) -> Part:
    return Part("tenant", name, share)


def share_among(tenants: int) -> float:
    """A tenant's share where there are so many."""
    return TENANT_SHARE if tenants > 1 else 1.0


def key(id: str) -> Part:
    return Part("key", id, KEY_SHARE)


def connection(id: str) -> Part:
    """A channel account of a tenant."""
    return Part("connection", id, KEY_SHARE)


def customer(name: str) -> Part:
    """Whatever is followed or read of one customer."""
    return Part("customer", name, ADDRESS_SHARE)


def address(name: str) -> Part:
    """A network address, as ``cx_runtime.addresses`` groups them."""
    return Part("address", name, ADDRESS_SHARE)


STRANGERS = Part("strangers", "", TENANT_SHARE)
"""All who have not shown who they are (yet)."""


def room(size: int, others: int, share: float) -> int:
    """How much one part may hold where its siblings hold ``others`` of ``size``."""
    return ceil((size - others) * share)


class _Node:
    """What all below one path hold. Remembered as long as they hold anything."""

    __slots__ = ("below", "held", "parent", "part")

    def __init__(self, part: Part, parent: _Node | None) -> None:
        self.part = part
        self.parent = parent
        self.held = 0
        self.below: dict[Part, _Node] = {}


_WHOLE = Part("", "", 1.0)


class Pool:
    """``size`` units. ``what`` they are, in the plural, for reasons and people."""

    def __init__(self, what: str, size: int) -> None:
        self.what = what
        self.size = size
        self._root = _Node(_WHOLE, None)

    @property
    def held(self) -> int:
        """By all together."""
        return self._root.held

    def of(self, path: Path) -> int:
        """What all below this path hold."""
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
        """Whether the whole pool has, for anybody."""
        return self._root.held + amount <= self.size or not self._root.held

    def refusal(self, path: Path, amount: int, own: int = 0) -> Part | None:
        """The part that has no room for ``amount`` more, an empty part for the whole pool; None where there is room.

        ``own``: what the asker holds there already. Whoever is alone in a part may hold more than its room as long as
        the whole pool has it, and whoever is alone in the pool anything: one body above a bound must be possible.
        """
        node = self._root
        if node.held + amount > self.size and node.held > own:
            return _WHOLE
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
        """How many parts are remembered."""
        count, nodes = 0, [self._root]
        while nodes:
            below = nodes.pop().below.values()
            count += len(below)
            nodes += below
        return count


class Slot:
    """What somebody holds of a pool. Also a context manager, which ends it."""

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
        self.pool.add(self.path, -amount)
        self.amount -= amount

    def move(self, path: Path) -> None:
        """Hold the same as somebody else: now it is known who it is. Errors as of ``Pool.take``; then it stays."""
        if path == self.path:
            return
        amount = self.amount
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


def refusal_of(what: str, part: Part) -> TooFast | Busy:
    """What is said to whoever is refused because of a part."""
    if part == _WHOLE:
        return Busy("hub", f"too-many-{what}", f"all {what} that may be at once are in use; nothing was taken")
    if part.kind == STRANGERS.kind:
        detail = f"the {what} that are left to those who have not shown who they are are in use; nothing was taken"
        return Busy("hub", f"{what}-of-strangers", detail)
    detail = f"this {part.kind} uses its share of the {what} that may be at once; nothing was taken"
    return TooFast(detail, RETRY_AFTER, f"{what}-of-{part.kind}")


class Turns:
    """``size`` pieces of work at once, ``most_of_one`` of them of one key; the others wait, and take turns by key.

    ``most_waiting`` in all and ``most_waiting_of_one`` of a key, each for ``seconds`` at most.
    """

    def __init__(
        self,
        what: str,
        size: int,
        *,
        most_of_one: int,
        most_waiting: int,
        most_waiting_of_one: int,
        seconds: float,
        needs: str = "",
    ) -> None:
        """``what`` they are, in the plural, for reasons and people. ``needs``: the part without which none of them can
        end, where each takes much less than ``seconds``: if none has ended while one waited, that part is to blame."""
        self.what = what
        self.size = size
        self._most_of_one = most_of_one
        self._most_waiting = most_waiting
        self._most_waiting_of_one = most_waiting_of_one
        self._seconds = seconds
        self._needs = needs
        self._ended = 0
        self._running: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self.running = 0
        self.waiting = 0

    @asynccontextmanager
    async def turn(self, key: str) -> AsyncIterator[None]:
        """The block is run once it is this key's turn.

        ``TooFast`` (429, ``WHAT-of-tenant``) where too many of the key wait, or one has waited too long behind others
        of its own; ``Busy`` (503, ``too-many-WHAT``) where it was the others; ``TryLater`` (503) of the part that they
        need where nothing has ended meanwhile.
        """
        await self._begin(key)
        try:
            yield
        finally:
            self._end(key)

    async def _begin(self, key: str) -> None:
        if self.running < self.size and self._running[key] < self._most_of_one and key not in self._waiting:
            self._count(key, 1)
            return
        mine = self._waiting.get(key, ())
        if self.waiting >= self._most_waiting:
            raise refusal_of(self.what, _WHOLE)
        if len(mine) >= self._most_waiting_of_one:
            raise self._own_share()
        await self._wait(key)

    async def _wait(self, key: str) -> None:
        """Until it is this one's turn, which then counts as running."""
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        ended = self._ended
        self._waiting.setdefault(key, deque()).append(mine)
        self.waiting += 1
        try:
            async with asyncio.timeout(self._seconds):
                await mine
        except BaseException as error:
            if mine.done() and not mine.cancelled():
                self._end(key)  # its turn had come in the same moment
            else:
                self._forget(key, mine)
            if isinstance(error, TimeoutError) and self._needs and ended == self._ended:
                raise TryLater(self._needs, f"none of the {self.what} under way has ended") from None
            if isinstance(error, TimeoutError):
                raise (self._own_share() if self._running[key] else refusal_of(self.what, _WHOLE)) from None
            raise

    def _own_share(self) -> TooFast:
        return TooFast(
            f"this tenant uses its share of the {self.what} that may be at once; nothing was taken",
            max(int(self._seconds), RETRY_AFTER),
            f"{self.what}-of-tenant",
        )

    def _forget(self, key: str, mine: asyncio.Future[None]) -> None:
        queue = self._waiting.get(key)
        if queue is not None and mine in queue:
            queue.remove(mine)
            self.waiting -= 1
            if not queue:
                del self._waiting[key]

    def _count(self, key: str, amount: int) -> None:
        self.running += amount
        self._running[key] += amount
        if not self._running[key]:
            del self._running[key]

    def _end(self, key: str) -> None:
        self._ended += 1
        self._count(key, -1)
        while self.running < self.size and self._let_next():
            pass

    def _let_next(self) -> bool:
        """Begin the oldest of the key whose turn it is, which then comes last; whether there was one."""
        key = next((each for each in self._waiting if self._running[each] < self._most_of_one), None)
        if key is None:
            return False
        queue = self._waiting[key]
        mine = queue.popleft()
        self.waiting -= 1
        self._waiting.move_to_end(key)
        if not queue:
            del self._waiting[key]
        if not mine.done():  # else its task is cancelled, and about to hear of it
            self._count(key, 1)
            mine.set_result(None)
        return True

    def known(self) -> int:
        """How many keys are remembered: those with work under way or waiting."""
        return len(self._running) + len(self._waiting)
