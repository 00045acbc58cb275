"""Read one event of a request, and draft the hub's."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from cx_channels.chat.zendesk.people import Person
from cx_channels.kit.drafts import complete_draft
from cx_channels.kit.ids import id_part
from cx_channels.kit.signing import sha256_hex
from cx_channels.provider import Connection, Unmapped
from cx_events.envelope import Data, Draft, Reference
from cx_events.json_types import Json
from cx_events.timestamps import Micros

_encode = msgspec.json.Encoder().encode


class Notice(Struct, gc=False):
    """One event. ``kind``: as the tables name it; ``value``: the event; ``payload``: what it is about; ``scope``: the
    app or the account; ``own``: the vendor's id of the event, "" where it has none; ``kept``: what is kept of it, which
    may be yet to be written."""

    connection: Connection
    kind: str
    value: Json
    payload: Json
    scope: str
    own: str
    time: Micros | None
    kept: bytes | Json

    @property
    def raw(self) -> bytes:
        return self.kept if isinstance(self.kept, bytes) else _encode(self.kept)

    @property
    def id(self) -> str:
        """Return the event's own id, else a digest of it: a retry repeats the bytes."""
        return id_part(self.own) if self.own else sha256_hex(self.raw)[:32]

    def lost(self, why: str) -> Unmapped:
        return Unmapped(self.id, f"malformed {self.kind[:64]}: {why}", self.raw)

    def draft(
        self,
        event_type: str,
        id: str,
        root: str,
        people: tuple[Person, ...],
        data: Data,
        *,
        time: Micros | None = None,
        references: tuple[str, ...] = (),
        directed: bool = True,
    ) -> Draft:
        """Draft an event; the first of ``people`` did it. ``data``: what only this event has. ``references``: further
        threads that it belongs to. ``directed``: whether it goes one way: what is said of somebody does not."""
        if people:
            doer = people[0]
            data.agent = doer.agent
            if directed and data.direction is None:
                data.direction = doer.direction
            data.participants = [each.participant() for each in people]
        if references:
            data.references = [Reference(kind="thread", value=each) for each in references if each]
        return complete_draft(self.connection, "chat", event_type, id, data, self.raw, root, time or self.time)
