"""Describe a rebuild in its record: its phase and progress, what differs, and who asked for what and why. Pure."""

from __future__ import annotations

from typing import Literal, cast, get_args

import msgspec
from msgspec import Struct

CONTEXT = "context"
"""The subject of a rebuild: all tables that are made of the log."""

Phase = Literal["filling", "compared", "switched", "undoing", "undone", "cancelled", "dropped"]
"""``filling``: the shadow is made. ``compared``: it waits for the switch. ``switched``: readers see the rebuilt tables,
and the replaced ones are kept. ``undoing``: the replaced ones are brought up to date. ``undone``: readers see them
again, and the rebuilt ones are kept. ``cancelled``, ``dropped``: nothing is kept."""

UNDER_WAY: frozenset[Phase] = frozenset({"filling", "compared", "undoing"})
KEEPS_TABLES: frozenset[Phase] = frozenset({"switched", "undone"})
OVER: frozenset[Phase] = frozenset({"cancelled", "dropped"})

MOST_ACTS = 200
MOST_DIFFERENCES = 20


class Act(Struct, frozen=True):
    """An operator's act, or an end of the work. ``at``: RFC 3339. ``who``: an account or a key."""

    at: str
    what: str
    who: str
    why: str = ""


class Difference(Struct, frozen=True):
    """A customer whose body differs. ``paths``: JSON Pointers of the first values that differ. ``events``: some of
    those that they are made of, as ``SOURCE#ID``."""

    tenant: str
    customer: str
    paths: list[str]
    events: list[str]


class RowDifference(Struct, frozen=True):
    """A row that differs. ``key``: its columns in hex or as text, joined by ``/``. ``columns``: those that differ;
    none for a row that is in one store only. ``customer``: whom it is of, empty where it is nobody's. ``events``: as
    in ``Difference``."""

    key: str
    columns: list[str]
    tenant: str
    customer: str
    events: list[str]


class TableCount(Struct, frozen=True):
    """The rows of a table: ``live`` and ``rebuilt`` are how many each has, ``differing`` how many keys are in one of
    them only or have other columns; None where the order of arrival leaves a trace in the table. ``first``: the first
    rows that differ."""

    table: str
    live: int
    rebuilt: int
    differing: int | None = None
    first: list[RowDifference] = []


class Report(Struct, frozen=True):
    """The comparison at equal offsets. ``first``: at most ``MOST_DIFFERENCES`` of the customers that differ."""

    at: str
    customers: int
    differing: int
    first: list[Difference]
    tables: list[TableCount] = []


class RebuildRecord(Struct, frozen=True):
    """``shadow``: the name of the shadow (``cx_context.store.shadow``). ``review``: stop before the switch. ``applied``
    of ``events`` records are in the shadow. ``rate``: events a second of the latest stretch. ``paused_seconds``: how
    long writers stood still at the switch."""

    started: str
    shadow: str = ""
    review: bool = False
    events: int = 0
    applied: int = 0
    rate: float = 0.0
    paused_seconds: float = 0.0
    report: Report | None = None
    acts: list[Act] = []

    @property
    def asker(self) -> str:
        """Return who asked for the latest act."""
        return self.acts[-1].who if self.acts else ""

    def noting(self, act: Act) -> RebuildRecord:
        """Return the record with one more act."""
        return msgspec.structs.replace(self, acts=[*self.acts, act][-MOST_ACTS:])


_decoder = msgspec.json.Decoder(RebuildRecord)


def encode(record: RebuildRecord) -> bytes:
    return msgspec.json.encode(record)


def decode(body: bytes) -> RebuildRecord:
    """Return a stored record. Raises ``msgspec.DecodeError`` for what is none."""
    return _decoder.decode(body)


def phase_of(text: str) -> Phase:
    """Return a stored phase. Raises ``ValueError`` for what is none."""
    if text not in get_args(Phase):
        raise ValueError(f"a rebuild has no phase {text!r}")
    return cast(Phase, text)
