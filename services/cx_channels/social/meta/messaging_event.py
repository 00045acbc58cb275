"""One item of ``messaging`` or ``standby`` between two known people, and the drafts made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cx_channels.kit.drafts import make_draft
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import obj, text
from cx_channels.kit.meta_envelope import WebhookItem
from cx_channels.kit.times import unix_time
from cx_channels.provider import Connection, Ignored, Unmapped
from cx_channels.social.meta.people import Peers, participants_of
from cx_events.envelope import (
    Draft,
    Identifier,
    Participant,
    Reference,
)
from cx_events.json_types import Json
from cx_events.timestamps import Micros

Outcome = Draft | Ignored | Unmapped


@dataclass(frozen=True)
class MessagingEvent:
    """One item between two known ends. ``body``: the object under the kind's own name."""

    item: WebhookItem
    connection: Connection
    peers: Peers
    body: Json

    @property
    def time(self) -> Micros | None:
        return unix_time(self.item.value.get("timestamp")) or self.item.time

    @property
    def thread(self) -> str:
        return id_part(self.peers.thread)

    def own_id(self, kind: str) -> str:
        """For what has no id of its own: the same for the same content of the same moment."""
        at = text(self.item.value.get("timestamp")) or "0"
        return f"{self.thread}/{kind}/{id_part(at)}/{self.item.digest[:16]}"


def referral_tokens(referral: Any) -> list[Reference]:
    """A ref is the business's own word, written into a link: it continues whatever made that link."""
    ref = text(obj(referral).get("ref"))
    return [Reference(kind="token", value=ref)] if ref else []


def draft_of(
    event: MessagingEvent,
    event_type: str,
    id: str,
    *,
    time: Micros | None = None,
    receipt: bool = False,
    also: tuple[Identifier, ...] = (),
    name: str = "",
    **data: Any,
) -> Draft:
    """``also``: more identifiers of the person; ``receipt``: about a message that went out."""
    item, connection = event.item, event.connection
    direction, participants = participants_of(item, event.peers, connection.settings)
    if also or name:
        participants = [_with_identifiers(each, also, name) for each in participants]
    return make_draft(
        connection,
        "social",
        event_type,
        id,
        raw=item.raw,
        root=event.thread,
        time=event.time if time is None else time,
        direction="outbound" if receipt else direction,
        participants=participants,
        **data,
    )


def _with_identifiers(participant: Participant, also: tuple[Identifier, ...], name: str) -> Participant:
    if participant.role != "customer":
        return participant
    return Participant(role="customer", name=name, identifiers=[*participant.identifiers, *also])
