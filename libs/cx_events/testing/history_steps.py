"""Define the steps that a random history consists of, and the pools that they pick from."""

from __future__ import annotations

import msgspec

from cx_events.envelope import Identifier
from cx_events.identifiers import normalise
from cx_events.ids import IdSpace, NodeId
from cx_events.json_types import Json
from cx_events.testing.builders import ACME

NEVER_LINK = ("email:noreply@example.com",)
"""For the tenant's rules: identifiers that never link, one of the pool below."""

IDENTIFIERS = (
    Identifier(kind="email", value="ana@example.com"),
    Identifier(kind="cookie", value="c-1"),
    Identifier(kind="phone", value="+15550100101"),
    Identifier(kind="crm", value="C-1"),
    Identifier(kind="email", value="Ben@Example.com"),
    Identifier(kind="cookie", value="c-2"),
    Identifier(kind="phone", value="+1 555 010 0102"),
    Identifier(kind="crm", value="C-2"),
    Identifier(kind="facebook-psid", value="7001", scope="page-1"),
    Identifier(kind="facebook-psid", value="7001", scope="page-2"),
    Identifier(kind="account", value="a-1"),
    Identifier(kind="email", value="noreply@example.com"),
    Identifier(kind="email", value="ana.b@example.com"),
    Identifier(kind="cookie", value="c-3"),
    Identifier(kind="phone", value="anonymous"),
)
"""Identifiers of two or three people. Few values of each kind, so that histories of a few events share some."""

INTERACTIONS = (
    ("chat-1", "chat"),
    ("call-1", "voice"),
    ("mail-1", "email"),
    ("post-1", "social"),
    ("chat-2", "chat"),
    ("dm-1", "social"),
    ("sms-1", "sms"),
)
"""Ids of interactions, each with its channel. The last two, and the post once somebody writes below it, never end."""

AGENTS = ({"id": "agent-1", "name": "Ben"}, {"id": "agent-2", "name": "Eva"})
QUEUES = ({"id": "billing", "name": "Billing"}, {"id": "sales", "name": "Sales"})

FILES: tuple[Json, ...] = (
    {"name": "bill.pdf", "content_type": "application/pdf", "bytes": 5, "blob": "sha256:" + "0" * 64},
    {"name": "logo.png", "content_type": "image/png", "part": "2", "cid": "logo", "inline": True},
    {"url": "https://cdn.example/1", "bytes": 10**30},
)

TOKENS = ("thr-aaaaaaaaaaaaaaaa", "thr-bbbbbbbbbbbbbbbb")


class EventStep(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a history; small integers pick from the pools above.

    ``who``: identifiers of its one customer. ``weights``: one for each of them, repeated from the first; "" states no
    weight, so that ``verified`` counts. ``contact``: the interaction, or None. ``at``: seconds after the history's
    start. ``delay``: seconds from then until it was recorded, negative where the vendor's clock is fast.
    """

    type: str
    fields: Json
    who: tuple[int, ...] = ()
    weights: tuple[str, ...] = ("",)
    verified: bool = False
    contact: int | None = None
    at: int = 0
    delay: int = 0
    sequence: int | None = None


class DecisionStep(msgspec.Struct, frozen=True, kw_only=True):
    """A decision of a history.

    ``a``, ``b``: identifiers whose profiles it is about, ``b`` counted from ``a`` on. ``named_at``: the hour of the
    contact that it names, in seconds after the history's start. ``earlier``: the number of the decision that a
    withdrawal names; that decision may come later, or never.
    """

    type: str
    a: int
    b: int
    contact: int = 0
    other_contact: int = 0
    named_at: int = 0
    earlier: int = 0
    text: str = ""
    at: int = 0
    delay: int = 0


class CopyStep(msgspec.Struct, frozen=True, kw_only=True):
    """Another copy of the event ``of`` places before, recorded ``delay`` seconds later.

    ``change``: "" for the same content, ``text`` for another text, ``home`` for another stream.
    """

    of: int
    delay: int
    change: str


Step = EventStep | DecisionStep | CopyStep


def profile_of(identifier: int, ids: IdSpace = ACME) -> NodeId:
    """Return the profile of one of ``IDENTIFIERS``."""
    normal = normalise(IDENTIFIERS[identifier])
    return ids.profile(normal.kind, normal.scope, normal.value)


def weighed(identifier: int, weight: str, *, verified: bool = False) -> Identifier:
    """Return one of ``IDENTIFIERS`` as intake stamps it; a cookie is a claim at most."""
    one = IDENTIFIERS[identifier]
    stamped = "claimed" if weight and one.kind == "cookie" else weight
    return msgspec.structs.replace(one, verified=verified, weight=stamped)
