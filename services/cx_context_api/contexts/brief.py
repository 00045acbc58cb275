"""Shorten a context to what a telephone menu or a bot needs at one step.

``say`` may be told to whoever is in the contact, ``route`` is for choosing a queue and for the agent's screen. Flows
read values by fixed paths, and many fail on a value that is null or missing: every member is always there, and what is
not known is an empty text.

Pure: the body of a context as JSON in, members of the brief out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cx_context.sections.assurance import NONE
from cx_events.ids import NodeId, text_of
from cx_events.json_types import Json
from cx_events.weights import PROVED

TEXT_SHOWN = 200
"""Characters of a text."""
ANSWERS_SHOWN = 20
"""Members of ``known``."""

_NOTHING_TO_SAY: Json = {
    "name": "",
    "open": 0,
    "waiting": False,
    "topic": "",
    "summary": "",
    "channel": "",
    "last_at": "",
    "agent": "",
    "known": {},
}
_NO_ROUTE: Json = {
    "customer": "",
    "conversation": "",
    "open": 0,
    "waiting": False,
    "topic": "",
    "summary": "",
    "channel": "",
    "last_at": "",
    "queue": "",
    "agent": "",
    "known": {},
}


def empty_brief(reason: str = "", conversation: str = "") -> Json:
    """Return the brief of a contact of which nothing may be read, or of a caller who is unknown."""
    route = {**_NO_ROUTE, "conversation": conversation}
    return {"level": NONE, "by": "", "reason": reason, "say": dict(_NOTHING_TO_SAY), "route": route}


def words_to_say(assured: Mapping[str, Any], interaction: str, level: str) -> Json:
    """Return ``say``. ``assured``: the body of an assured read of the contact. ``level``: the contact's.

    Where the contact is asserted alone, whoever speaks may be somebody else at the customer's telephone: then it is the
    name and whether something is open, without what it is about.
    """
    customer, matter = assured["customer"], _matter(assured, interaction)
    said = {
        **_NOTHING_TO_SAY,
        "name": _cut(customer["display"]) if customer["display_weight"] else "",
        "open": _open_count(assured, interaction),
        "waiting": bool(matter and matter["waiting_since"]),
    }
    return {**said, **_about(matter), "agent": _named(matter, "agent", "name")} if level == PROVED else said


def route_of(body: Mapping[str, Any], interaction: str, own: NodeId | None = None) -> Json:
    """Return ``route``. ``body``: of a context. ``own``: the id of its conversation that stays with the contact.

    A handoff under that id is the contact's. Under the conversation's own id it would be that of the contact which
    began it, of which more may be proved.
    """
    matter, last_agent = _matter(body, interaction), body["last_agent"] or {}
    return {
        "customer": body["customer"]["id"],
        "conversation": text_of(own) if own is not None else _conversation_id(body),
        "open": _open_count(body, interaction),
        "waiting": bool(matter and matter["waiting_since"]),
        **_about(matter),
        "queue": _named(matter, "queue", "id"),
        "agent": _named(matter, "agent", "id") or _cut(last_agent.get("id")),
    }


def _about(matter: Json | None) -> Json:
    if matter is None:
        return {name: _NOTHING_TO_SAY[name] for name in ("topic", "summary", "channel", "last_at", "known")}
    slots = (matter["bot"] or {}).get("slots", {})
    return {
        "topic": _cut(matter["topic"]),
        "summary": _cut(matter["summary"]),
        "channel": _cut(next(reversed(matter["channels"]), "")),
        "last_at": matter["last_at"],
        "known": {_cut(name): _cut(value) for name, value in list(slots.items())[:ANSWERS_SHOWN]},
    }


def _matter(body: Mapping[str, Any], interaction: str) -> Json | None:
    """Return the conversation that the contact goes on with: its own if it says anything, else the first other one.

    A call that has just come in stands alone until a number, a code or a window joins it to what it is about.
    """
    conversations = [each for each in body["conversations"] if not _says_nothing(each, interaction)]
    own = [each for each in conversations if _joins(each, interaction)]
    return next(iter([*own, *conversations]), None)


def _open_count(body: Mapping[str, Any], interaction: str) -> int:
    return sum(each["state"] == "open" and not _says_nothing(each, interaction) for each in body["conversations"])


def _says_nothing(conversation: Json, interaction: str) -> bool:
    """Return whether the conversation is the contact alone, and nothing was said in it yet."""
    alone = all(joined["interaction"] == interaction for joined in conversation["joined"])
    said = any(conversation[name] for name in ("topic", "messages", "bot", "notes", "references"))
    return alone and not said


def _joins(conversation: Json, interaction: str) -> bool:
    return any(joined["interaction"] == interaction for joined in conversation["joined"])


def _conversation_id(body: Mapping[str, Any]) -> str:
    """Return the id of the conversation that a caller without a contact would go on with."""
    matter = _matter(body, "")
    return str(matter["id"]) if matter is not None else ""


def _named(matter: Json | None, who: str, member: str) -> str:
    found = (matter or {}).get(who) or {}
    return _cut(found.get(member) or found.get("id"))


def _cut(value: Any) -> str:
    return str(value)[:TEXT_SHOWN] if value is not None else ""
