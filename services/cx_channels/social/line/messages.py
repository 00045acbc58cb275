"""Map what people write and do at LINE; what the account sends is told by no event."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cx_channels.kit.geo_locations import geo_url
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import obj, text, texts, whole
from cx_channels.kit.outcomes import Outcome
from cx_channels.social.line.item import Item, draft_of
from cx_events.envelope import Attachment, Consent, Data, Message
from cx_events.json_types import Json

Mapper = Callable[[Item], Iterator[Outcome]]

CONTENT = "https://api-data.line.me/v2/bot/message/"
_MEDIA = {"image": "image/*", "video": "video/*", "audio": "audio/*", "file": "application/octet-stream"}


def map_message(item: Item) -> Iterator[Outcome]:
    """Map a message of any type."""
    message = obj(item.event.get("message"))
    id = text(message.get("id"))
    if not id or not item.thread:
        yield item.lost("it has no id, or no source")
        return
    yield draft_of(item, "cx.message.received.v1", id_part(id), Data(message=_message(message, id)))


def map_edit(item: Item) -> Iterator[Outcome]:
    """Map new words of a message. Edits may come out of order: the largest timestamp is the latest."""
    message = obj(item.event.get("message"))
    id = text(message.get("id"))
    if not id or not item.thread:
        yield item.lost("it names no message, or no source")
        return
    edit = f"{id_part(id)}/edited/{id_part(item.id)}"
    yield draft_of(item, "cx.message.edited.v1", edit, Data(message=_message(message, id)))


def _message(message: Json, id: str) -> Message:
    kind = text(message.get("type"))
    words = text(message.get("text"))
    if kind == "sticker":
        words = words or ", ".join(texts(message.get("keywords")))
    elif kind == "location":
        words = ", ".join(filter(None, (text(message.get("title")), text(message.get("address")))))
    return Message(
        id=id,
        text=words,
        content_type="text/plain" if words else "",
        in_reply_to=text(message.get("quotedMessageId")),
        attachments=list(_files(message, kind, id)) if kind != "text" else [],
    )


def _files(message: Json, kind: str, id: str) -> Iterator[Attachment]:
    """Yield a message's file by its address, which asks for the account's token; a sticker and a place by name."""
    if kind in _MEDIA:
        source, size = obj(message.get("contentProvider")), message.get("fileSize")
        external = text(source.get("originalContentUrl")) if source.get("type") == "external" else ""
        url = external or f"{CONTENT}{id_part(id)}/content"
        if external.startswith(CONTENT):  # its sender would have our token ask for the file of another's message
            url = ""
        yield Attachment(
            name=text(message.get("fileName")),
            content_type=_MEDIA[kind],
            bytes=whole(size),
            url=url,
        )
    elif kind == "sticker":
        yield Attachment(name="sticker", content_type="image/*")
    elif kind == "location":
        yield Attachment(name="location", url=geo_url(message.get("latitude"), message.get("longitude")))


def map_unsend(item: Item) -> Iterator[Outcome]:
    """Map that somebody took a message back; LINE asks to respect it."""
    id = text(obj(item.event.get("unsend")).get("messageId"))
    if not id:
        yield item.lost("it names no message")
        return
    yield draft_of(item, "cx.message.deleted.v1", f"{id_part(id)}/unsent", Data(message=Message(id=id)))


def map_postback(item: Item) -> Iterator[Outcome]:
    """Map the press of a button, whose label is not told: what the business wrote behind it, or the time chosen."""
    postback = obj(item.event.get("postback"))
    params = obj(postback.get("params"))
    chosen = next((found for name in ("datetime", "date", "time") if (found := text(params.get(name)))), "")
    words = chosen or text(postback.get("data"))
    if not item.thread:
        yield item.lost("it has no source")
        return
    message = Message(id=item.id, text=words, content_type="text/plain" if words else "")
    yield draft_of(item, "cx.message.received.v1", item.own_id(), Data(message=message, reason="postback"))


def _consent(granted: bool) -> Mapper:
    def map_consent(item: Item) -> Iterator[Outcome]:
        if not item.user:
            yield item.lost("it names nobody")
            return
        if granted:
            again = obj(item.event.get("follow")).get("isUnblocked") is True
            reason = "unblocked" if again else "follow"
            yield draft_of(item, "cx.interaction.started.v1", f"{item.own_id()}/started", Data(reason=reason))
        consent = Consent(purpose="contact", granted=granted, channel="social")
        yield draft_of(item, "cx.consent.changed.v1", item.own_id(), Data(consent=consent))

    return map_consent


def map_membership(item: Item) -> Iterator[Outcome]:
    """Map that somebody joined, left or renewed a paid membership."""
    membership = obj(item.event.get("membership"))
    what: Any = text(membership.get("type"))
    if not item.user or not what:
        yield item.lost("it names nobody, or nothing")
        return
    yield draft_of(item, "cx.customer.fact.v1", item.own_id(), Data(topic="membership", note=what))


def map_delivery(item: Item) -> Iterator[Outcome]:
    """Map that a notification message reached somebody, by the tag that its sender gave it; no person is named."""
    tag = text(obj(item.event.get("delivery")).get("data"))
    if not tag:
        yield item.lost("it has no tag")
        return
    yield draft_of(item, "cx.message.delivered.v1", item.own_id(), Data(message=Message(id=tag)), "outbound")


KINDS: Mapping[str, tuple[Mapper, str]] = {
    "message/text": (map_message, "cx.message.received"),
    "message/image": (map_message, "cx.message.received with a picture"),
    "message/video": (map_message, "cx.message.received with a film"),
    "message/audio": (map_message, "cx.message.received with a sound"),
    "message/file": (map_message, "cx.message.received with a file"),
    "message/location": (map_message, "cx.message.received with a place"),
    "message/sticker": (map_message, "cx.message.received with a sticker, by its keywords"),
    "messageEdited": (map_edit, "cx.message.edited"),
    "unsend": (map_unsend, "cx.message.deleted"),
    "postback": (map_postback, "cx.message.received with reason postback"),
    "follow": (_consent(True), "cx.consent.changed (contact), cx.interaction.started"),
    "unfollow": (_consent(False), "cx.consent.changed (contact)"),
    "membership": (map_membership, "cx.customer.fact"),
    "delivery": (map_delivery, "cx.message.delivered of a notification message"),
}
"""By type; messages by their own type."""
