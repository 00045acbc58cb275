"""Describe the outcomes of a request, by what the sender should do next."""

from __future__ import annotations

from typing import NamedTuple


class Delivered(NamedTuple):
    """The receiver has it. ``status``: 200 to 299."""

    status: int


class Gone(NamedTuple):
    """The receiver wants nothing from here any more (410): stop sending to it until a person says otherwise."""

    status: int
    detail: str


class Later(NamedTuple):
    """Not delivered, or nobody knows: send the same again.

    ``reason``: a countable slug (``status-500``, ``redirect``, ``no-answer``, ``no-connection``, ``private-address``).
    ``detail``: a sentence for people, without anything that the receiver wrote.
    ``status``: None where there was no answer.
    ``retry_after``: seconds that the receiver asked for.
    """

    reason: str
    detail: str
    status: int | None = None
    retry_after: float | None = None


Outcome = Delivered | Gone | Later
