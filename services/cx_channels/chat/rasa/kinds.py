"""List kinds of Rasa's records that are no event, each with the reason (rasa_sdk/events.py; the engine's of older
names, too).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cx_channels.provider import Ignored

_INSIDE = "the assistant's own bookkeeping"
_HISTORY = "the assistant's memory is changed; what was said to the customer was said"
_FLOW = "a step of the assistant's flows; what it says and learns is told by itself"


def _kinds(why: str, names: str) -> Iterable[tuple[str, str]]:
    return ((name, why) for name in names.split())


IGNORED: Mapping[str, str] = {
    "no-events": "the tracker has no records, or was asked without them",
    "user/command": "a command of the client or the developer, not words",
    "user/trigger": "a button's intent, which nobody typed; the intent is told by itself",
    "user/words": "the words are told by the channel's own provider",
    "user/card": "the digits of a payment card are not kept",
    "user/nothing": "neither words nor an intent",
    "bot/nothing": "neither words nor a picture",
    "slot/own": "a slot of Rasa's own",
    "slot/empty": "a value was forgotten, or is a payment card's number",
    "action": "what the assistant did; what it said is told by itself",
    "session_started/guest": "the contact is another channel's, which tells itself when it begins",
    "session_ended/guest": "the contact is another channel's: the assistant's part is over, not the contact",
    "resume": "the assistant speaks again, which its next words show",
    **dict(_kinds(_INSIDE, """
        entities user_featurization action_execution_rejected active_loop form loop_interrupted form_validation
        followup reminder cancel_reminder routing_session_ended export""")),
    **dict(_kinds(_HISTORY, "restart reset_slots rewind undo")),
    **dict(_kinds(_FLOW, """
        flow_started flow_completed flow_interrupted flow_resumed flow_cancelled stack""")),
}  # fmt: skip


def ignored(kind: str) -> Ignored:
    """Return a kind that is left out, with the reason."""
    return Ignored(kind, IGNORED[kind])
