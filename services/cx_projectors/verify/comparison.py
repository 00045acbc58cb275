"""Holding one table against what it must hold: rows that must stand in it exactly so, and rows that may besides."""

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
    """``required``: by key, the rows that must be there, exactly so. ``fault_of``: why a row that is not required may
    not be there, or None where it may. ``normal``: of a row what is compared; it may raise ``ValueError`` for one that
    can't be read. ``at_end``: what can be told when all rows were seen."""

    table: Table
    required: Mapping[Key, Row] = field(default_factory=dict)
    fault_of: Callable[[Row], str | None] = lambda row: NOTHING_SAYS_SO
    normal: Callable[[Row], Row] = lambda row: row
    at_end: Callable[[Report], None] = lambda say: None

    def hold(self, say: Report) -> TableComparison:
        return TableComparison(self, say)


NOTHING_SAYS_SO = "no event says so"


class TableComparison:
    """A check under way: ``see`` each row, then ``end``."""

    def __init__(self, check: Expectation, say: Report) -> None:
        self._check = check
        self._say = say
        self._places = key_places(check.table)
        self._names = [column.name for column in check.table.columns]
        self._seen = 0
        self._missing = set(check.required)

    def see(self, row: Row) -> None:
        check = self._check
        key = tuple(row[at] for at in self._places)
        wanted = check.required.get(key)
        self._missing.discard(key)
        try:
            found = check.normal(row)
        except ValueError as error:
            self._tell(key, f"can't be read: {error}")
            return
        if wanted is None:
            fault = check.fault_of(found)
            if fault is not None:
                self._tell(key, fault)
        elif found != wanted:
            pairs = zip(self._names, found, wanted, strict=True)
            differing = [name for name, is_so, must_be in pairs if _differ(is_so, must_be)]
            self._tell(key, f"{' and '.join(differing)} {'differs' if len(differing) == 1 else 'differ'} "
                            "from the definition")  # fmt: skip

    def end(self) -> None:
        for key in sorted(self._missing, key=shown):
            self._tell(key, "the row is missing")
        self._check.at_end(self._say)

    def _tell(self, key: Key, what: str) -> None:
        self._say(f"{self._check.table.name} {shown(key)}: {what}")


def _differ(one: Any, other: Any) -> bool:
    return bool(one != other)


def by_key(places: Iterable[int], rows: Iterable[Row]) -> dict[Key, Row]:
    """Return rows by their keys, which stand at these places."""
    places = tuple(places)
    return {tuple(row[at] for at in places): row for row in rows}


def shown(key: Key) -> str:
    """Return a key as a finding names it: ids in hex, columns joined by ``/``."""
    return "/".join(part.hex() if isinstance(part, bytes) else str(part) for part in key)
