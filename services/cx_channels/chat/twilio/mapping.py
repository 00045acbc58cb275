"""Map Twilio's requests about messages and conversations, by kind.

One request is one notice, and its kind is told by which fields it has; Event Streams bring several. What other products
send to the same address is kept (``kit.twilio_products``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from cx_channels.chat.twilio import conversations, messaging, streams
from cx_channels.chat.twilio.callback import ATTEMPT, Callback
from cx_channels.kit import twilio_products as products
from cx_channels.kit.drafts import sort_outcomes
from cx_channels.kit.json_values import texts
from cx_channels.kit.listed import listed_at
from cx_channels.kit.outcomes import Outcome, bounded, no_adapter
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.twilio_forms import Fields, query_of, read_fields
from cx_channels.provider import Connection, Ignored, Mapped, Request, Unmapped
from cx_events.dead_letters import UNKNOWN_KIND
from cx_events.errors import Refused

KINDS: Mapping[str, tuple[Callable[[Callback], Iterator[Outcome]], str]] = {**messaging.KINDS, **conversations.KINDS}

IGNORED: Mapping[str, str] = {
    **messaging.IGNORED,
    **conversations.IGNORED,
    "other-account": "the setting accounts does not list the request's AccountSid",
}

_ELSEWHERE = (products.MESSAGE, "messaging/status", "conversations", "virtual-agent-event")
_VOICE = "a call, which a connection of voice/twilio takes"
KEPT: Mapping[str, str] = {
    "voice": _VOICE,
    **{kind: why for kind, why in products.KINDS.items() if kind not in _ELSEWHERE},
}

DOCUMENTED: Mapping[str, str] = {
    **{kind: becomes for kind, (_, becomes) in KINDS.items()},
    **{kind: f"ignored: {why}" for kind, why in IGNORED.items()},
    **{kind: f"kept: {why}" for kind, why in KEPT.items()},
}

_ONCE = frozenset({"MessageSid", "From", "To", "ConversationSid", "Author", "MessageStatus", "EventType"})
"""Fields that say which notice this is, or whose: with two values nothing shows which one is Twilio's."""


def map_request(request: Request, connection: Connection) -> Mapped:
    """Map a request. Raise ``Refused``: ``malformed`` (unreadable), ``ambiguous`` (a field with two values),
    ``unknown-kind`` (nothing tells what it means)."""
    fields = request.once(read_fields)
    if isinstance(fields, list):
        return sort_outcomes(_of_stream(fields, request, connection))
    for name in sorted(_ONCE & fields.ambiguous):
        raise Refused("ambiguous", f"{name} comes with more than one value, and nothing shows which one is Twilio's")
    kind = kind_of(fields)
    if not _ours(fields, connection):
        return Mapped(ignored=(Ignored("other-account", IGNORED["other-account"]),))
    if kind in products.KINDS and kind in KEPT:
        return Mapped(unmapped=(products.kept(kind, fields, request),))
    original = request.body or query_of(request).encode()
    callback = Callback(fields, connection, kind, original, _kept_fields(fields, kind).raw(), listed_at(request))
    return sort_outcomes(_outcomes(callback))


def _outcomes(callback: Callback) -> Iterator[Outcome]:
    kind, original = callback.kind, callback.original
    if kind in KINDS:
        yield from bounded(KINDS[kind][0](callback), callback.message, original)
    elif kind in IGNORED:
        yield Ignored(kind, IGNORED[kind])
    elif kind in KEPT:
        yield no_adapter(kind, KEPT[kind], f"{kind}/{sha256_hex(original)[:32]}", original)
    elif kind:
        yield Unmapped(f"{kind[:64]}/{sha256_hex(original)[:32]}", f"{UNKNOWN_KIND}: {kind[:64]!r}", original)
    else:
        raise Refused("unknown-kind", f"nothing tells what this means: fields {callback.fields.names()}")


def _kept_fields(fields: Fields, kind: str) -> Fields:
    """Return the fields without those of an attempt. A message that comes again by the fallback URL names the error of
    the first attempt; the error of a message that went out is its own."""
    attempt = ATTEMPT if kind != "message" else ATTEMPT | {"ErrorCode", "ErrorMessage"}
    return fields.without(attempt) if any(name in fields for name in attempt) else fields


def _of_stream(events: list[object], request: Request, connection: Connection) -> Iterator[Outcome]:
    found = (outcome for each in streams.callbacks_of(events, connection) for outcome in _of_event(each, request))
    yield from bounded(found, f"event-streams/{sha256_hex(request.body)[:32]}", request.body)


def _of_event(event: object, request: Request) -> Iterator[Outcome]:
    if not isinstance(event, Callback):
        yield from products.kept_of_stream([event], request)
    elif not _ours(event.fields, event.connection):
        yield Ignored("other-account", IGNORED["other-account"])
    else:
        yield from _outcomes(event)


def kinds_of(request: Request, connection: Connection) -> tuple[str, ...]:
    """Return the kinds of a request's notices, as ``DOCUMENTED`` names them."""
    fields = request.once(read_fields)
    if isinstance(fields, list):
        found = [each.kind for each in streams.callbacks_of(fields, connection) if isinstance(each, Callback)]
    else:
        found = [kind_of(fields)]
    return tuple(kind for kind in found if kind in DOCUMENTED)


def kind_of(fields: Fields) -> str:
    """Return the kind of a request as the tables name it; "" where nothing tells."""
    if fields["CallSid"]:
        return "voice"
    if fields["EventType"].startswith("on"):
        return fields["EventType"]
    other = products.kind_of(fields)
    if other == products.MESSAGE:
        state = fields["MessageStatus"].lower()
        if state and not ("Body" in fields and state in ("received", "receiving")):
            return f"status/{state}"
        return "message/reaction" if fields["MessageType"].lower() == "reaction" else "message"
    return f"status/{products.message_state(fields)}" if other == "messaging/status" else other


def expects_twiml(request: Request) -> bool:
    """Return whether Twilio asks what to answer to a message."""
    try:
        fields = request.once(read_fields)
    except Refused:
        return True
    return isinstance(fields, Fields) and kind_of(fields).startswith("message")


def _ours(fields: Fields, connection: Connection) -> bool:
    """Return whether the setting ``accounts`` lists the request's account; a status may name none."""
    listed = connection.settings.get("accounts")
    known = texts(list(listed) if isinstance(listed, list | tuple) else [listed])
    return not known or not fields["AccountSid"] or fields["AccountSid"] in known
