"""Describe briefs: what a telephone menu or a bot needs of a context (``contexts.brief``)."""

from __future__ import annotations

from collections.abc import Mapping

from cx_events.json_types import Json
from cx_events.schema_shapes import FLAG, TEXT, WHOLE, members, ref, values

_SAY = {
    "name": {**TEXT, "description": "The customer's name, where it is asserted or proved."},
    "open": {**WHOLE, "description": "Open conversations."},
    "waiting": {**FLAG, "description": "The customer waits for an answer."},
    "topic": TEXT,
    "summary": TEXT,
    "channel": {**TEXT, "description": "The latest channel of that conversation."},
    "last_at": {**TEXT, "description": "When it was active last."},
    "agent": {**TEXT, "description": "Who looked after it last: in `say` a name, in `route` an id."},
    "known": {**values(TEXT), "description": "What the customer told a bot: do not ask again."},
}
_CONVERSATION: Json = {**TEXT, "description": "The contact's conversation, by the id that stays with the contact."}
BRIEF_SCHEMAS: Mapping[str, Json] = {
    "Brief": {
        **members(
            {
                "level": {"enum": ["proved", "asserted", "claimed", "none"]},
                "by": {**TEXT, "description": "The method of the proof, as `ivr-pin`."},
                "reason": {
                    "enum": ["", "unknown-customer", "ambiguous-identifier", "ambiguous-interaction"],
                    "description": "Why nobody is known.",
                },
                "say": ref("BriefToSay"),
                "route": ref("BriefRoute"),
                "meta": ref("Meta"),
            }
        ),
        "description": "No member is ever null or missing; what is not known is an empty text.",
    },
    "BriefToSay": {
        **members(_SAY),
        "description": "May be told to whoever is in the contact: empty below `asserted`; at `asserted` `name`, `open` "
        "and `waiting` alone.",
    },
    "BriefRoute": {
        **members(
            {
                "customer": TEXT,
                "conversation": _CONVERSATION,
                "queue": TEXT,
                **{k: v for k, v in _SAY.items() if k != "name"},
            }
        ),
        "description": "For choosing a queue and for the agent's screen, never to be told: a claim may have led to it.",
    },
}
