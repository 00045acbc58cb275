"""Map what people do besides writing: buttons, reactions, blocking the bot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, obj, objects, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.signing import sha256_hex
from cx_channels.provider import Ignored
from cx_channels.social.telegram.kinds import IGNORED
from cx_channels.social.telegram.update import Update, draft_of, person_of, place_of, thread_of
from cx_events.envelope import Consent, Data, Message
from cx_events.json_types import Json

Mapper = Callable[[Update], Iterator[Outcome]]


def map_button(update: Update) -> Iterator[Outcome]:
    """Map the press of a button, by its label where the message with it is told."""
    value = update.value
    id, message = text(value.get("id")), obj(value.get("message"))
    person = person_of(update, obj(value.get("from")))
    if not id or not person.id:
        yield update.lost("it has no id, or nobody pressed")
        return
    data = first(value.get("data"), value.get("game_short_name"))
    words = _label(message, data) or data
    chat, number = text(obj(message.get("chat")).get("id")), text(message.get("message_id"))
    pressed = Message(
        id=f"callback/{id}",
        text=words,
        content_type="text/plain" if words else "",
        in_reply_to=f"{chat}:{number}" if chat and number else "",
    )
    kind = "cx.message.received.v1" if person.role == "customer" else "cx.message.sent.v1"
    told, root = Data(message=pressed, reason="button"), thread_of(message, *place_of(message))
    yield draft_of(update, kind, f"callback/{id_part(id)}", person, told, root=root)


def _label(message: Json, data: str) -> str:
    rows = obj(message.get("reply_markup")).get("inline_keyboard")
    buttons = (each for row in (rows if isinstance(rows, list) else []) for each in objects(row))
    return next((text(each.get("text")) for each in buttons if data and each.get("callback_data") == data), "")


def map_reaction(update: Update) -> Iterator[Outcome]:
    """Map a person's reactions to a message: the one that came, else that all were taken back."""
    value = update.value
    person = person_of(update, obj(value.get("user")))
    if not update.chat_id or not update.message_id:
        yield update.lost("it names no message")
        return
    if not person.id:
        yield Ignored("message_reaction/anonymous", IGNORED["message_reaction/anonymous"])
        return
    before = [_emoji(each) for each in objects(value.get("old_reaction"))]
    after = [_emoji(each) for each in objects(value.get("new_reaction"))]
    reaction = next((each for each in after if each not in before), after[-1] if after else "")
    message = Message(id=f"{update.chat_id}:{update.message_id}")
    data = Data(message=message, reaction=reaction, reason="" if reaction else "unreact")
    id = update.own_id("reaction", person.id, text(value.get("date")) or "0")
    yield draft_of(update, "cx.message.reacted.v1", id, person, data)


def _emoji(reaction: Json) -> str:
    return first(reaction.get("emoji"), reaction.get("custom_emoji_id"), reaction.get("type"), "other")


def map_membership(update: Update) -> Iterator[Outcome]:
    """Map that somebody blocked the bot, or lets it write again."""
    person = person_of(update, obj(update.value.get("from")))
    status = text(obj(update.value.get("new_chat_member")).get("status"))
    if text(update.chat.get("type")) != "private":
        yield Ignored("my_chat_member/group", IGNORED["my_chat_member/group"])
        return
    if person.role != "customer" or status not in ("kicked", "member"):
        yield update.lost("it names nobody, or no status that is known")
        return
    consent = Consent(purpose="contact", granted=status == "member", channel="social")
    id = f"{id_part(update.chat_id)}/contact/{status}/{id_part(text(update.value.get('date')) or '0')}"
    yield draft_of(update, "cx.consent.changed.v1", id, person, Data(consent=consent))


def map_subscription(update: Update) -> Iterator[Outcome]:
    """Map that a paid subscription changed."""
    person = person_of(update, obj(update.value.get("user")) or obj(update.value.get("from")))
    if person.role != "customer":
        yield update.lost("it names nobody")
        return
    note = first(update.value.get("state"), update.value.get("status"), "changed")
    id = f"subscription/{id_part(person.id)}/{sha256_hex(update.raw)[:32]}"
    yield draft_of(update, "cx.customer.fact.v1", id, person, Data(topic="subscription", note=note))


KINDS: Mapping[str, tuple[Mapper, str]] = {
    "callback_query": (map_button, "cx.message.received with the text of the button"),
    "message_reaction": (map_reaction, "cx.message.reacted; without a reaction when all are taken back"),
    "my_chat_member": (map_membership, "cx.consent.changed (contact)"),
    "subscription": (map_subscription, "cx.customer.fact"),
}
