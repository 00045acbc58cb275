"""Map messages, and what is said about messages: reactions, edits, receipts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cx_channels.kit.geo_locations import geo_url
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, obj, objects, text, texts
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.times import unix_time
from cx_channels.kit.whatsapp.content import GRAPH
from cx_channels.provider import Unmapped
from cx_channels.social.meta.messaging_event import MessagingEvent, draft_of, referral_tokens
from cx_events.envelope import (
    Attachment,
    Data,
    Draft,
    Message,
)
from cx_events.json_types import Json

_MEDIA = {
    "image": "image/*",
    "video": "video/*",
    "audio": "audio/*",
    "file": "application/octet-stream",
    "reel": "video/*",
    "ig_reel": "video/*",
    "sticker": "image/*",
}


def map_message(event: MessagingEvent) -> Iterable[Outcome]:
    """Map a person's message."""
    return (_message(event, "cx.message.received.v1", ""),)


def map_unsupported(event: MessagingEvent) -> Iterable[Outcome]:
    """Map a message that the API does not show (a poll, a view-once photo): that it was sent counts."""
    kind = "cx.message.sent.v1" if event.peers.from_account else "cx.message.received.v1"
    return (_message(event, kind, "", reason="unsupported"),)


def map_echo(event: MessagingEvent) -> Iterable[Outcome]:
    """Map a message that the page sent, through any app: a bot, a desk, Meta's inbox."""
    return (_message(event, "cx.message.sent.v1", "echo"),)


def map_deletion(event: MessagingEvent) -> Iterable[Outcome]:
    """Map the deletion of a message."""
    return _about_message(event, "cx.message.deleted.v1", "deleted")


def map_edit(event: MessagingEvent) -> Iterable[Outcome]:
    """Map the edit of a message."""
    words = text(event.body.get("text"))
    return _about_message(
        event,
        "cx.message.edited.v1",
        f"edited/{id_part(first(event.body.get('num_edit'), event.time))}",
        words=words,
    )


def map_reaction(event: MessagingEvent) -> Iterable[Outcome]:
    """Map a reaction to a message, or its withdrawal."""
    body = event.body
    taken_back = body.get("action") == "unreact"
    at = first(event.item.value.get("timestamp")) or "0"
    return _about_message(
        event,
        "cx.message.reacted.v1",
        f"reaction/{id_part(event.peers.user)}/{'unreact' if taken_back else 'react'}/{id_part(at)}",
        reaction="" if taken_back else first(body.get("emoji"), body.get("reaction"), "other"),
        reason="unreact" if taken_back else "",
    )


def map_response_feedback(event: MessagingEvent) -> Iterable[Outcome]:
    """Map a person's verdict on one answer of a bot, given by the buttons that Messenger shows below it."""
    verdict = text(event.body.get("feedback"))
    return _about_message(event, "cx.message.reacted.v1", "feedback", reaction=verdict or "other")


def map_postback(event: MessagingEvent) -> Iterable[Outcome]:
    """Map the press of a button, a menu entry or an ice breaker. In ``standby`` Meta leaves its payload out."""
    body = event.body
    mid = text(body.get("mid"))
    referral = obj(body.get("referral"))
    words = first(body.get("title"), body.get("payload"))
    message = Message(id=mid, text=words, content_type="text/plain" if words else "")
    draft = draft_of(
        event,
        "cx.message.received.v1",
        id_part(mid) if mid else event.own_id("postback"),
        Data(message=message, references=referral_tokens(referral), reason=text(referral.get("source"))),
    )
    return (draft,)


def map_order(event: MessagingEvent) -> Iterable[Outcome]:
    """Map a cart that somebody sends to the page, with a note
    (developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events/send_cart)."""
    note = text(event.body.get("note"))
    products = [_product(each) for each in objects(event.body.get("products"))]
    message = Message(
        text=note,
        content_type="text/plain" if note else "",
        attachments=[Attachment(name=name) for name in products if name],
    )
    return (draft_of(event, "cx.message.received.v1", event.own_id("order"), Data(message=message, reason="order")),)


def _product(value: Json) -> str:
    name, quantity = first(value.get("name"), value.get("retailer_id"), value.get("id")), value.get("quantity")
    return f"{text(quantity)} x {name}" if name and quantity not in (None, 1) and text(quantity) else name


def map_delivery(event: MessagingEvent) -> Iterable[Outcome]:
    """Map a delivery receipt."""
    return _receipts(event, "cx.message.delivered.v1", "delivered", texts(event.body.get("mids")))


def map_read(event: MessagingEvent) -> Iterable[Outcome]:
    """Map a read receipt: Messenger gives the time up to which all was read, Instagram the message."""
    mid = text(event.body.get("mid"))
    return _receipts(event, "cx.message.read.v1", "read", [mid] if mid else [])


