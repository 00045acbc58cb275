"""Describe the profiles of a customer, each with how it was joined."""

from __future__ import annotations

from msgspec import Struct

from cx_events.envelope import Identifier
from cx_events.timestamps import Micros


class Member(Struct, frozen=True, gc=False):
    """A profile. ``joined``: (rule, evidence, confidence in hundredths, via profile), unless it is the first.
    ``claimed``: a claim alone ties it to the customer's known core, or where there is none to the first profile."""

    id: bytes
    kind: str
    scope: str
    value: str
    first_recorded: Micros
    joined: tuple[str, str, int, bytes] | None = None
    claimed: bool = False


def key_of(identifier: Identifier | Member) -> str:
    """Return an identifier as parts name it: ``KIND\nSCOPE\nVALUE``."""
    return f"{identifier.kind}\n{identifier.scope}\n{identifier.value}"
