"""Read a conversation or a ticket, in whichever shape a version of the API tells it.

=================  ============================================  ================================================
what               API 1.x                                       API 2.x
=================  ============================================  ================================================
how it began       ``conversation_message``                      ``source``
its customers      ``user``, ``customers[]``                     ``contacts.contacts[]``, without names; the authors
                                                                 of ``source`` and of the parts have them
who has it         ``assignee`` ``{type, id, name}``             ``admin_assignee_id``, ``team_assignee_id``
what happened      ``conversation_parts.conversation_parts[]``   the same; of a ticket ``ticket_parts.ticket_parts[]``
=================  ============================================  ================================================

developers.intercom.com/docs/references/1.4/rest-api/conversations/conversation-model,
.../2.11/rest-api/api.intercom.io/models/conversation_parts and .../2.15/rest-api/api.intercom.io/tickets/ticket_part. A
notification carries the part that it is about, not the whole history.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from cx_channels.chat.intercom.notification import Notification
from cx_channels.chat.intercom.people import (
    Person,
    customer,
    is_contact,
    person_of,
    role_of,
    staff,
    unchecked,
    unique_people,
)
from cx_channels.chat.intercom.values import listed, micros, whole
from cx_channels.kit.drafts import make_draft
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, obj, text
from cx_events.envelope import Direction, Draft, Participant, Reference, Role
from cx_events.json_types import Json
from cx_events.timestamps import Micros

MAX_CUSTOMERS = 20
"""The most customers of one event of a group conversation; the event belongs to the first."""


class Conversation(Struct, frozen=True, gc=False):
    """A conversation or a ticket. ``value``: its object. ``parts``: those in the notification, in order."""

    notification: Notification
    value: Json
    id: str
    parts: tuple[Json, ...]
    people: tuple[Person, ...]

    @property
    def root(self) -> str:
        """The beginning of the ids of all its events."""
        return id_part(self.id)

    @property
    def opening(self) -> Json:
        return obj(self.value.get("source")) or obj(self.value.get("conversation_message"))

    @property
    def references(self) -> list[Reference]:
        """Its own thread and the linked ones; for a ticket also the number that people see."""
        value = self.value
        found = [Reference(kind="thread", value=self.id)]
        if text(value.get("ticket_id")):
            found.append(Reference(kind="case", value=text(value["ticket_id"])))
        linked = [text(each.get("id")) for each in listed(value.get("linked_objects"))]
        found += [Reference(kind="thread", value=id) for id in linked if id]
        return list({(each.kind, each.value): each for each in found}.values())

    def speaker_of(self, author: Json, default: Role) -> Role:
        return role_of(author, self.people, self.notification.connection.settings) or default

    def customers(self, first_id: str = "") -> list[Participant]:
        """Return its contacts, the one with ``first_id`` first: an event belongs to the first."""
        notification = self.notification
        people = sorted(self.people, key=lambda person: person.id != first_id) if first_id else list(self.people)
        return [
            customer(person, notification.app, notification.connection.settings) for person in people[:MAX_CUSTOMERS]
        ]

    def participants(self, author: Json, role: Role) -> list[Participant]:
        """Return the participants, the author first."""
        if role == "customer":
            return self.customers(text(author.get("id")))
        known = text(author.get("id")) or text(author.get("name"))
        return [*([staff(author, role)] if known else []), *self.customers()]

    def came_by_messenger(self, part: Json) -> bool:
        """Return whether Intercom itself verified the writer.

        Elsewhere it goes by an address or a number: mail is matched to the contact of its From, which anybody can
        write. A source's ``type`` is ``conversation`` in the Messenger, else ``email``, ``sms``, ``facebook`` ...
        (.../2.16/rest-api/api.intercom.io/models/conversation_source).
        """
        return text(self.opening.get("type")).lower() == "conversation" and not obj(part.get("email_message_metadata"))

    def time_of(self, part: Json) -> Micros | None:
        return micros(part.get("created_at")) or self.notification.time

    def id_of(self, part: Json, what: str = "") -> str:
        """Return the id of what a part does: the same in every notification that carries the part.

        Without a part the time of the last change identifies it.
        """
        named = text(part.get("id"))
        if named:
            return "/".join(filter(None, (self.root, "part", id_part(named), what)))
        at = text(self.value.get("updated_at")) or self.notification.id
        return f"{self.root}/{what or 'part'}/{id_part(at)}"

    def draft(
        self,
        event_type: str,
        id: str,
        part: Json,
        participants: list[Participant],
        *,
        direction: Direction | None = None,
        **data: Any,
    ) -> Draft:
        """Draft an event. ``part``: gives the time and, by its id, the order within one second."""
        notification = self.notification
        if not self.came_by_messenger(part):
            participants = [unchecked(each) if each.role == "customer" else each for each in participants]
        return make_draft(
            notification.connection,
            "chat",
            event_type,
            id,
            raw=notification.raw,
            root=self.root,
            time=self.time_of(part),
            sequence=whole(part.get("id")),
            direction=direction,
            participants=participants,
            references=self.references,
            **data,
        )


def read_conversation(notification: Notification) -> Conversation | None:
    """Return the conversation of a notification; None where it has no id.

    The item is the conversation or ticket itself, holds it beside what happened (a contact, a tag, a part), or is one
    of its parts.
    """
    item = notification.item
    value = obj(item.get("conversation")) or obj(item.get("ticket")) or item
    is_part = text(item.get("type")) in ("conversation_part", "ticket_part")
    alone = "" if is_part else text(item.get("id"))
    id = text(value.get("id")) if value is not item else first(item.get("conversation_id"), alone)
    if not id:
        return None
    parts = (item,) if is_part else tuple(_parts(item) or _parts(value))
    return Conversation(notification, value, id, parts, tuple(_people(value, parts)))


def _parts(value: Json) -> list[Json]:
    one = obj(value.get("conversation_part")) or obj(value.get("ticket_part"))
    return (
        listed(value.get("conversation_parts"), "conversation_parts")
        or listed(value.get("ticket_parts"), "ticket_parts")
        or ([one] if one else [])
    )


def _people(value: Json, parts: tuple[Json, ...]) -> list[Person]:
    """Return its contacts in listed order, then the authors who are not listed."""
    opening = obj(value.get("source")) or obj(value.get("conversation_message"))
    contacts = [obj(value.get("user")), *listed(value.get("contacts"), "contacts"), *listed(value.get("customers"))]
    authors = [obj(each.get("author")) for each in (opening, *parts)]
    named = unique_people(person_of(each) for each in contacts)
    return unique_people([*named, *(person_of(author) for author in authors if is_contact(author))])
