"""Map messages that an outgoing integration tells: ``{"token", "channel_id", "message_id", "user_id", "text", ...}``.

docs.rocket.chat/docs/integrations, "Outgoing WebHook". Rooms are where colleagues talk: ``channels`` lists those in
which everybody but ``agents`` is a customer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cx_channels.chat.rocketchat.kinds import ignored
from cx_channels.chat.rocketchat.room import USER, encode, time_of
from cx_channels.kit.drafts import make_draft
from cx_channels.kit.ids import id_part, is_plain
from cx_channels.kit.json_values import first, obj, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.settings import lists, texts_of
from cx_channels.kit.signing import sha256_hex
from cx_channels.provider import Connection, Unmapped
from cx_events.envelope import AgentOrQueue, Identifier, Message, Participant, Role
from cx_events.json_types import Json
from cx_events.weights import PROVED

KINDS: Mapping[str, str] = {
    "integration/message": "cx.message.received of customers, cx.message.sent of agents and bots; cx.message.edited",
}


def map_integration(connection: Connection, value: Json) -> Iterator[Outcome]:
    """Map one message of a room, by the message's own id."""
    channel, id, user = (text(value.get(name)) for name in ("channel_id", "message_id", "user_id"))
    kept = {name: each for name, each in value.items() if name not in ("token", "trigger_word")}
    raw = encode(kept)
    if not id:
        yield ignored("integration/user" if "channel_id" not in value else "integration/room")
        return
    if not channel or not user:
        yield Unmapped(id_part(id), "malformed message: it names no channel, or nobody", raw)
        return
    if not any(lists(connection, "channels", each) for each in (channel, text(value.get("channel_name")))):
        yield ignored("colleagues")
        return
    role = _role(connection, value, user)
    edited = value.get("isEdited") is True
    kind = "edited" if edited else "received" if role == "customer" else "sent"
    words = text(value.get("text"))
    base = f"{id_part(channel)}/{id_part(id)}"
    root = f"{id_part(channel)}/{id_part(text(value.get('tmid')))}" if text(value.get("tmid")) else id_part(channel)
    yield make_draft(
        connection, "chat", f"cx.message.{kind}.v1",
        f"{base}/edited/{sha256_hex(words.encode('utf-8', 'replace'))[:16]}" if edited else base,
        raw=raw, root=root, time=None if edited else time_of(value.get("timestamp")),
        direction="inbound" if role == "customer" else "outbound",
        participants=[_person(connection, value, user, role)],
        agent=AgentOrQueue(id=user, name=text(value.get("user_name"))) if role == "agent" else None,
        message=Message(
            id=f"{channel}:{id}", text=words, content_type="text/plain" if words else "",
            in_reply_to=f"{channel}:{text(value.get('tmid'))}" if text(value.get("tmid")) else "",
        ),
    )  # fmt: skip


def _role(connection: Connection, value: Json, user: str) -> Role:
    name = text(value.get("user_name"))
    if obj(value.get("bot")) or value.get("bot") is True or name in texts_of(connection.settings, "bots"):
        return "bot"
    return "agent" if {user, name} & set(texts_of(connection.settings, "agents")) else "customer"


def _person(connection: Connection, value: Json, user: str, role: Role) -> Participant:
    name = first(value.get("alias"), value.get("user_name"))
    if role != "customer":
        return Participant(role=role, id=user, name=name)
    known = Identifier(kind=USER, value=user, scope=connection.id, weight=PROVED)
    return Participant(role=role, name=name, identifiers=[known] if is_plain(user) else [])
