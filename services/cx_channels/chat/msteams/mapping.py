"""Map activities by kind: their ``type``, with ``channelData.eventType`` or ``name`` where there are several of one.

``KINDS`` and ``kinds.IGNORED`` together name every documented kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from cx_channels.chat.msteams import contacts, messages
from cx_channels.chat.msteams.activity import Activity, activity_of, read_activity
from cx_channels.chat.msteams.kinds import IGNORED
from cx_channels.kit.drafts import sort_outcomes
from cx_channels.kit.json_values import obj, text
from cx_channels.kit.outcomes import Outcome, bounded
from cx_channels.provider import Answer, Connection, Mapped, Request
from cx_events.dead_letters import UNKNOWN_KIND
from cx_events.errors import Refused
from cx_events.json_types import Json

_WRITTEN = "cx.message.received of a customer, cx.message.sent of others"

KINDS: Mapping[str, tuple[Callable[[Activity], Iterable[Outcome]], str]] = {
    "message": (messages.map_message, f"{_WRITTEN}; what is filled in on a card, too"),
    "messageUpdate/editMessage": (messages.map_edit, "cx.message.edited"),
    "messageUpdate/undeleteMessage": (messages.map_edit, "cx.message.edited, reason undeleted: it is there again"),
    "messageUpdate": (messages.map_edit, "cx.message.edited"),
    "messageDelete/softDeleteMessage": (messages.map_deletion, "cx.message.deleted"),
    "messageDelete": (messages.map_deletion, "cx.message.deleted"),
    "messageReaction": (
        messages.map_reaction,
        "cx.message.reacted of each; without a reaction where taken back",
    ),
    "event/application/vnd.microsoft.readReceipt": (messages.map_receipt, "cx.message.read"),
    "conversationUpdate/bot": (contacts.map_members, "cx.interaction.started: the bot was added"),
    "invoke/adaptiveCard/action": (messages.map_action, f"{_WRITTEN}: a button of a card"),
    "invoke/actionableMessage/executeAction": (messages.map_action, f"{_WRITTEN}: a button of an older card"),
    "invoke/suggestedActions/submit": (messages.map_action, f"{_WRITTEN}: a suggested answer"),
    "invoke/fileConsent/invoke": (messages.map_action, f"{_WRITTEN}: a file was taken or not"),
    "invoke/handoff/action": (contacts.map_handoff, "cx.handoff.requested"),
    "handoff": (contacts.map_handoff, "cx.handoff.requested"),
    "endOfConversation": (contacts.map_end, "cx.interaction.ended"),
}

DOCUMENTED: Mapping[str, str] = {
    **{kind: becomes for kind, (_, becomes) in KINDS.items()},
    **{kind: f"ignored: {why}" for kind, why in IGNORED.items()},
}


def kind_of(value: Json) -> str:
    """Return the kind of an activity as the tables name it, or as it says itself."""
    kind = text(value.get("type"))
    if kind in ("event", "invoke"):
        named = f"{kind}/{text(value.get('name'))}"
        return named if kind == "event" or named in DOCUMENTED else "invoke/other"
    if kind == "conversationUpdate" and _adds_bot(value):
        return "conversationUpdate/bot"
    event = text(obj(value.get("channelData")).get("eventType"))
    named = f"{kind}/{event}"
    return named if event and named in DOCUMENTED else kind


def _adds_bot(value: Json) -> bool:
    bot = text(obj(value.get("recipient")).get("id"))
    added = value.get("membersAdded")
    return bool(bot) and isinstance(added, list) and any(obj(each).get("id") == bot for each in added)


def map_request(request: Request, connection: Connection) -> Mapped:
    """Map a request. Raise ``Refused("malformed")`` for a body that is no activity.

    What a bot posts to the Connector itself has no ``serviceUrl``: it is no activity that a bot gets.
    """
    activity = _activity(request, connection)
    if activity.kind in KINDS:
        return sort_outcomes(bounded(KINDS[activity.kind][0](activity), lambda: activity.lost("").id, activity.raw))
    if activity.kind in IGNORED:
        return Mapped(ignored=(messages.ignored(activity.kind),))
    return Mapped(unmapped=(activity.lost(f"{UNKNOWN_KIND}: {activity.kind[:64]!r}"),))


def _activity(request: Request, connection: Connection) -> Activity:
    value, written = request.once(read_activity)
    if not text(value.get("type")):
        raise Refused("malformed", "the body is no activity: it has no type")
    if not text(value.get("serviceUrl")):
        raise Refused("malformed", "no activity that a bot gets: it has no serviceUrl")
    return activity_of(connection, value, written, kind_of(value))


def kinds_of(request: Request, connection: Connection) -> tuple[str, ...]:
    """Return the kind of a request's activity, if ``DOCUMENTED`` names it."""
    kind = _activity(request, connection).kind
    return (kind,) if kind in DOCUMENTED else ()


def answer(_mapped: Mapped, request: Request) -> Answer:
    """Return what the Connector expects: of an invoke the answer is the HTTP response itself
    (learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/request-message-events)."""
    try:
        is_invoke = request.once(read_activity)[0].get("type") == "invoke"
    except Refused:
        is_invoke = False
    return Answer(body=b"{}", content_type="application/json") if is_invoke else Answer()
