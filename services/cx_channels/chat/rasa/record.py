"""Read one record of a tracker, and draft its events. Its shape: ``{"sender_id", "event", "timestamp", ...}``.

rasa_sdk/events.py names the kinds with their fields; a broker adds ``sender_id``. A record has no id.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from cx_channels.kit.bot_trails import customer, passed_interaction
from cx_channels.kit.drafts import complete_draft
from cx_channels.kit.ids import id_part, id_path
from cx_channels.kit.json_values import obj, text
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import YEAR_9999
from cx_channels.provider import Connection, Unmapped
from cx_events.envelope import Data, Draft, Participant, Role
from cx_events.json_types import Json
from cx_events.timestamps import Micros

_NUMBER = (int, float)
_END = YEAR_9999 / 1e6
encode = msgspec.json.Encoder().encode


class Record(Struct, gc=False):
    """One record. ``name``, ``words``: its fields ``name`` and ``text``. ``raw``: the record as a broker sends it, also
    where it came within a tracker. ``passed``: the interaction of another channel that the sender's id is, where the
    setting says so. ``person``: the customer. ``root``: what tells the interaction: the id of the conversation, chosen
    by the channel, at the REST channel by its caller."""

    connection: Connection
    event: Json
    kind: str
    name: str
    words: str
    time: Micros | None
    raw: bytes
    id: str
    passed: str
    person: Participant
    root: str

    def draft(self, event_type: str, data: Data, part: str = "", role: Role = "customer") -> Draft:
        """Draft an event. ``data``: what only this event has. ``part``: what tells it from another of the same record.
        ``role``: whose act it is."""
        if role == "customer":
            data.direction, data.participants = "inbound", [self.person]
        else:
            data.direction, data.participants = "outbound", [self.person, Participant(role=role)]
        draft = complete_draft(
            self.connection, "chat", event_type, f"{self.id}/{part}" if part else self.id, data, self.raw,
            self.root, self.time,
        )  # fmt: skip
        if self.passed:
            data.interaction = self.passed
        return draft

    def lost(self, why: str) -> Unmapped:
        return Unmapped(self.id, f"malformed {self.kind[:64]}: {why}", self.raw)


def record_of(connection: Connection, sender: str, kind: str, event: Json, written: bytes) -> Record:
    """Return a record of a conversation. ``kind``: what its ``event`` says. ``written``: as it came, where it came by
    itself, else b""."""
    root, name, words = id_part(sender), text(event.get("name")), text(event.get("text"))
    as_sent = written and next(iter(event)) == "sender_id" and event["sender_id"] is sender
    raw = written if as_sent else encode({"sender_id": sender, **event})
    # Few assistants are guests of another channel, and each record would ask anew.
    is_guest = "interaction" in connection.settings
    return Record(
        connection, event, kind, name, words, _time(event.get("timestamp")), raw,
        id=_id(root, kind, name, words, event.get("timestamp"), raw),
        passed=passed_interaction(connection, {"sender_id": sender}) if is_guest else "",
        person=customer(connection, obj(event.get("metadata"))),
        root=root,
    )  # fmt: skip


def _time(given: object) -> Micros | None:
    """Read a time in Unix seconds with up to six digits behind the dot."""
    if isinstance(given, bool) or not isinstance(given, _NUMBER) or not 0 < given < _END:
        return None
    return round(given * 1_000_000)


def _id(root: str, kind: str, name: str, words: str, given: object, raw: bytes) -> str:
    """Return an id: several records of one conversation may share a time. ``given``: that time, as it came."""
    told = sha256_hex(f"{name}\n{words}".encode("utf-8", "replace"))[:8] if name or words else "-"
    stamp = repr(given) if isinstance(given, float) else text(given)
    return f"{root}/{id_path(stamp or sha256_hex(raw)[:32], kind)}/{told}"
