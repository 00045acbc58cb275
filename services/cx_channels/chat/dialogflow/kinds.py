"""List what of Dialogflow's requests is no event, each with the reason."""

from __future__ import annotations

from collections.abc import Mapping

from cx_channels.provider import Ignored

_PRESENTATION = "how an answer looks or sounds; its words are told by its texts"
_INSIDE = "the agent's own bookkeeping"

IGNORED: Mapping[str, str] = {
    "words": "the customer's words, told by the channel's own provider unless the setting messages is take",
    "card": "the digits of a payment card are not kept",
    "begin-as-guest": "the contact is another channel's, which tells itself when it begins",
    "end-as-guest": "the contact is another channel's: the agent's part is over, not the contact",
    "event": "a program called the agent by an event: the customer said nothing",
    "event/no-input": "the customer said nothing in time",
    "intent-trigger": "a program chose the intent: the customer said nothing",
    "message/play-audio": _PRESENTATION,
    "message/mixed-audio": _PRESENTATION,
    "message/payload": "a payload of the agent's own shape, without words in it",
    "message/knowledge-card": "a place for the client's own card",
    "message/tool-call": _INSIDE,
    "message/success": "the agent's own mark that it met its goal",
    "conversation/recognition": "speech while it is spoken; what was heard comes as a message",
    "conversation/error": "Dialogflow could not go on; what was said is told by itself",
    "nothing": "the request tells neither an intent, nor values, nor an answer",
}


def ignored(kind: str) -> Ignored:
    """Return a kind that is left out, with the reason."""
    return Ignored(kind, IGNORED[kind])
