"""Work out the rows of lists and search that the definition makes of some groups of events. Pure.

They are functions of the facts like all others, but later: of customers and events that wait nothing is said, nor of a
tenant whose lists are not filled yet.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from sqlalchemy import Table

from cx_context.listing.said import NO_MESSAGE, SaidRow, holds_words, message_of, said_rows
from cx_context.sections.customer_facts import CustomerFacts
from cx_context.store.listed_rows import ListedRows, rows_of
from cx_events.facts import Fact
from cx_events.ids import NodeId
from cx_events.timestamps import Micros
from cx_projectors.listing.refresh import listed_of
from cx_projectors.verify.comparison import NOTHING_SAYS_SO, Row


@dataclass(frozen=True, slots=True)
class ListsStanding:
    """The state of lists. ``windows``: each tenant's threading window. ``waiting``: customers and events that are not
    written yet; ``unfilled``: tenants of which that is not known."""

    windows: Mapping[str, Micros] = field(default_factory=dict)
    waiting: Collection[bytes] = frozenset()
    unfilled: Collection[str] = frozenset()


class ExpectedLists:
    """The rows that lists must have, of some groups of events."""

    def __init__(
        self,
        known: Mapping[str, Mapping[NodeId, CustomerFacts]],
        folded: Mapping[str, Sequence[Fact]],
        copies: Iterable[Fact],
        standing: ListsStanding,
    ) -> None:
        """``known``: by tenant and customer, what the definition makes of the events. ``folded``: by tenant, the events
        that are in a part. ``copies``: all copies of events."""
        self._known = known
        self._folded = folded
        self._copies = copies
        self._standing = standing

    def _is_filled(self, tenant: str) -> bool:
        return tenant not in self._standing.unfilled

    @cached_property
    def listed(self) -> ListedRows:
        """Return the rows of customers, conversations and waits."""
        rows = ListedRows.none()
        for tenant, all_known in self._known.items():
            if self._is_filled(tenant):
                window = self._standing.windows[tenant]
                known = {c: k for c, k in all_known.items() if c not in self._standing.waiting}
                found = rows_of(tenant, {customer: listed_of(facts, window) for customer, facts in known.items()})
                for all_rows, some in zip(rows, found, strict=True):
                    all_rows |= some
        return rows

    @cached_property
    def said(self) -> list[tuple[str, SaidRow]]:
        """Return the rows of what was said, each with its tenant."""
        found: list[tuple[str, SaidRow]] = []
        for tenant, folded in self._folded.items():
            if self._is_filled(tenant):
                facts = [fact for fact in folded if holds_words(fact.event)]
                waiting = {message_of(fact) for fact in facts if fact.key in self._standing.waiting} - {NO_MESSAGE}
                rows = said_rows(fact for fact in facts if not self._waits(fact, waiting))
                found += [(tenant, row) for row in rows]
        return found

    def _waits(self, fact: Fact, messages: Collection[NodeId]) -> bool:
        return fact.key in self._standing.waiting or message_of(fact) in messages

    def fault_of(self, table: Table, id_column: str) -> Callable[[Row], str | None]:
        """Return why a row that nothing requires may not be there; None where it is only later than the facts."""
        names = table.columns.keys()
        tenant, id = names.index("tenant"), names.index(id_column)
        events = id_column == "key"

        def fault(row: Row) -> str | None:
            if row[tenant] in self._standing.unfilled:
                return None
            return (
                None if (row[id] in self._later if events else row[id] in self._standing.waiting) else NOTHING_SAYS_SO
            )

        return fault

    @cached_property
    def _later(self) -> set[bytes]:
        """Return the events whose rows may be later than the facts."""
        waiting = self._standing.waiting
        if not waiting:
            return set()
        facts = [fact for fact in self._copies if holds_words(fact.event)]
        messages = {message_of(fact) for fact in facts if fact.key in waiting} - {NO_MESSAGE}
        return {fact.key for fact in facts if self._waits(fact, messages)}
