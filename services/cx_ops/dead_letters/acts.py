"""Carry out an act on dead letters, page by page: say so on the log, then do it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from cx_context.store import Store, dead_letters
from cx_events.dead_letters import DeadLetter
from cx_events.errors import Refused
from cx_events.ids import IdSpace
from cx_events.log import INTERACTIONS, Log, Record
from cx_events.timestamps import Micros
from cx_ops.dead_letters.audit import DISCARDED, RETRIED, Act, ActType, audit_event
from cx_ops.dead_letters.discarding import check_why, discard_letters
from cx_ops.dead_letters.retrying import MapAgain, Retried, retry_letters
from cx_ops.dead_letters.selection import Selection, select
from cx_ops.log_browsing.records import tenant_of

MOST_NAMED = 1_000
"""Dead letters that an outcome names; the others are counted."""

READ_AGAIN = "it could be read, and was appended as the event that it is"


@dataclass(slots=True)
class Outcome:
    """``done``: how many, and the first of them in ``letters``. ``refused``: how many could not be done, by reason;
    ``first_refusal``: why the first could not. ``is_over``: nothing that was selected is left."""

    done: int = 0
    letters: list[DeadLetter] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    first_refusal: Refused | None = None
    is_over: bool = True

    def add(self, retried: Retried) -> None:
        self.done += len(retried.done)
        self.letters += retried.done[: MOST_NAMED - len(self.letters)]
        for _, why in retried.refused:
            self.refused[why.reason] += 1
            self.first_refusal = self.first_refusal or why


@dataclass(frozen=True, slots=True)
class Operator:
    """The one who acts. ``writer``: see ``cx_events.stamp``. ``name``: the account on a command line, else empty."""

    writer: str
    name: str = ""


Report = Callable[[Outcome], None]


class LetterActs:
    """Acts on dead letters. ``spaces``: the ids of all configured tenants. ``now``: µs since 1970."""

    def __init__(
        self,
        log: Log,
        store: Store,
        spaces: Mapping[str, IdSpace],
        map_again: MapAgain,
        now: Callable[[], Micros] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._log = log
        self._store = store
        self._spaces = spaces
        self._map_again = map_again
        self._now = now

    async def retry(
        self,
        selection: Selection,
        who: Operator,
        why: str = "",
        *,
        connection: str = "",
        most: int | None = None,
        owns: Callable[[DeadLetter], bool] = lambda letter: True,
        report: Report = lambda outcome: None,
    ) -> Outcome:
        """Try the selected dead letters again. ``connection``: map requests by this one. ``most``: end after so many.
        ``owns``: whether this operator may act on a dead letter.

        Raises ``Refused``: ``nothing-selected`` (400), ``unknown-group``, ``unknown-dead-letter`` (404); of a single id
        why it can't be tried again. ``TryLater`` where log, store or blobs do not answer: begin again.
        """

        async def work(letters: Sequence[DeadLetter]) -> Retried:
            retried = await retry_letters(self._log, self._spaces, self._map_again, letters, connection)
            if retried.read_again:
                await discard_letters(self._log, self._spaces, retried.read_again, who.writer, READ_AGAIN, self._now())
            return retried

        return await self._act(RETRIED, selection, who, why, work, most, owns, report)

    async def discard(
        self,
        selection: Selection,
        who: Operator,
        why: str,
        *,
        most: int | None = None,
        owns: Callable[[DeadLetter], bool] = lambda letter: True,
        report: Report = lambda outcome: None,
    ) -> Outcome:
        """Discard the selected dead letters. Raises ``Refused("no-reason", 400)`` without a reason, else as
        ``retry``."""
        why = check_why(why)

        async def work(letters: Sequence[DeadLetter]) -> Retried:
            await discard_letters(self._log, self._spaces, letters, who.writer, why, self._now())
            return Retried(done=list(letters))

        return await self._act(DISCARDED, selection, who, why, work, most, owns, report)

    async def _act(
        self,
        type: ActType,
        selection: Selection,
        who: Operator,
        why: str,
        work: Callable[[Sequence[DeadLetter]], Awaitable[Retried]],
        most: int | None,
        owns: Callable[[DeadLetter], bool],
        report: Report,
    ) -> Outcome:
        if selection.is_everything:
            raise Refused("nothing-selected", "name an id, a group, a stage, a reason, a source or a time", 400)
        act = Act(type, str(uuid4()), who.writer, who.name, why, selection.as_texts())
        outcome, number = Outcome(), 0
        async for page in self._pages(selection):
            letters = [letter for letter in page if owns(letter)]
            left = None if most is None else most - outcome.done - outcome.refused.total()
            if left is not None and len(letters) > left:
                letters, outcome.is_over = letters[:left], False
            if letters:
                number += 1
                await self._announce(act, number, letters)
                outcome.add(await work(letters))
                report(outcome)
            if not outcome.is_over:
                break
        return _checked(outcome, selection)

    def _pages(self, selection: Selection) -> AsyncIterator[list[DeadLetter]]:
        return self._of_id(selection) if selection.wanted.id else select(self._store, selection)

    async def _of_id(self, selection: Selection) -> AsyncIterator[list[DeadLetter]]:
        """Yield the dead letters of one id, discarded or not."""
        wanted = selection.wanted
        async with self._store.reading() as tx:
            found = await dead_letters.found(tx, wanted.id)
        yield [
            each
            for each in found
            if (not wanted.tenants or each.tenant in wanted.tenants) and wanted.stage in ("", each.stage)
        ]

    async def _announce(self, act: Act, number: int, letters: Sequence[DeadLetter]) -> None:
        """Append one event for each tenant concerned. What names no tenant that is configured has nobody's stream: of
        its discard the record itself says who and why."""
        by_tenant: dict[str, list[DeadLetter]] = {}
        for letter in letters:
            by_tenant.setdefault(tenant_of(letter), []).append(letter)
        events = [
            audit_event(act, number, of, self._spaces[tenant], self._now())
            for tenant, of in sorted(by_tenant.items())
            if tenant in self._spaces
        ]
        if events:
            await self._log.append([Record(INTERACTIONS, event.key, event.raw) for event in events])


def _checked(outcome: Outcome, selection: Selection) -> Outcome:
    """Return an outcome, unless it is that of one id with which nothing could be done."""
    if not selection.wanted.id or outcome.done:
        return outcome
    if outcome.first_refusal is not None:
        raise outcome.first_refusal
    raise Refused("unknown-dead-letter", f"there is no dead letter {selection.wanted.id[:64]!r}", 404)
