"""Map what Omnichannel's webhook tells of a room: its life, its messages, and who the visitor says to be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from cx_channels.chat.rocketchat.kinds import ignored
from cx_channels.chat.rocketchat.room import Room, contacts_of, encode, stamp_of, time_of
from cx_channels.chat.rocketchat.words import message_of, said_by
from cx_channels.kit.drafts import make_draft
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, obj, objects, text, texts
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.signing import sha256_hex
from cx_events.envelope import AgentOrQueue, Message, Participant, Transfer
from cx_events.json_types import Json

Mapper = Callable[[Room], Iterator[Outcome]]


def agent_of(person: Json) -> AgentOrQueue | None:
    """Return an agent; None for nobody."""
    id = text(person.get("_id"))
    return AgentOrQueue(id=id, name=first(person.get("name"), person.get("username"))) if id else None


def department_of(room: Room) -> AgentOrQueue | None:
    """Return the department that has the room, as a queue."""
    id = first(room.value.get("departmentId"), obj(room.visitor.get("department")).get("_id"))
    return AgentOrQueue(id=id) if id else None


def map_start(room: Room) -> Iterator[Outcome]:
    """Map that a room was opened."""
    at, raw = time_of(room.value.get("createdAt")), room.kept("createdAt", "departmentId")
    yield room.draft("cx.interaction.started.v1", "started", raw, at, queue=department_of(room))
    yield from contacts(room)
    yield from map_messages(room)


def map_queued(room: Room) -> Iterator[Outcome]:
    """Map that a room waits. When is not told; the last message tells one wait from the next."""
    at = stamp_of(room.value.get("lastMessageAt")) or stamp_of(room.value.get("createdAt"))
    queue = department_of(room)
    part = f"queued/{id_part(queue.id) if queue else '-'}/{id_part(at or '-')}"
    raw = room.kept("departmentId", "lastMessageAt", "createdAt")
    yield room.draft("cx.interaction.queued.v1", part, raw, None, queue=queue)


def map_taken(room: Room) -> Iterator[Outcome]:
    """Map that an agent took the room."""
    served = obj(room.value.get("servedBy"))
    agent = agent_of(obj(room.value.get("agent"))) or agent_of(served)
    if agent is None:
        yield room.lost("it names no agent")
        return
    part = f"taken/{id_part(agent.id)}/{id_part(stamp_of(served.get('ts')) or '-')}"
    person = Participant(role="agent", id=agent.id, name=agent.name)
    raw = room.kept("agent", "servedBy", "departmentId")
    yield room.draft("cx.interaction.answered.v1", part, raw, time_of(served.get("ts")), person, agent=agent)


def map_forwarded(room: Room) -> Iterator[Outcome]:
    """Map that the room was passed on to another agent or department."""
    served, before = obj(room.value.get("servedBy")), obj(room.value.get("oldServedBy"))
    agent = agent_of(served)
    queue = department_of(room)
    changed = text(room.value.get("oldDepartmentId")) not in ("", queue.id if queue else "")
    moved = agent is not None and agent.id != text(before.get("_id"))
    taker, taking = (agent, None) if moved and not changed else (agent if moved else None, queue)
    transfer = Transfer(to=taker.id if taker else "", agent=taker, queue=taking)
    at = stamp_of(served.get("ts")) or stamp_of(room.value.get("lastMessageAt")) or "-"
    raw = room.kept("servedBy", "oldServedBy", "departmentId", "oldDepartmentId", "lastMessageAt")
    named = first(transfer.to, taking.id if taking else "") or "-"
    part, time = f"forwarded/{id_part(named)}/{id_part(at)}", time_of(served.get("ts")) if moved else None
    yield room.draft("cx.interaction.transferred.v1", part, raw, time, agent=taker, transfer=transfer)


def map_session(room: Room) -> Iterator[Outcome]:
    """Map a closed room with its whole transcript, each message by its own id; an open one ends nothing."""
    yield from map_messages(room)
    closed = room.value.get("closedAt")
    if not stamp_of(closed):
        yield ignored("not-closed")
        return
    times = [time_of(closed), *(time_of(each.get("ts")) for each in objects(room.value.get("messages")))]
    at = max((each for each in times if each is not None), default=None)
    closer = text(room.value.get("closer"))
    by = agent_of(obj(room.value.get("closedBy"))) if closer == "user" else None
    raw = room.kept("closedAt", "closedBy", "closer", "servedBy")
    reason = {"user": "closed by the agent", "visitor": "closed by the visitor"}.get(closer, "closed")
    yield room.draft(
        "cx.interaction.ended.v1", f"closed/{id_part(stamp_of(closed))}", raw, at, agent=by, reason=reason
    )  # fmt: skip
    yield from contacts(room)


def map_edit(room: Room) -> Iterator[Outcome]:
    """Map topic and tags that an agent gave a closed room, and what was noted of the visitor."""
    topic, tags = text(room.value.get("topic")), ", ".join(texts(room.value.get("tags")))
    raw = room.kept("topic", "tags")
    told = sha256_hex(raw)[:16]
    if topic:
        yield room.draft("cx.conversation.topic.v1", f"topic/{told}", raw, None, topic=topic)
    if tags:
        yield room.draft("cx.conversation.disposition.v1", f"tags/{told}", raw, None, disposition=tags)
    noted = {name: value for name, value in _custom_fields(room).items() if value not in (None, "", [], {})}
    if noted and room.person.identifiers:
        kept = room.raw(customFields=noted)
        yield room.draft(
            "cx.customer.attributes_changed.v1", f"noted/{sha256_hex(kept)[:16]}", kept, None, attributes=noted
        )  # fmt: skip
    known = list(contacts(room))
    yield from known
    if not topic and not tags and not noted and not known:
        yield ignored("no-tags")


def _custom_fields(room: Room) -> Json:
    """Return the fields that the workspace keeps of a room and of its visitor."""
    return {**obj(room.value.get("customFields")), **obj(room.visitor.get("customFields"))}


def map_lead(room: Room) -> Iterator[Outcome]:
    """Map that a visitor left a mail address or a number."""
    yield from list(contacts(room)) or [ignored("no-contact")]


def contacts(room: Room) -> Iterator[Outcome]:
    """Yield who the visitor says to be, once for each state of it."""
    found = contacts_of(room.visitor)
    if not found or not room.person.identifiers:
        return
    named = {name: room.visitor[name] for name in ("_id", "name", "username", "email", "phone") if name in room.visitor}
    raw = encode({"type": "LeadCapture", "_id": room.value.get("_id"), "visitor": named})
    person = Participant(
        role="customer", name=text(room.visitor.get("name")), identifiers=[*room.person.identifiers, *found]
    )  # fmt: skip
    yield make_draft(
        room.connection, "chat", "cx.identity.asserted.v1", f"{room.id}/visitor/{sha256_hex(raw)[:16]}", raw=raw,
        root=room.id, participants=[person], evidence="rocketchat-visitor",
    )  # fmt: skip


def map_messages(room: Room) -> Iterator[Outcome]:
    """Yield what each message of the notice became."""
    for message in objects(room.value.get("messages")):
        yield from _of_message(room, message)


def _of_message(room: Room, message: Json) -> Iterator[Outcome]:
    id = text(message.get("_id"))
    if not id:
        yield room.lost("a message without an id")
        return
    if "navigation" in message:
        yield ignored("navigation")
        return
    content = message_of(message, f"{text(room.value.get('_id'))}:{id}")
    if not content.text and not content.attachments:
        yield ignored("no-words")
        return
    yield _draft(room, message, id, content)


def _draft(room: Room, message: Json, id: str, content: Message) -> Outcome:
    kept = {name: value for name, value in message.items() if name != "_updatedAt"}
    raw = encode({"type": "Message", "_id": room.value.get("_id"), "visitor": {"_id": room.visitor.get("_id")},
                  "messages": [kept]})  # fmt: skip
    person = said_by(room, message)
    ours = person.role != "customer"
    edited = stamp_of(message.get("editedAt"))
    if edited:
        event_type, part, at = (
            "cx.message.edited.v1",
            f"{id_part(id)}/edited/{id_part(edited)}",
            message.get("editedAt"),
        )
    else:
        event_type, part, at = f"cx.message.{'sent' if ours else 'received'}.v1", id_part(id), message.get("ts")
    others = [person] if ours else []
    agent = AgentOrQueue(id=person.id, name=person.name) if person.role == "agent" and person.id else None
    return room.draft(
        event_type, part, raw, time_of(at), *others, direction="outbound" if ours else "inbound", message=content,
        agent=agent,
    )  # fmt: skip


def map_offline(room: Room) -> Iterator[Outcome]:
    """Map a form that somebody filled in while nobody was there; it has no room."""
    words = text(room.value.get("message"))
    found = contacts_of(room.visitor)
    if not words or not found:
        yield room.lost("it has no words, or names nobody")
        return
    raw = encode({name: value for name, value in room.value.items() if name != "token"})
    id, at = f"offline/{sha256_hex(raw)[:32]}", time_of(room.value.get("sentAt"))
    person = Participant(role="customer", name=text(room.visitor.get("name")), identifiers=found)
    for event_type, part, more in (
        ("cx.interaction.started.v1", "started", {"reason": "offline"}),
        ("cx.message.received.v1", "message", {"message": Message(id=id, text=words, content_type="text/plain")}),
    ):
        yield make_draft(
            room.connection, "chat", event_type, f"{id}/{part}", raw=raw, root=id, time=at, direction="inbound",
            participants=[person], **more,
        )  # fmt: skip


_WRITTEN = "cx.message.received of the visitor, cx.message.sent of others; cx.message.edited"

KINDS: Mapping[str, tuple[Mapper, str]] = {
    "LivechatSessionStart": (
        map_start,
        "cx.interaction.started; cx.identity.asserted where the visitor left something",
    ),
    "LivechatSessionQueued": (map_queued, "cx.interaction.queued"),
    "LivechatSessionTaken": (map_taken, "cx.interaction.answered"),
    "LivechatSessionForwarded": (map_forwarded, "cx.interaction.transferred"),
    "LivechatSession": (map_session, f"cx.interaction.ended, after the transcript: {_WRITTEN}"),
    "LivechatEdit": (
        map_edit,
        "cx.conversation.topic, cx.conversation.disposition, cx.customer.attributes_changed, cx.identity.asserted",
    ),
    "Message": (map_messages, _WRITTEN),
    "LeadCapture": (map_lead, "cx.identity.asserted"),
    "LivechatOfflineMessage": (map_offline, "cx.interaction.started, cx.message.received"),
}
