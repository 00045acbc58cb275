"""An outcome of a mapping in one line that a person can hold against a vendor's page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from cx_events.codec import decode
from cx_events.stamp import StampedEvent

MOST = 160
"""Characters of a text that are shown; of a longer one its length is told."""

_MOST_LISTED = {"attachments": 12}
"""How many of a list are shown, where that is not four; how many there are is always told."""

_OF_CONTENT = frozenset({"sha256", "blob"})
"""Fields of an attachment that say nothing to a reader beside its size."""

_SHOWN_APART = frozenset({"channel", "interaction", "direction", "participants", "references", "raw"})


def told_event(stamped: StampedEvent) -> str:
    """Type, direction, time, channel, contact, who, references, then every field of data that says something."""
    event = decode(stamped.raw)
    data: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(event.data, raw=msgspec.UNSET))
    given = json.loads(stamped.raw)["data"]
    parts = [
        " ".join(filter(None, (_short(event.type), data.get("direction") or "", f"at {event.time}"))),
        f"in {data.get('channel')} {data.get('interaction')}" if data.get("interaction") else "",
        f"sequence {json.loads(stamped.raw)['sequence']}" if "sequence" in json.loads(stamped.raw) else "",
        *(told_participant(each) for each in given.get("participants", ())),
        *(f"about {each['kind']} {each['value']}" for each in given.get("references", ())),
        *(f"{name} {told_value(value, name)}" for name, value in given.items() if name not in _SHOWN_APART and value),
        *(f"{name} {told_value(value)}" for name, value in told_of_original(given.get("raw"))),
        f"id {event.id}",
    ]
    return "; ".join(filter(None, parts))


def told_participant(participant: dict[str, Any]) -> str:
    named = [str(participant["role"])]
    if participant.get("id"):
        named.append(f"#{participant['id']}")
    if participant.get("name"):
        named.append(json.dumps(participant["name"], ensure_ascii=False))
    named += [_identifier(each) for each in participant.get("identifiers", ())]
    return " ".join(named)


def told_of_original(raw: Any) -> Iterator[tuple[str, Any]]:
    """Yield what is told with the original of a mail: what of it is not in the event, and who vouches for it."""
    if isinstance(raw, dict):
        yield from ((name, raw[name]) for name in ("left_out", "authentication") if raw.get(name))


def told_value(value: Any, name: str = "") -> str:
    """Texts in quotes and cut, objects in braces, lists in brackets with how many there are.

    ``name``: of the field whose value it is.
    """
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        fields = {key: each for key, each in value.items() if each != "" and key not in _OF_CONTENT}
        return "{" + ", ".join(f"{key} {told_value(each, key)}" for key, each in fields.items()) + "}"
    if isinstance(value, list):
        most = _MOST_LISTED.get(name, 4)
        shown = ", ".join(told_value(each) for each in value[:most])
        return f"{len(value)}[{shown}{', ...]' if value[most:] else ']'}"
    return json.dumps(value)


def lines_of_unmapped(unmapped: Any) -> Iterator[str]:
    for each in unmapped:
        yield f"kept: {each.reason}; id {each.id}; {len(each.original)} bytes"


def _identifier(identifier: dict[str, Any]) -> str:
    scope = f"@{identifier['scope']}" if identifier.get("scope") else ""
    weight = f" ({identifier['weight']})" if identifier.get("weight") else ""
    unusable = f" unusable: {identifier['unusable']}" if identifier.get("unusable") else ""
    return f"{identifier['kind']}:{identifier['value']}{scope}{weight}{unusable}"


def _text(text: str) -> str:
    shown = json.dumps(text[:MOST], ensure_ascii=False)
    return f"{shown}... of {len(text)}" if len(text) > MOST else shown


def _short(type: str) -> str:
    return type.removeprefix("cx.").removesuffix(".v1")
