"""One record of a tracker, and the drafts made of it: ``{"sender_id", "event", "timestamp", ...}``.

rasa_sdk/events.py names the kinds with their fields; a broker adds ``sender_id``. A record has no id.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from cx_channels.kit.bot_trails import customer, passed_interaction
from cx_channels.kit.drafts import make_draft
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import obj, text
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import YEAR_9999
from cx_channels.provider import Connection, Unmapped
from cx_events.envelope import Direction, Draft, Participant, Role
from cx_events.json_types import Json
from cx_events.timestamps import Micros

encode = msgspec.json.Encoder().encode


@dataclass
class Record:
    """One record. ``sender``: the id of the conversation, chosen by the channel, at the REST channel by its caller."""

    connection: Connection
    sender: str
    event: Json

    @cached_property
    def kind(self) -> str:
        return text(self.event.get("event"))

    @cached_property
    def passed(self) -> str:
        """Return the interaction of another channel that the sender's id is, where the setting says so."""
        return passed_interaction(self.connection, {"sender_id": self.sender})

    @property
    def stamp(self) -> str:
        """Return the record's time as it is written, in Unix seconds with up to six digits behind the dot."""
        given = self.event.get("timestamp")
        return repr(given) if isinstance(given, float) else text(given)

    @property
    def time(self) -> Micros | None:
        given = self.event.get("timestamp")
        if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given < YEAR_9999 / 1e6:
            return None
        return round(given * 1_000_000)

    @cached_property
    def raw(self) -> bytes:
        """Return the record as a broker sends it, also where it came within a tracker."""
        return encode({"sender_id": self.sender, **self.event})

    @cached_property
    def id(self) -> str:
        """Return an id: several records of one conversation may share a time."""
        about = f"{text(self.event.get('name'))}\n{text(self.event.get('text'))}"
        told = sha256_hex(about.encode("utf-8", "replace"))[:8] if about != "\n" else "-"
        stamp = id_part(self.stamp) if self.stamp else sha256_hex(self.raw)[:32]
        return f"{id_part(self.sender)}/{stamp}/{id_part(self.kind)}/{told}"

    def draft(self, event_type: str, part: str = "", role: Role = "customer", **data: Any) -> Draft:
        """Draft an event. ``part``: what tells it from another of the same record."""
        direction: Direction = "inbound" if role == "customer" else "outbound"
        people = [customer(self.connection, obj(self.event.get("metadata")))]
        draft = make_draft(
            self.connection, "chat", event_type, f"{self.id}/{part}" if part else self.id, raw=self.raw,
            root=id_part(self.sender), time=self.time, direction=data.pop("direction", direction),
            participants=people if role == "customer" else [*people, Participant(role=role)], **data,
        )  # fmt: skip
        if passed := self.passed:
            draft.data.interaction = passed
        return draft

    def lost(self, why: str) -> Unmapped:
        return Unmapped(self.id, f"malformed {self.kind[:64]}: {why}", self.raw)
