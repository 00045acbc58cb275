"""Map the events of a room that tell what was said and done there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from cx_channels.chat.matrix.item import Item, draft_of, person_of
from cx_channels.chat.matrix.kinds import ignored
from cx_channels.chat.matrix.words import message_of
from cx_channels.kit.ids import id_part, is_plain
from cx_channels.kit.json_values import obj, text
from cx_channels.kit.outcomes import Outcome
from cx_events.envelope import AgentOrQueue, Data, Failure, Message, Role

Mapper = Callable[[Item], Iterator[Outcome]]

NAMED: frozenset[str] = frozenset({
    "m.text", "m.notice", "m.emote", "m.image", "m.audio", "m.video", "m.file", "m.location",
})  # fmt: skip


def map_message(item: Item) -> Iterator[Outcome]:
    """Map a message, an answer, or new words of a message."""
    content, relation = item.content, item.relation
    kind = "m.sticker" if item.kind == "m.sticker" else text(content.get("msgtype"))
    replaced = text(relation.get("event_id")) if text(relation.get("rel_type")) == "m.replace" else ""
    if not content or "redacted_because" in obj(item.event.get("unsigned")):
        yield ignored("redacted")
    elif kind.startswith("m.key.verification"):
        yield ignored("m.key.verification")
    elif kind == "m.server_notice":
        yield ignored(kind)
    elif replaced:
        new = obj(content.get("m.new_content")) or content
        message = message_of(new, replaced, text(new.get("msgtype")) or kind)
        yield draft_of(item, "cx.message.edited.v1", Data(message=message))
    else:
        # A thread's messages name its root; of old clients the answer is to the last one of the thread.
        answered = text(obj(relation.get("m.in_reply_to")).get("event_id"))
        root = text(relation.get("event_id")) if text(relation.get("rel_type")) == "m.thread" else ""
        reply_to = root if root and (not answered or relation.get("is_falling_back") is True) else answered
        message = message_of(content, item.event_id, kind, reply_to)
        if not message.text and not message.attachments:
            yield item.lost("neither words nor a file")
            return
        role = _speaker(item, kind)
        event_type = "cx.message.received.v1" if role == "customer" else "cx.message.sent.v1"
        yield draft_of(item, event_type, Data(message=message), role=role)


def _speaker(item: Item, kind: str) -> Role:
    """Return who speaks: a notice of the business's is a bot's, by convention."""
    return "bot" if kind == "m.notice" and item.role == "agent" else item.role


def map_reaction(item: Item) -> Iterator[Outcome]:
    """Map a reaction; that it was taken back tells its redaction."""
    about, key = text(item.relation.get("event_id")), text(item.relation.get("key"))
    if not about or not key:
        yield item.lost("it names no message, or no reaction")
        return
    yield draft_of(item, "cx.message.reacted.v1", Data(message=Message(id=about), reaction=key))


def map_redaction(item: Item) -> Iterator[Outcome]:
    """Map that a message, or a reaction, was taken back; which of both, its id tells."""
    about = text(item.event.get("redacts")) or text(item.content.get("redacts"))
    if not about:
        yield item.lost("it names no event")
        return
    yield draft_of(
        item, "cx.message.deleted.v1", Data(message=Message(id=about), reason=text(item.content.get("reason")))
    )


def map_member(item: Item) -> Iterator[Outcome]:
    """Map who came and went: a customer begins and ends the contact, staff takes it."""
    who, membership = text(item.event.get("state_key")), text(item.content.get("membership"))
    before = text(obj(obj(item.event.get("unsigned")).get("prev_content")).get("membership"))
    if not who.startswith("@"):
        yield item.lost("it names nobody")
        return
    person = person_of(item.connection, who, text(item.content.get("displayname")))
    was_there = before in ("", "join")  # without prev_content it is not told
    if membership == before:
        yield ignored("m.room.member/profile")
    elif membership == "join" and person.role == "customer":
        yield draft_of(
            item, "cx.interaction.started.v1", Data(participants=[person], reason="joined"), about_others=True
        )
    elif membership == "join" and person.role == "agent":
        agent = AgentOrQueue(id=who, name=person.name)
        yield draft_of(item, "cx.interaction.answered.v1", Data(participants=[person], agent=agent), about_others=True)
    elif membership in ("leave", "ban") and was_there and person.role == "customer":
        reason = "left" if membership == "leave" and who == item.sender else "removed"
        yield draft_of(item, "cx.interaction.ended.v1", Data(participants=[person], reason=reason), about_others=True)
    else:
        yield ignored("m.room.member/other")


def map_call(item: Item, event_type: str, why: str = "", failure: Failure | None = None) -> Iterator[Outcome]:
    """Map a step of a call. An invitation may name who is called; else anybody in the room may answer."""
    call, invitee = text(item.content.get("call_id")), text(item.content.get("invitee"))
    if not call:
        yield item.lost("it names no call")
        return
    people = [person_of(item.connection, item.sender)]
    if invitee.startswith("@") and ":" in invitee and is_plain(invitee) and invitee != item.sender:
        people.append(person_of(item.connection, invitee))
    root = f"call/{id_part(item.room)}/{id_part(call)}"
    yield draft_of(item, event_type, Data(participants=people, reason=why, failure=failure), channel="voice", root=root)


def map_invite(item: Item) -> Iterator[Outcome]:
    """Map that somebody calls."""
    yield from map_call(item, "cx.interaction.started.v1")


def map_answer(item: Item) -> Iterator[Outcome]:
    """Map that somebody took the call."""
    yield from map_call(item, "cx.interaction.answered.v1")


def map_hangup(item: Item) -> Iterator[Outcome]:
    """Map the end of a call. Older clients give no reason where somebody hung up (m.call.hangup)."""
    why = text(item.content.get("reason"))
    if why == "invite_timeout" and item.role == "customer":
        yield from map_call(item, "cx.interaction.abandoned.v1", why)
    else:
        failure = Failure(code=why) if why not in ("", "user_hangup") else None
        yield from map_call(item, "cx.interaction.ended.v1", why, failure)


def map_reject(item: Item) -> Iterator[Outcome]:
    """Map that whoever was called declined."""
    yield from map_call(item, "cx.interaction.ended.v1", "rejected", Failure(code="rejected"))


_WRITTEN = "cx.message.received of customers, cx.message.sent of others; cx.message.edited"

KINDS: Mapping[str, tuple[Mapper, str]] = {
    "m.room.message": (map_message, _WRITTEN),
    "m.sticker": (map_message, _WRITTEN),
    "m.reaction": (map_reaction, "cx.message.reacted"),
    "m.room.redaction": (map_redaction, "cx.message.deleted"),
    "m.room.member": (map_member, "cx.interaction.started, .ended of a customer, .answered of an agent"),
    "m.call.invite": (map_invite, "cx.interaction.started of a call"),
    "m.call.answer": (map_answer, "cx.interaction.answered of a call"),
    "m.call.hangup": (map_hangup, "cx.interaction.ended of a call, .abandoned where nobody answered a customer"),
    "m.call.reject": (map_reject, "cx.interaction.ended of a call"),
}
"""By type. State is told by ``state_key``; a message type with one is a stranger's trick, and no message."""
