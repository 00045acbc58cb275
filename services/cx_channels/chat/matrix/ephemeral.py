"""Map what is told without being kept in a room: receipts. They are not sent again, and may be left out."""

from __future__ import annotations

from collections.abc import Iterator

from cx_channels.chat.matrix.item import encode, person_of, role_of
from cx_channels.chat.matrix.kinds import IGNORED, ignored
from cx_channels.kit.drafts import make_draft
from cx_channels.kit.ids import id_part, is_plain
from cx_channels.kit.json_values import obj, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import unix_time
from cx_channels.provider import Connection, Unmapped
from cx_events.dead_letters import UNKNOWN_KIND
from cx_events.envelope import Message
from cx_events.json_types import Json


def map_ephemeral(connection: Connection, value: Json) -> Iterator[Outcome]:
    """Yield what one of them tells: up to which message a customer has read."""
    kind = text(value.get("type"))
    if kind == "m.receipt":
        found = list(_receipts(connection, text(value.get("room_id")), obj(value.get("content"))))
        yield from found or [ignored("m.receipt/ours")]
    elif kind in IGNORED:
        yield ignored(kind)
    else:
        raw = encode({"ephemeral": [value]})
        yield Unmapped(sha256_hex(raw)[:32], f"{UNKNOWN_KIND}: {kind[:64]!r}", raw)


def _receipts(connection: Connection, room: str, content: Json) -> Iterator[Outcome]:
    for event_id, by_kind in content.items():
        for kind in ("m.read", "m.read.private"):
            for user, about in obj(obj(by_kind).get(kind)).items():
                told = room and event_id and user.startswith("@") and ":" in user and is_plain(user)
                if told and role_of(connection, user) == "customer":
                    yield _read(connection, room, event_id, user, obj(about))


def _read(connection: Connection, room: str, event_id: str, user: str, about: Json) -> Outcome:
    kept = {"type": "m.receipt", "room_id": room, "content": {event_id: {"m.read": {user: about}}}}
    at = about.get("ts")
    thread = text(about.get("thread_id"))  # one may have read a message in its thread and without it
    id = f"{id_part(room)}/{id_part(event_id)}/read/{id_part(user)}" + (f"/{id_part(thread)}" if thread else "")
    return make_draft(
        connection, "chat", "cx.message.read.v1", id,
        raw=encode({"ephemeral": [kept]}), root=id_part(room), time=unix_time(at) if isinstance(at, int) else None,
        direction="outbound", participants=[person_of(connection, user)], message=Message(id=event_id),
    )  # fmt: skip
