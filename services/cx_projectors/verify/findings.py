"""Collect the result of ``verify``, and that of one bucket."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec import Struct

from cx_events.dead_letters import DeadLetter

MOST_FINDINGS = 100


@dataclass(slots=True)
class Findings:
    """The result of ``verify``.

    ``wrong``: sentences that begin with a table and a key, at most 100. ``events``, ``customers``: how many were
    held against the store; ``blobs``: how many of them were read. ``behind``: records that the log has after those
    that were applied; no fault. ``set_aside``: events that the store could not apply (``cx dlq list --reason
    not-applied``). ``notes``: what else to know.
    """

    events: int = 0
    records: int = 0
    customers: int = 0
    behind: int = 0
    set_aside: int = 0
    blobs: int = 0
    wrong: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, sentence: str) -> None:
        if len(self.wrong) < MOST_FINDINGS:
            self.wrong.append(sentence)


class BucketFindings(Struct):
    """The result of one bucket.

    ``wrong``, ``events``, ``customers``, ``set_aside``: as in ``Findings``. ``letters``: the dead letters that
    projectors derive of its events. ``blobs``: what names which, as (tenant, name, by whom). ``matched``: how many
    stored events are on the log; ``unmatched``: the keys of some that aren't.
    """

    number: int
    wrong: list[str] = []
    events: int = 0
    customers: int = 0
    set_aside: int = 0
    letters: list[DeadLetter] = []
    blobs: list[tuple[str, str, str]] = []
    matched: int = 0
    unmatched: list[bytes] = []

    def add(self, sentence: str) -> None:
        if len(self.wrong) < MOST_FINDINGS:
            self.wrong.append(sentence)
