"""Build an event in one line, as canonical bytes and with everything that a test does not care about filled in.

    asked = an_event(id="m-1", email="ana@example.com", interaction="chat-42", text="I was charged twice")
    called = a_fact("cx.interaction.started.v1", id="c-1", phone="+15550100123", interaction="call-1", channel="voice")
    merged = a_decision("cx.identity.merged.v1", id="d-1", about=ana, data={"identity": {"a": ..., "b": ...}})

All go the way that real events go, through ``cx_events.stamp``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from cx_events.codec import decode
from cx_events.envelope import Data, Draft, Identifier, Weight
from cx_events.facts import Fact, decision_source
from cx_events.ids import IdSpace, NodeId
from cx_events.stamp import StampedEvent, stamp
from cx_events.timestamps import Micros, parse_time
from cx_events.weights import CLAIMED

ACME = IdSpace("acme", b"acme example key")
"""The ids of the tenant that tests speak of."""

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

START: Micros = parse_time("2026-11-22T10:00:00Z")
"""When things happen unless a test says otherwise."""


def an_event(
    type: str = "cx.message.received.v1",
    *,
    id: str,
    source: str = "//acme.example/chat",
    at: Micros = START,
    recorded: Micros | None = None,
    interaction: str = "",
    channel: str = "chat",
    email: str = "",
    phone: str = "",
    crm: str = "",
    cookie: str = "",
    identifiers: Iterable[Identifier] = (),
    verified: bool = False,
    weight: Weight | Literal[""] = "",
    name: str = "",
    role: str = "customer",
    text: str = "",
    sequence: int | None = None,
    data: Mapping[str, Any] | None = None,
    ids: IdSpace = ACME,
) -> StampedEvent:
    """An event as it lies on the log.

    ``at`` and ``recorded`` in microseconds (``START + 5 * SECOND``); recorded when it happened unless said otherwise.
    ``email``, ``phone``, ``crm``, ``cookie`` and ``identifiers`` are those of one participant with ``role``, all
    ``verified`` or none, and of one ``weight`` unless they say their own; cookies are claimed. ``text`` makes a message
    whose id is the event's. ``data``: further fields as JSON would have them; they replace those made here. Raises
    ``msgspec.ValidationError`` for fields that are not of their shape.
    """
    named = [
        Identifier(kind=kind, value=value, verified=verified, weight=CLAIMED if weight and kind == "cookie" else weight)
        for kind, value in (("email", email), ("phone", phone), ("crm", crm), ("cookie", cookie))
        if value
    ]
    known = [*named, *(_weighed(each, weight) for each in identifiers)]
    fields: dict[str, Any] = {
        "channel": channel,
        "interaction": interaction,
        "direction": "inbound" if role == "customer" else "outbound",
    }
    if known or name:
        fields["participants"] = [{"role": role, "name": name, "identifiers": known}]
    if text:
        fields["message"] = {"id": id, "text": text, "content_type": "text/plain"}
    draft = Draft(type=type, id=id, data=_data({**fields, **(data or {})}), time=at, sequence=sequence)
    return stamp(draft, source=source, recorded=at if recorded is None else recorded, ids=ids)


def a_decision(
    type: str,
    *,
    id: str,
    about: NodeId,
    at: Micros = START,
    recorded: Micros | None = None,
    data: Mapping[str, Any] | None = None,
    ids: IdSpace = ACME,
) -> StampedEvent:
    """A decision as the hub writes it: from the tenant's decision source, in the stream of what it is ``about``."""
    return stamp(
        Draft(type=type, id=id, data=_data(data or {}), time=at, subject=about.hex()),
        source=decision_source(ids.tenant),
        recorded=at if recorded is None else recorded,
        ids=ids,
    )


def fact_of(stamped: StampedEvent, ids: IdSpace = ACME) -> Fact:
    """The fact in an event's bytes."""
    return Fact(decode(stamped.raw), stamped.raw, ids)


def a_fact(type: str = "cx.message.received.v1", *, id: str, ids: IdSpace = ACME, **event: Any) -> Fact:
    """``an_event`` with the same arguments, as a fact."""
    return fact_of(an_event(type, id=id, ids=ids, **event), ids)


def _weighed(identifier: Identifier, weight: Weight | Literal[""]) -> Identifier:
    """Return an identifier that says its own weight, or this one."""
    if identifier.weight or not weight:
        return identifier
    return msgspec.structs.replace(identifier, weight=CLAIMED if identifier.kind == "cookie" else weight)


def _data(fields: Mapping[str, Any]) -> Data:
    """By way of bytes, since ``data.raw`` can only be read from bytes."""
    return msgspec.json.decode(msgspec.json.encode(fields), type=Data)