def _message(event: MessagingEvent, event_type: str, suffix: str, *, reason: str = "") -> Draft:
    body = event.body
    mid = text(body.get("mid"))
    given = objects(body.get("attachments"))
    words = text(body.get("text"))
    if not words and body.get("is_echo") is True:
        words = "\n".join(_shown(given))
    reply, referral = obj(body.get("reply_to")), obj(body.get("referral"))
    attachments = [_attachment(each) for each in _once(given)] if given else []
    if story := obj(reply.get("story")):
        attachments.append(Attachment(name="story", url=text(story.get("url"))))
    if body.get("sticker_id") is not None and not attachments:
        attachments.append(Attachment(name="sticker", content_type="image/*"))
    # What the person asks about, from the page of a product (.../webhook-events/messages).
    if referral and (product := text(obj(referral.get("product")).get("id"))):
        attachments.append(Attachment(name=f"product {product}"))
    return draft_of(
        event,
        event_type,
        (f"{id_part(mid)}/{suffix}" if suffix else id_part(mid)) if mid else event.own_id(suffix or "message"),
        Data(
            message=Message(
                id=mid,
                text=words,
                content_type="text/plain" if words else "",
                in_reply_to=text(reply.get("mid")),
                attachments=attachments,
            ),
            references=referral_tokens(referral) if referral else [],
            reason=reason or text(referral.get("source")),
        ),
    )


def _shown(given: list[Json]) -> Iterator[str]:
    """Yield what the templates show that a bot sent without other words: a template's own text, and what stands on its
    cards (developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages/templates)."""
    for payload in (obj(each.get("payload")) for each in given if each.get("type") == "template"):
        cards = [card for shape in (payload, obj(payload.get("generic"))) for card in objects(shape.get("elements"))]
        for card in (payload, *cards):
            yield from filter(None, (text(card.get(name)) for name in ("title", "text", "subtitle")))


def _once(given: list[Json]) -> list[Json]:
    """Return attachments without the picture that repeats a sticker: for a time a sticker came as both
    (developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events/messages)."""
    stickers = {text(obj(each.get("payload")).get("sticker_id")) for each in given if each.get("type") == "sticker"}
    return [
        each
        for each in given
        if each.get("type") != "image" or text(obj(each.get("payload")).get("sticker_id")) not in stickers - {""}
    ]


def _attachment(value: Json) -> Attachment:
    """Return an attachment. A location becomes a ``geo:`` URI (RFC 5870); a story, a template or a shared post is no
    file and gets a name."""
    kind = text(value.get("type"))
    payload = obj(value.get("payload"))
    place = obj(payload.get("coordinates"))
    url = first(payload.get("url"), payload.get("link"), value.get("url"), value.get("URL"))
    if url.startswith(GRAPH):  # a link that was typed or shared, for which our token would ask
        url = ""
    url = geo_url(place.get("lat"), place.get("long")) or url
    shapes = (payload, obj(payload.get("generic")), obj(payload.get("product")))
    card = next((card for shape in shapes for card in objects(shape.get("elements"))), {})
    title = first(payload.get("title"), payload.get("name"), value.get("title"), card.get("title"), payload.get("text"))
    is_sticker = kind == "sticker" or payload.get("sticker_id") is not None
    named = "sticker" if is_sticker else "" if kind in _MEDIA else kind
    return Attachment(name=title or named, content_type=_MEDIA.get(kind, ""), url=url)


def _about_message(
    event: MessagingEvent, event_type: str, suffix: str, *, words: str = "", reaction: str = "", reason: str = ""
) -> Iterable[Outcome]:
    mid = text(event.body.get("mid"))
    if not mid:
        return (Unmapped(event.own_id("message"), f"malformed {suffix.partition('/')[0]}: no mid", event.item.raw),)
    message = Message(id=mid, text=words, content_type="text/plain" if words else "")
    draft = draft_of(
        event, event_type, f"{id_part(mid)}/{suffix}", Data(message=message, reaction=reaction, reason=reason)
    )
    return (draft,)


def _receipts(event: MessagingEvent, event_type: str, what: str, mids: list[str]) -> Iterator[Outcome]:
    """Yield a receipt for each message. It is about what the business sent, and is the other side's doing."""
    watermark = unix_time(event.body.get("watermark"))
    time = event.time or watermark
    if mids:
        for mid in dict.fromkeys(mids):
            yield draft_of(
                event, event_type, f"{id_part(mid)}/{what}", Data(message=Message(id=mid)), time=time, receipt=True
            )
    elif watermark is not None:
        # Without a message it means all up to its own moment, which is the watermark's, not that of the receipt.
        id = f"{event.thread}/{what}/{id_part(text(event.body.get('watermark')))}"
        yield draft_of(event, event_type, id, Data(), time=watermark, receipt=True)
    else:
        yield Unmapped(event.own_id(what), f"malformed {what}: neither messages nor a watermark", event.item.raw)
