"""Map Chatwoot's webhooks, by event: messages, conversations, contacts; ``kinds.IGNORED`` names the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cx_channels.chat.chatwoot import conversations, messages
from cx_channels.chat.chatwoot.kinds import IGNORED, ignored
from cx_channels.chat.chatwoot.notice import Notice, notice_of
from cx_channels.kit.drafts import sort_outcomes
from cx_channels.kit.json_values import read_object, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.provider import Connection, Mapped, Request, Unmapped
from cx_events.dead_letters import UNKNOWN_KIND
from cx_events.errors import Refused
from cx_events.json_types import Json

KINDS = {
    **conversations.KINDS,
    "message_created": (messages.map_created, ""),
    "message_updated": (messages.map_updated, ""),
}

DOCUMENTED: Mapping[str, str] = {
    "message_created/incoming": "cx.message.received",
    "message_created/outgoing": "cx.message.sent by an agent, a bot or Chatwoot",
    "message_created/template": "cx.message.sent by a bot: greetings, forms, surveys",
    "message_created/private": "cx.conversation.note, never the customer's to see",
    "message_updated/incoming": "cx.message.edited, cx.message.deleted",
    "message_updated/outgoing": "cx.message.delivered, cx.message.read, cx.message.failed, cx.message.deleted",
    "message_updated/template": "cx.survey.answered; cx.message.received: what was chosen or filled in",
    **{kind: becomes for kind, (_, becomes) in conversations.KINDS.items()},
    **{kind: f"ignored: {why}" for kind, why in IGNORED.items()},
}


def map_request(request: Request, connection: Connection) -> Mapped:
    """Map one webhook. Raise ``Refused("malformed")`` for a body that is none."""
    return sort_outcomes(_outcomes(notice_of(connection, request.once(_body))))


def _body(request: Request) -> Json:
    value = read_object(request.body)
    if not text(value.get("event")):
        raise Refused("malformed", "the webhook names no event")
    return value


def _outcomes(notice: Notice) -> Iterator[Outcome]:
    ours, event = text(notice.connection.settings.get("account")), notice.event
    if ours and notice.account != ours:
        yield ignored("other-account")
    elif event in KINDS:
        yield from KINDS[event][0](notice)
    elif _left_out(event) in IGNORED:
        yield ignored(_left_out(event))
    else:
        lost = notice.lost("")
        yield Unmapped(lost.id, f"{UNKNOWN_KIND}: {event[:64]!r}", lost.original)


def _left_out(event: str) -> str:
    """Return an event as ``IGNORED`` names it: a rule's call says which event it is for, ``automation_event.NAME``
    (chatwoot.com/hc, automation rules, "Send webhook event")."""
    return "automation_event" if event.startswith("automation_event.") else event


def kinds_of(request: Request, connection: Connection) -> tuple[str, ...]:
    """Return the kind of a webhook, if ``DOCUMENTED`` names it."""
    notice = notice_of(connection, request.once(_body))
    kind = messages.kind_of_message(notice) if notice.is_message else _left_out(notice.event)
    return (kind,) if kind in DOCUMENTED else ()
