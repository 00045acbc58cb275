"""Declare the fields by which every part says where it lies, and which facts it is made of."""

from __future__ import annotations

from msgspec import Struct

from cx_context.parts.rules import Greatest, GreatestOrNone, Smallest, Sum
from cx_context.sections.section import Section


class Fields(Struct):
    interaction: Greatest[str] = ""
    """The interaction's name; "" for what a stream has outside any interaction."""
    side: Greatest[bytes] = b""
    """The id of the stream's side of the interaction."""
    identifier: Greatest[str] = ""
    """The stream's identifier as ``KIND\\nSCOPE\\nVALUE``; "" where the facts name none."""
    weight: Smallest[int] = 2
    """How much that identifier is worth in these facts (``weights.WEIGHT_RANKS``); a claim where they name none."""
    about: GreatestOrNone = None
    """None for an hour. For a fact in a part of its own the part id of the contact that it is about, or ""."""
    facts: Sum = 0
    first_recorded: Smallest[int] = 0
    last_recorded: Greatest[int] = 0
    since: Smallest[int] = 0
    """The least effective time of its facts, counted or not, in µs."""
    until: Greatest[int] = 0
    """The greatest effective time."""


SECTION = Section(
    not_shown={
        "side": "which parts are one stream's side of an interaction",
        "identifier": "whose part it is, and how much what it says weighs",
        "weight": "how much what it says weighs",
        "facts": "when a part is cut into segments",
        "last_recorded": "when a part can be read as of a moment",
        "until": "when a part can be read as of a moment",
    }
)
