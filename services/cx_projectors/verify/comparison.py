"""Compare one table with what it must hold: rows that must be there exactly so, and rows that may be there besides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table

from cx_context.store.table_rows import key_places

Row = tuple[Any, ...]
Key = tuple[Any, ...]
Report = Callable[[str], None]


@dataclass(slots=True)
class Expectation:
    """The rows that a table must have.

    ``required``: by key, the rows that must be there, exactly so. ``fault_of``: returns why a row that is not required
    may not be there, None where it may. ``normal``: returns the form of a row that is compared, and raises
    ``ValueError`` for one that can't be read. ``at_end``: reports what is known once all rows were seen. ``place_of``:
    returns where the log says so, empty where it is no one place.
    """

    table: Table
    required: Mapping[Key, Row] = field(default_factory=dict)
    fault_of: Callable[[Row], str | None] = lambda row: NOTHING_SAYS_SO
    normal: Callable[[Row], Row] = lambda row: row
    at_end: Callable[[Report], None] = lambda say: None
    place_of: Callable[[Key], str] = lambda key: ""

    def compare(self, say: Report) -> TableComparison:
        """Begin a comparison with the table's rows."""
        return TableComparison(self, say)


NOTHING_SAYS_SO = "no event says so"


class TableComparison:
    """A comparison under way: ``see`` each row, then ``end``."""

    def __init__(self, expected: Expectation, say: Report) -> None:
        self._expected = expected
        self._say = say
        self._places = key_places(expected.table)
        self._names = [column.name for column in expected.table.columns]
        self._missing = set(expected.required)

    def see(self, row: Row) -> None:
        """Report what is wrong with a row."""
        expected = self._expected
        key = tuple(row[at] for at in self._places)
        wanted = expected.required.get(key)
        self._missing.discard(key)
        try:
            found = expected.normal(row)
        except ValueError as error:
            self._report(key, f"can't be read: {error}")
            return
        if wanted is None:
            fault = expected.fault_of(found)
            if fault is not None:
                self._report(key, fault)
        elif found != wanted:
            pairs = zip(self._names, found, wanted, strict=True)
            differing = [name for name, is_so, must_be in pairs if _differ(is_so, must_be)]
            self._report(key, f"{' and '.join(differing)} {'differs' if len(differing) == 1 else 'differ'} "
                            "from the definition")  # fmt: skip

    def end(self) -> None:
        """Report the rows that are missing, and what is known once all were seen."""
        for key in sorted(self._missing, key=shown):
            self._report(key, "the row is missing")
        self._expected.at_end(self._say)

    def _report(self, key: Key, what: str) -> None:
        place = self._expected.place_of(key)
        self._say(f"{self._expected.table.name} {shown(key)}: {what}{f' ({place})' if place else ''}")


def _differ(one: Any, other: Any) -> bool:
    return bool(one != other)


def by_key(places: Iterable[int], rows: Iterable[Row]) -> dict[Key, Row]:
    """Return rows by their keys; ``places``: the indexes of the key's columns."""
    places = tuple(places)
    return {tuple(row[at] for at in places): row for row in rows}


def shown(key: Key) -> str:
    """Return a key as a finding names it: ids in hex, columns joined by ``/``."""
    return "/".join(part.hex() if isinstance(part, bytes) else str(part) for part in key)
