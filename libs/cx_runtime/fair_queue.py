"""Queue long work: few pieces run at once, and the keys that wait take turns.

    reads = FairQueue("reads", 8, most_of_one=4, most_waiting=400, most_waiting_of_one=200, seconds=1.5)
    async with reads.turn("acme"):                                                  # TooFast, Busy, or TryLater
        found = await charge_cpu_time(read(), partial(reads.charge, "acme"))

Of one process and of one event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from cx_events.errors import TooFast, TryLater
from cx_runtime.shares import RETRY_AFTER, WHOLE, refusal_of

BURST_SECONDS = 0.1
"""Of its share of time a key may take so much in advance."""


class FairQueue:
    """``size`` pieces of work at once, ``most_of_one`` of them of one key; the others wait, and take turns by key.

    ``most_waiting`` in all and ``most_waiting_of_one`` of a key, each for ``seconds`` at most. Where work keeps others
    from the processor, ``charge`` tells how long it did, and a key that took more than its share waits.
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
        time_of_one: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``what`` they are, in the plural, for reasons and people. ``needs``: the part without which none of them can
        end, where each takes much less than ``seconds``: if some run, and none has ended while one waited, that part is
        to blame. ``time_of_one``: the share of all time that the work of one key may take, as it is charged.
        ``clock``: seconds, monotonic."""
        self.what = what
        self.size = size
        self._most_of_one = most_of_one
        self._most_waiting = most_waiting
        self._most_waiting_of_one = most_waiting_of_one
        self._seconds = seconds
        self._needs = needs
        self._time_of_one = time_of_one
        self._clock = clock
        self._paid_at: dict[str, float] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
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

    @property
    def has_shares(self) -> bool:
        """Return whether the work of one key may take a share of all time only, so that ``charge`` counts."""
        return self._time_of_one < 1.0

    def charge(self, key: str, seconds: float) -> None:
        """Count what a key's work took. Its next turns wait until, with ``BURST_SECONDS`` in advance, that is no more
        than its share of the time that has passed (the generic cell rate algorithm, as in ``load.Pacer``)."""
        if self.has_shares:
            now = self._clock()
            self._paid_at[key] = max(self._paid_at.get(key, now), now) + seconds / self._time_of_one

    def _owes(self, key: str) -> float:
        """Return for how many seconds a key may begin nothing."""
        paid_at = self._paid_at.get(key)
        if paid_at is None:
            return 0.0
        left = paid_at - self._clock()
        if left <= 0.0:
            del self._paid_at[key]
        return max(left - BURST_SECONDS, 0.0)

    def _may_begin(self, key: str) -> bool:
        """Return whether a key may take its next turn now. A key that has used more than its share of time is looked at
        again later."""
        owes = self._owes(key)
        if owes and key not in self._timers:
            self._timers[key] = asyncio.get_running_loop().call_later(owes, self._paid, key)
        return not owes and self._running[key] < self._most_of_one

    def _paid(self, key: str) -> None:
        del self._timers[key]
        self._let_all()

    async def _begin(self, key: str) -> None:
        if self.running < self.size and key not in self._waiting and self._may_begin(key):
            self._count(key, 1)
            return
        mine = self._waiting.get(key, ())
        if self.waiting >= self._most_waiting:
            raise refusal_of(self.what, WHOLE)
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
            if isinstance(error, TimeoutError) and self._needs and self.running and ended == self._ended:
                raise TryLater(self._needs, f"none of the {self.what} under way has ended") from None
            if isinstance(error, TimeoutError):
                own = self._running[key] or self._owes(key)
                raise (self._own_share() if own else refusal_of(self.what, WHOLE)) from None
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
        self._let_all()

    def _let_all(self) -> None:
        while self.running < self.size and self._let_next():
            pass

    def _let_next(self) -> bool:
        """Begin the oldest of the key whose turn it is, which then comes last; whether there was one."""
        key = next((each for each in self._waiting if self._may_begin(each)), None)
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
        """Return the number of keys with work running or waiting."""
        return len(self._running) + len(self._waiting)
