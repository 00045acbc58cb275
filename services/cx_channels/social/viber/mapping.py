"""Map Viber's callbacks, by kind: ``KINDS`` and ``IGNORED`` name every documented one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from cx_channels.kit.drafts import sort_outcomes
from cx_channels.kit.geo_locations import geo_url
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import obj, read_object, text, whole
from cx_channels.kit.outcomes import Outcome
from cx_channels.provider import Connection, Ignored, Mapped, Request, Unmapped
from cx_channels.social.viber.callback import Callback, callback_of, draft_of
from cx_events.dead_letters import UNKNOWN_KIND
from cx_events.envelope import Attachment, Consent, Failure, Message, Reference
from cx_events.errors import Refused
from cx_events.json_types import Json

Mapper = Callable[[Callback], Iterator[Outcome]]

_MEDIA = {"picture": "image/*", "video": "video/*", "file": "application/octet-stream", "sticker": "image/*"}


def map_message(callback: Callback) -> Iterator[Outcome]:
    """Map a message of any type; a button of a keyboard comes as a text."""
    message = obj(callback.value.get("message"))
    words, files = _words(message), list(_files(message))
    if not callback.user or not text(callback.value.get("message_token")):
        yield callback.lost("it names nobody, or has no token")
        return
    if not words and not files:
        yield callback.lost("neither words nor a file")
        return
    content = Message(
        id=callback.token, text=words, content_type="text/plain" if words else "", attachments=files
    )  # fmt: skip
    yield draft_of(callback, "cx.message.received.v1", id_part(callback.token), message=content)


def _words(message: Json) -> str:
    """Return a message's words; of a link its address, of an address card what stands on it."""
    kind, words = text(message.get("type")), text(message.get("text"))
    if kind == "url":
        return "\n".join(dict.fromkeys(filter(None, (words, text(message.get("media"))))))
    if kind == "rich_media":
        return words or text(message.get("alt_text"))
    if kind == "contact":
        card = obj(message.get("contact"))
        told = ", ".join(filter(None, (text(card.get("name")), text(card.get("phone_number")))))
        return "\n".join(filter(None, (words, told)))
    return words


def _files(message: Json) -> Iterator[Attachment]:
    """Yield a message's file by its address at Viber, which is good for hours; a place, a card by name."""
    kind, url = text(message.get("type")), text(message.get("media"))
    # "Receive message from user" documents file_size, Viber's own libraries read size.
    size = next((found for name in ("file_size", "size") if (found := whole(message.get(name))) is not None), None)
    if kind in _MEDIA and (url or kind == "sticker"):
        yield Attachment(
            name=text(message.get("file_name")) or ("sticker" if kind == "sticker" else ""),
            content_type=_MEDIA[kind],
            bytes=size,
            url=url,
        )
    elif kind == "location":
        place = obj(message.get("location"))
        if url := geo_url(place.get("lat"), place.get("lon")):
            yield Attachment(name="location", url=url)
    elif kind == "contact":
        yield Attachment(name=text(obj(message.get("contact")).get("name")) or "contact", content_type="text/vcard")


def _consent(granted: bool) -> Mapper:
    def map_consent(callback: Callback) -> Iterator[Outcome]:
        if not callback.user:
            yield callback.lost("it names nobody")
            return
        consent = Consent(purpose="contact", granted=granted, channel="social")
        yield draft_of(callback, "cx.consent.changed.v1", callback.own_id(), consent=consent)

    return map_consent


def map_start(callback: Callback) -> Iterator[Outcome]:
    """Map that somebody opened the chat; ``context`` is what the link carried, whoever wrote the link."""
    if not callback.user:
        yield callback.lost("it names nobody")
        return
    context = text(callback.value.get("context"))
    tokens = [Reference(kind="token", value=context)] if context else []
    reason = text(callback.value.get("type"))
    yield draft_of(callback, "cx.interaction.started.v1", callback.own_id(), references=tokens, reason=reason)


def _status(event_type: str) -> Mapper:
    def map_status(callback: Callback) -> Iterator[Outcome]:
        if not callback.user or not text(callback.value.get("message_token")):
            yield callback.lost("it names nobody, or no message")
            return
        failed = event_type == "cx.message.failed.v1"
        failure = Failure(code="failed", message=text(callback.value.get("desc"))) if failed else None
        # Each of a person's devices returns a receipt of its own, at its own time ("Message receipts callbacks").
        at = text(callback.value.get("timestamp"))
        id = f"{callback.own_id()}/{id_part(at)}" if at else callback.own_id()
        yield draft_of(callback, event_type, id, "outbound", message=Message(id=callback.token), failure=failure)

    return map_status


KINDS: Mapping[str, tuple[Mapper, str]] = {
    "message/text": (map_message, "cx.message.received"),
    "message/picture": (map_message, "cx.message.received with a picture"),
    "message/video": (map_message, "cx.message.received with a film"),
    "message/file": (map_message, "cx.message.received with a file"),
    "message/sticker": (map_message, "cx.message.received with a sticker"),
    "message/contact": (map_message, "cx.message.received with an address card"),
    "message/url": (map_message, "cx.message.received with a link as words"),
    "message/location": (map_message, "cx.message.received with a place"),
    "message/rich_media": (map_message, "cx.message.received with the words that stand for it"),
    "subscribed": (_consent(True), "cx.consent.changed (contact)"),
    "unsubscribed": (_consent(False), "cx.consent.changed (contact)"),
    "conversation_started": (map_start, "cx.interaction.started with the context as a token"),
    "delivered": (_status("cx.message.delivered.v1"), "cx.message.delivered"),
    "seen": (_status("cx.message.read.v1"), "cx.message.read"),
    "failed": (_status("cx.message.failed.v1"), "cx.message.failed with Viber's words"),
}

IGNORED: Mapping[str, str] = {
    "webhook": "Viber tries whether the address is there",
    "client_status": "whether somebody's application is there, which says nothing",
}

DOCUMENTED: Mapping[str, str] = {
    **{kind: becomes for kind, (_, becomes) in KINDS.items()},
    **{kind: f"ignored: {why}" for kind, why in IGNORED.items()},
}


def map_request(request: Request, connection: Connection) -> Mapped:
    """Map one callback. Raise ``Refused("malformed")`` for a body that is none."""
    return sort_outcomes(_outcomes(_callback(request, connection)))


def _callback(request: Request, connection: Connection) -> Callback:
    value = read_object(request.body)
    if not text(value.get("event")):
        raise Refused("malformed", "the callback names no event")
    return callback_of(connection, value)


def _outcomes(callback: Callback) -> Iterator[Outcome]:
    kind = callback.kind
    if kind in KINDS:
        yield from KINDS[kind][0](callback)
    elif kind in IGNORED:
        yield Ignored(kind, IGNORED[kind])
    else:
        yield Unmapped(callback.own_id(), f"{UNKNOWN_KIND}: {kind[:64]!r}", callback.raw)


def kinds_of(request: Request, connection: Connection) -> tuple[str, ...]:
    """Return the kind of a callback, if ``DOCUMENTED`` names it."""
    kind = _callback(request, connection).kind
    return (kind,) if kind in DOCUMENTED else ()
