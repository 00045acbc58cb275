"""Read one item of ``messaging`` or ``standby``, with its person and its account, and draft its events."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from cx_channels.kit.drafts import complete_draft
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import obj, text
from cx_channels.kit.meta_envelope import WebhookItem
from cx_channels.kit.times import unix_time
from cx_channels.provider import Connection
from cx_channels.social.meta.people import Peers, participants_of
from cx_events.envelope import (
    Data,
    Draft,
    Identifier,
    Participant,
    Reference,
)
from cx_events.json_types import Json
from cx_events.timestamps import Micros


class MessagingEvent(Struct, frozen=True, gc=False):
    """One item between a known person and a known account. ``body``: the object in the member named by the kind."""

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
        """Return an id for an item that has none: the same for the same content at the same time."""
        at = text(self.item.value.get("timestamp")) or "0"
        return f"{self.thread}/{kind}/{id_part(at)}/{self.item.digest[:16]}"


def referral_tokens(referral: Any) -> list[Reference]:
    """Return the ``ref`` of a referral as a token: the business wrote it into a link, whose origin it continues."""
    ref = text(obj(referral).get("ref"))
    return [Reference(kind="token", value=ref)] if ref else []


def draft_of(
    event: MessagingEvent,
    event_type: str,
    id: str,
    data: Data,
    *,
    time: Micros | None = None,
    receipt: bool = False,
    also: tuple[Identifier, ...] = (),
    name: str = "",
) -> Draft:
    """Draft an event.

    ``data``: what only this event has. ``also``: more identifiers of the person. ``receipt``: the event is about a
    message that the account sent.
    """
    item, connection = event.item, event.connection
    direction, participants = participants_of(item, event.peers, connection.settings)
    if also or name:
        participants = [_with_identifiers(each, also, name) for each in participants]
    data.direction, data.participants = "outbound" if receipt else direction, participants
    at = event.time if time is None else time
    return complete_draft(connection, "social", event_type, id, data, item.raw, event.thread, at)


def _with_identifiers(participant: Participant, also: tuple[Identifier, ...], name: str) -> Participant:
    if participant.role != "customer":
        return participant
    return Participant(role="customer", name=name, identifiers=[*participant.identifiers, *also])
