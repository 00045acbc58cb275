"""Map messages, edits, deletions and posts of channels."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import obj, text, texts
from cx_channels.kit.outcomes import Outcome, bounded
from cx_channels.kit.times import unix_seconds
from cx_channels.provider import Ignored
from cx_channels.social.telegram.content import message_of
from cx_channels.social.telegram.kinds import IGNORED
from cx_channels.social.telegram.update import Person, Update, draft_of, writer_of
from cx_events.envelope import Data, Identifier, Message, Reference
from cx_events.weights import PROVED

Mapper = Callable[[Update], Iterator[Outcome]]

_FORWARDED = frozenset({"forward_origin", "forward_date"})
"""Members by which a message passes somebody else's words on; the second until version 7 of the Bot API."""
_START = re.compile(r"/start(?:@\w{1,64})?[ \t]([A-Za-z0-9_-]{1,64})", re.ASCII)


def name_of(update: Update) -> str:
    """Return the id of a message as other events name it: numbers are each chat's own."""
    return f"{update.place}:{update.message_id}"


def map_message(update: Update) -> Iterator[Outcome]:
    """Map a message of anybody: in a private chat, a group, or a chat of a connected business account."""
    if not update.chat_id or not update.message_id:
        yield update.lost("it names no chat, or no message")
        return
    person = writer_of(update)
    if person.role == "customer" and text(update.value.get("text")).startswith("/start"):
        yield from _start(update, person)
    kind = "cx.message.received.v1" if person.role == "customer" else "cx.message.sent.v1"
    message = message_of(update.value, name_of(update))
    data = Data(message=message, reason="forwarded" if not _FORWARDED.isdisjoint(update.value) else "")
    yield draft_of(update, kind, update.own_id(), person, data)
    if person.role == "customer" and "contact" in update.value:
        yield from _own_contact(update, person)


def _start(update: Update, person: Person) -> Iterator[Outcome]:
    """Yield the start of a contact by a link ``t.me/BOT?start=PAYLOAD``: the business wrote the payload into it."""
    match = _START.fullmatch(text(update.value.get("text")))
    if match:
        data = Data(references=[Reference(kind="token", value=match[1])], reason="start")
        yield draft_of(update, "cx.interaction.started.v1", update.own_id("start"), person, data)


def _own_contact(update: Update, person: Person) -> Iterator[Outcome]:
    """Yield whose number it is, where somebody shares the own one; other people's cards are words."""
    contact = obj(update.value.get("contact"))
    number = text(contact.get("phone_number"))
    if number and text(contact.get("user_id")) == person.id:
        known = Identifier(kind="phone", value=number if number.startswith("+") else f"+{number}", weight=PROVED)
        data = Data(evidence="telegram-contact")
        yield draft_of(update, "cx.identity.asserted.v1", update.own_id("contact"), person, data, known)


def map_edit(update: Update) -> Iterator[Outcome]:
    """Map new words of a message; a shared place that moves is none."""
    if not update.chat_id or not update.message_id:
        yield update.lost("it names no chat, or no message")
        return
    if "location" in update.value:
        yield Ignored("live-location", IGNORED["live-location"])
        return
    at = text(update.value.get("edit_date")) or "0"
    posted = update.field == "edited_channel_post"
    person, name = Person("business") if posted else writer_of(update), name_of(update)
    data, root = Data(message=message_of(update.value, name)), id_part(name) if posted else None
    draft = draft_of(update, "cx.message.edited.v1", update.own_id("edited", at), person, data, root=root)
    draft.time = unix_seconds(update.value.get("edit_date"))
    yield draft


def map_post(update: Update) -> Iterator[Outcome]:
    """Map a post of the business's own channel."""
    if not update.chat_id or not update.message_id:
        yield update.lost("it names no chat, or no message")
        return
    person, name = Person("business", name=text(update.chat.get("title"))), name_of(update)
    data = Data(message=message_of(update.value, name))
    yield draft_of(update, "cx.social.post.v1", update.own_id(), person, data, root=id_part(name))


def map_deletion(update: Update) -> Iterator[Outcome]:
    """Map messages that were deleted in a chat of a connected business account; by whom is not told."""
    ids = texts(update.value.get("message_ids"))
    if not update.chat_id or not ids:
        yield update.lost("it names no chat, or no messages")
        return
    yield from bounded((_deleted(update, id) for id in dict.fromkeys(ids)), update.lost("").id, update.raw)


def _deleted(update: Update, id: str) -> Outcome:
    event_id, data = f"{id_part(update.place)}/{id_part(id)}/deleted", Data(message=Message(id=f"{update.place}:{id}"))
    draft = draft_of(update, "cx.message.deleted.v1", event_id, Person("business"), data)
    draft.data.direction = None
    return draft


def map_payment(update: Update) -> Iterator[Outcome]:
    """Map a payment, or its return."""
    person = writer_of(update)
    what = update.kind.partition("/")[2]
    paid = obj(update.value.get(what))
    if not update.chat_id or not update.message_id or person.role != "customer":
        yield update.lost("it names nobody, or no message")
        return
    parts = (text(paid.get("total_amount")), text(paid.get("currency")), text(paid.get("invoice_payload")))
    note = " ".join(filter(None, parts)) or what
    yield draft_of(update, "cx.customer.fact.v1", update.own_id(what), person, Data(topic=what, note=note))


def is_group(update: Update) -> bool:
    """Return whether a message is of a group."""
    return text(update.chat.get("type")) in ("group", "supergroup")


_WRITTEN = "cx.message.received of a customer, cx.message.sent of others"

KINDS: Mapping[str, tuple[Mapper, str]] = {
    "message": (map_message, f"{_WRITTEN}; also cx.interaction.started of a link, cx.identity.asserted of own numbers"),
    "edited_message": (map_edit, "cx.message.edited"),
    "channel_post": (map_post, "cx.social.post"),
    "edited_channel_post": (map_edit, "cx.message.edited"),
    "business_message": (map_message, _WRITTEN),
    "edited_business_message": (map_edit, "cx.message.edited"),
    "deleted_business_messages": (map_deletion, "cx.message.deleted, for each message"),
    "service/successful_payment": (map_payment, "cx.customer.fact"),
    "service/refunded_payment": (map_payment, "cx.customer.fact"),
}
