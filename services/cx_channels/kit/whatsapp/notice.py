"""Read one notice of WhatsApp's, with its number and its person, and draft its events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from cx_channels.kit.drafts import complete_draft
from cx_channels.kit.ids import id_part, id_path
from cx_channels.kit.json_values import first, obj, objects, text
from cx_channels.kit.times import unix_time
from cx_channels.kit.whatsapp.delivery import Change, digest
from cx_channels.kit.whatsapp.people import PORTFOLIO, Contacts, Person, business, person_of
from cx_channels.provider import Connection, Unmapped
from cx_events.dead_letters import UNKNOWN_KIND
from cx_events.envelope import Data, Direction, Draft, Failure, Identifier, Participant
from cx_events.json_types import Json
from cx_events.timestamps import Micros

_NEVER_KEPT = frozenset({"session", "connection"})
"""Of a call: how its sound is carried, with keys and addresses (SDP)."""


class Notice(Struct, gc=False):
    """One item of a list in a change. ``section``: the list's name; ``number``: the id of the business's number, else
    the account's; ``kind``: as the tables name it; ``id``: Meta's of the message or call, "" where it has none."""

    change: Change
    connection: Connection
    section: str
    item: Json
    kind: str
    contacts: Contacts
    number: str
    shown: str
    id: str
    contact: Json | None = None
    """The contact of the person, once the person was asked for."""

    @property
    def time(self) -> Micros | None:
        return unix_time(self.item.get("timestamp"))

    @property
    def scope(self) -> str:
        """Return the scope of BSUIDs: the configured portfolio, else the account."""
        return text(self.connection.settings.get(PORTFOLIO)) or self.change.account or self.number

    def person(self, number: str, user_id: str = "", parent_id: str = "") -> Person:
        """Return the person whom the item names so, with what the change's contacts say of it."""
        self.contact = self.contacts.find(number, user_id)
        return person_of(number, user_id, parent_id, self.contact)

    def own_id(self, *parts: str) -> str:
        """Return an event's id: below the business's number, since ids of messages are Meta's at that number."""
        return id_path(self.number, *(filter(None, parts) if "" in parts else parts))

    @property
    def raw(self) -> bytes:
        """Return a delivery with this notice alone, and its contact."""
        item = self.item
        if self.section == "calls":
            item = {name: value for name, value in item.items() if name not in _NEVER_KEPT}
        whole = self.change.value
        value: Json = {}
        for name in ("messaging_product", "metadata"):
            if name in whole:
                value[name] = whole[name]
        contact = self.contact or (self._contact() if self.contacts.are_any else None)
        if contact:
            value["contacts"] = [contact]
        value[self.section] = [item]
        if "errors" in whole and len(whole[self.section]) == 1:
            value["errors"] = whole["errors"]
        return self.change.raw(value)

    def _contact(self) -> Json | None:
        item = self.item
        number = first(item.get("from"), item.get("recipient_id"), item.get("wa_id"))
        user_id = first(item.get("from_user_id"), item.get("recipient_user_id"), item.get("user_id"))
        found = self.contacts.find(number, user_id)
        if found is None:
            number = first(item.get("to"), item.get("recipient_participant_id"))
            user_id = first(item.get("to_user_id"), item.get("recipient_participant_user_id"))
            found = self.contacts.find(number, user_id)
        return found

    def lost(self, why: str) -> Unmapped:
        raw = self.raw
        return Unmapped(self.own_id(self.id) if self.id else digest(raw), f"malformed {self.kind[:64]}: {why}", raw)

    def unknown(self) -> Unmapped:
        raw = self.raw
        return Unmapped(self.own_id(self.id) if self.id else digest(raw), f"{UNKNOWN_KIND}: {self.kind[:64]!r}", raw)


def thread_of(notice: Notice, person: Person) -> str:
    """Return what tells an interaction: the group where there is one, else number and person."""
    group = text(notice.item.get("group_id"))
    if not group and notice.item.get("recipient_type") == "group":
        group = text(notice.item.get("recipient_id"))
    return id_part(f"{notice.number}:group:{group}" if group else f"{notice.number}:{person.key}")


def draft_of(
    notice: Notice,
    event_type: str,
    id: str,
    person: Person,
    direction: Direction,
    data: Data,
    *,
    root: str = "",
    time: Micros | None = None,
    writer: Iterable[Participant] = (),
    more: Sequence[Identifier] = (),
) -> Draft:
    """Draft an event between a person and the business's number.

    ``data``: what only this event has. ``root``: of the interaction, where that is not the thread. ``writer``: who
    wrote for the business. ``more``: what else identifies the person.
    """
    scope = notice.scope if person.user_id else ""
    customer, page = person.participant(scope), business(notice.number, notice.shown)
    if more:
        known = {each.value for each in customer.identifiers}
        customer.identifiers.extend(each for each in more if each.value not in known)
    data.direction = direction
    data.participants = [customer, page] if direction == "inbound" else [*writer, page, customer]
    root = root or thread_of(notice, person)
    at = notice.time if time is None else time
    return complete_draft(notice.connection, "social", event_type, id, data, notice.raw, root, at)


def failure_of(errors: Any) -> Failure | None:
    """Return the first of Meta's errors: ``{code, title, message, error_data: {details}}``."""
    for error in objects(errors):
        details = first(obj(error.get("error_data")).get("details"), error.get("details"))
        title = first(error.get("title"), error.get("message"))
        return Failure(code=text(error.get("code")), message=": ".join(filter(None, (title, details))))
    return None
