"""Fold and show what a conversation refers to (orders, cases, mails), and the continuity tokens issued for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from msgspec import Struct

from cx_context.parts.adding import keep_first, write_values
from cx_context.parts.model import Part
from cx_context.parts.rules import first_by_key, last_by_key
from cx_context.parts.values import KEYS_KEPT, REFERENCES_KEPT, At, Register, shorten_name
from cx_context.sections.join_fields import THREADING
from cx_context.sections.section import Section, made_of
from cx_context.threading.conversations import IssuedToken
from cx_context.threading.one_contact import names_a_call
from cx_context.threading.shared_references import MATTER_KINDS
from cx_events.continuity_tokens import ISSUED, KIND, is_token_id
from cx_events.facts import Fact
from cx_events.invisible_characters import strip_invisible
from cx_events.json_types import Json
from cx_events.junk import is_known_junk, is_lost_value
from cx_events.schema_shapes import FLAG, TEXT, TIME, array, members, named
from cx_events.timestamps import format_time
from cx_events.weights import ASSERTED

TOKENS_SHOWN = 10
REFERENCES_SHOWN = 100
USES_KEPT = 16
"""Continuity tokens that one side of an interaction may try: of more the first count."""

MOST_LIFETIME_S = 10 * 366 * 86_400
"""What a client says beyond that is no lifetime, and a time past the year 9999 can't be written."""


class Fields(Struct):
    references: Annotated[dict[str, int], first_by_key(REFERENCES_KEPT)] = {}
    """When each reference was first mentioned, by ``KIND\\nVALUE``."""
    tokens: Annotated[dict[str, Register], last_by_key(KEYS_KEPT)] = {}
    """Continuity tokens issued for the contact, by id: [expires, single use]."""
    token_uses: Annotated[dict[str, At], first_by_key(USES_KEPT)] = {}
    """When a token was first presented in the contact, by its id."""


def reference_key(kind: str, value: str) -> str:
    """Return a reference as ``Part.references`` holds it, ``KIND\\nVALUE``; "" where it refers to nothing.

    It is told without blanks around it, without characters that nobody sees, an order or case without its ``#``. What
    programs write without a value (``undefined``, ``null``, nothing at all) would make one matter of all that have it.
    """
    line = "\n"
    kind, value = strip_invisible(kind).strip().lower(), strip_invisible(value).strip()
    if kind in MATTER_KINDS:
        value = value.lstrip("# ")
    # Some systems count orders and cases from 0.
    is_junk = kind in MATTER_KINDS and not value.isdecimal() and is_known_junk(kind, value, ASSERTED)
    if not value or is_junk or is_lost_value(value):
        return ""
    return f"{shorten_name(kind).replace(line, ' ')}{line}{shorten_name(value)}"


def _refer(part: Part, fact: Fact, at: At) -> None:
    for reference in fact.event.data.references:
        if reference.kind == KIND and is_token_id(reference.value):
            keep_first(part.token_uses, reference.value, at, USES_KEPT)
        else:
            key = reference_key(reference.kind, reference.value)
            if not key:
                continue
            keep_first(part.references, key, at[0], REFERENCES_KEPT)
            if names_a_call(reference.kind, reference.value):  # by which the two are one conversation, too
                keep_first(part.references, reference_key("call", reference.value), at[0], REFERENCES_KEPT)


def _issued(part: Part, fact: Fact, at: At) -> None:
    token = fact.event.data.token
    if token is not None and is_token_id(token.id):
        expires = at[0] + min(max(token.lifetime_s, 0), MOST_LIFETIME_S) * 1_000_000
        write_values(part.tokens, {token.id: [expires, token.single_use]}, at)


def references_view(parts: Sequence[Part]) -> list[Json]:
    """Return the order and case numbers that a conversation names. Ids of messages and calls are not shown."""
    if not any(part.references for part in parts):
        return []
    references = sorted({tuple(key.split("\n", 1)) for part in parts for key in part.references})
    matters = [(kind, value) for kind, value in references if kind in MATTER_KINDS]
    return [{"kind": kind, "value": value} for kind, value in matters[:REFERENCES_SHOWN]]


def tokens_view(tokens: Sequence[IssuedToken]) -> list[Json]:
    """Return the tokens issued last, newest first, and their uses."""
    return [_token(issued) for issued in reversed(tokens[-TOKENS_SHOWN:])]


def _token(issued: IssuedToken) -> Json:
    token = issued.token
    return {
        "id": token.id,
        "issued_at": format_time(token.issued[0]),
        "expires_at": format_time(token.expires),
        "single_use": token.single_use,
        "uses": [
            {"interaction": user, "time": format_time(use.at[0]), "refused": use.refused}
            for use, user in zip(token.uses[:TOKENS_SHOWN], issued.users, strict=False)
        ],
    }


REFERENCE = named("ReferenceShown", {"kind": TEXT, "value": TEXT})

_USE = named(
    "TokenUse",
    {
        "interaction": TEXT,
        "time": TIME,
        "refused": {"enum": ["expired", "used-before", None], "description": "null: it joined."},
    },
)

TOKEN = members({"id": TEXT, "issued_at": TIME, "expires_at": TIME, "single_use": FLAG, "uses": array(_USE)})

SECTION = Section(
    components={"IssuedToken": TOKEN},
    handlers={ISSUED: _issued},
    member_handlers={"references": _refer},
    provenance={
        ("conversations", "*", "tokens"): made_of(
            "the latest tokens issued for it, and their uses", *THREADING, threaded=True
        ),
        ("conversations", "*", "references"): made_of(
            "every order and case that an event names", *THREADING, threaded=True
        ),
    },
)
