"""Map Zendesk's requests, by the shape of the body and then by kind.

Bodies that a tenant writes for a trigger are a matter of ``chat/generic``; those of targets and of the channel
framework, which webhooks replaced, are refused by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cx_channels.chat.zendesk import conversations, conversations_v1, tickets
from cx_channels.chat.zendesk.kinds import FAMILIES, IGNORED
from cx_channels.chat.zendesk.notice import Notice
from cx_channels.kit.drafts import sort_outcomes
from cx_channels.kit.json_values import obj, objects, read_written, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.times import fractional_seconds, iso_time
from cx_channels.provider import Connection, Ignored, Mapped, Request, Unmapped
from cx_events.dead_letters import UNKNOWN_KIND
from cx_events.errors import Refused
from cx_events.json_types import Json

ZEN = "zen:event-type:"
MOST = 100
"""Events of one request; Sunshine Conversations sends one, as a rule."""

DOCUMENTED: Mapping[str, str] = {
    **{kind: becomes for kind, (_, becomes) in conversations.KINDS.items()},
    **conversations_v1.KINDS,
    **{kind: becomes for kind, (_, becomes) in tickets.KINDS.items()},
    **{kind: f"ignored: {why}" for kind, why in IGNORED.items()},
}


def map_request(request: Request, connection: Connection) -> Mapped:
    """Map a request. Raise ``Refused``: ``malformed`` for a body that is none of Zendesk's webhooks, ``old-door`` for
    one of the channel framework."""
    return sort_outcomes(outcome for notice in _notices(request, connection) for outcome in _outcomes(notice))


def kinds_of(request: Request, connection: Connection) -> tuple[str, ...]:
    """Return the kinds of a request's notices, as far as ``DOCUMENTED`` names them."""
    return tuple(notice.kind for notice in _notices(request, connection) if notice.kind in DOCUMENTED)


def _body(request: Request) -> tuple[Json, bytes]:
    return read_written(request.body)


def _notices(request: Request, connection: Connection) -> list[Notice]:
    if request.content_type == "application/x-www-form-urlencoded":
        raise Refused("old-door", "a form of the channel framework, which Zendesk ended: send webhooks instead")
    body, written = request.once(_body)
    kind = text(body.get("type"))
    if kind.startswith(ZEN):
        return [
            Notice(
                connection,
                kind.removeprefix(ZEN),
                body,
                obj(body.get("event")),
                text(body.get("account_id")),
                text(body.get("id")),
                iso_time(text(body.get("time"))),
                written,
            )
        ]
    if text(body.get("trigger")):
        app = text(obj(body.get("app")).get("_id"))
        at = fractional_seconds(body.get("timestamp"))
        return [
            Notice(connection, f"{conversations_v1.PREFIX}{text(body['trigger'])}", body, body, app, "", at, written)
        ]
    events = objects(body.get("events"))
    if events and all("type_id" in each for each in events):
        raise Refused("old-door", "an event of the channel framework, which Zendesk ended: send webhooks instead")
    if not events:
        raise Refused(
            "malformed", "neither events, nor a trigger, nor a type: a trigger's own body is for chat/generic"
        )
    if len(events) > MOST:
        raise Refused("malformed", f"more than {MOST} events in one request")
    return [_conversation_event(connection, body, each) for each in events]


def _conversation_event(connection: Connection, body: Json, event: Json) -> Notice:
    payload, app = obj(event.get("payload")), obj(body.get("app"))
    kind = text(event.get("type"))
    content = obj(obj(payload.get("message")).get("content"))
    if kind == "conversation:message" and text(content.get("type")) == "activity":
        kind = "conversation:message/activity"
    return Notice(
        connection, kind, event, payload, text(app.get("id")), text(event.get("id")),
        iso_time(text(event.get("createdAt"))), {"app": app, "event": event},
    )  # fmt: skip


def _outcomes(notice: Notice) -> Iterator[Outcome]:
    kind = notice.kind
    if kind in conversations.KINDS:
        yield conversations.KINDS[kind][0](notice)
    elif kind in conversations_v1.KINDS:
        yield from conversations_v1.outcomes_of(notice)
    elif kind in tickets.KINDS:
        yield tickets.KINDS[kind][0](notice)
    elif kind in IGNORED:
        yield Ignored(kind, IGNORED[kind])
    elif family := next((each for each in FAMILIES if kind.startswith(each)), ""):
        yield Ignored(f"{family}*", IGNORED[f"{family}*"])
    else:
        yield Unmapped(notice.id, f"{UNKNOWN_KIND}: {kind[:64]!r}", notice.raw)
