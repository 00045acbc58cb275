"""One event of a request, and its draft."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from cx_channels.chat.zendesk.people import Person
from cx_channels.kit.drafts import make_draft
from cx_channels.kit.ids import id_part
from cx_channels.kit.signing import sha256_hex
from cx_channels.provider import Connection, Unmapped
from cx_events.envelope import Draft, Reference
from cx_events.json_types import Json
from cx_events.timestamps import Micros

_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Notice:
    """One event. ``kind``: as the tables name it; ``value``: the event; ``payload``: what it is about; ``scope``: the
    app or the account; ``own``: the vendor's id of the event, "" where it has none; ``given``: as it is kept, where
    that is more than ``value``."""

    connection: Connection
    kind: str
    value: Json
    payload: Json
    scope: str
    own: str
    time: Micros | None
    given: Json | None = None

    @property
    def raw(self) -> bytes:
        return _encode(self.value if self.given is None else self.given)

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
        *,
        time: Micros | None = None,
        references: tuple[str, ...] = (),
        **data: Any,
    ) -> Draft:
        """Draft an event; the first of ``people`` did it. ``references``: further threads that it belongs to."""
        doer = people[0] if people else None
        data.setdefault("direction", doer.direction if doer is not None else None)
        return make_draft(
            self.connection, "chat", event_type, id,
            raw=self.raw, root=root, time=time or self.time,
            participants=[each.participant() for each in people],
            agent=doer.agent if doer is not None else None,
            references=[Reference(kind="thread", value=each) for each in references if each], **data,
        )  # fmt: skip
