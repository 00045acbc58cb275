"""Map notifications about contacts: identity, attributes and consent.

A contact comes as a whole: in API 1.x as ``user``, or ``contact`` for a lead
(developers.intercom.com/docs/references/1.3/rest-api/leads/view-a-lead), in 2.x as ``contact`` with a ``role``. Its
versions have no number, so these events have the notification's id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from cx_channels.chat.intercom.notification import Notification
from cx_channels.chat.intercom.people import Person, customer, own_id, person_of
from cx_channels.chat.intercom.values import listed, micros
from cx_channels.kit.drafts import make_draft
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, obj, text, texts
from cx_channels.kit.outcomes import Outcome
from cx_events.envelope import Consent, Draft, Participant
from cx_events.json_types import Json
from cx_events.timestamps import Micros

NOBODY = "the item names nobody"
_MESSAGES = {"email": "email", "sms_message": "sms", "sms": "sms"}


def map_contact(notification: Notification) -> Iterator[Outcome]:
    """Map a contact: its identifiers are one person's; and its attributes."""
    contact = _contact(notification)
    person = _person(notification, contact)
    participant = customer(person, notification.app, notification.connection.settings)
    if not participant.identifiers:
        yield notification.lost(NOBODY)
        return
    id = _id(notification, person)
    yield _draft(notification, "cx.identity.asserted.v1", id, participant, evidence="intercom")
    found = attributes(contact, person)
    if found:
        yield _draft(
            notification, "cx.customer.attributes_changed.v1", f"{id}/attributes", participant, attributes=found
        )


def map_merge(notification: Notification) -> Iterator[Outcome]:
    """Map a merge: ``merged_from`` was absorbed, so both ids are one person's (webhook-models, "contact.merged
    payload")."""
    contact = _contact(notification)
    person = _person(notification, contact)
    absorbed = text(obj(contact.get("merged_from")).get("id"))
    if not person.id or not absorbed:
        yield from map_contact(notification)
        return
    participant = customer(person, notification.app, notification.connection.settings)
    # A lead becomes one with a user also where somebody boots the Messenger as that user.
    former = own_id(absorbed, person, notification.app, notification.connection.settings)
    lasting = own_id(person.id, person, notification.app, notification.connection.settings)
    both = Participant(role="customer", name=participant.name, identifiers=[*participant.identifiers, former])
    yield _draft(
        notification,
        "cx.identity.asserted.v1",
        _id(notification, person),
        both,
        links=[(lasting, former)],
        evidence="intercom-merge",
    )


def map_tag(notification: Notification) -> Iterator[Outcome]:
    """Map a tag that was added to a contact."""
    yield from _map_tag_change(notification, "tagged")


def map_untag(notification: Notification) -> Iterator[Outcome]:
    """Map a tag that was removed from a contact."""
    yield from _map_tag_change(notification, "untagged")


def map_marketing_consent(granted: bool, channel: str) -> Callable[[Notification], Iterator[Outcome]]:
    """Return a mapper of consent to all marketing over one channel."""
    return partial(_map_marketing_consent, granted=granted, channel=channel)


def map_subscriptions(granted: bool) -> Callable[[Notification], Iterator[Outcome]]:
    """Return a mapper of consent to subscription types: ``{type: "subscription", id, default_translation: {name},
    content_types: ["email"]}`` (docs/references/2.7/rest-api/api.intercom.io/Subscription-Types/subscription_type)."""
    return partial(_map_subscriptions, granted=granted)


def map_data_event(notification: Notification) -> Iterator[Outcome]:
    """Map an event that the business recorded about a user: ``{event_name, created_at, user_id, email,
    intercom_user_id, metadata}`` (docs/references/rest-api/api.intercom.io/Data-Events/data_event)."""
    item = notification.item
    name = text(item.get("event_name"))
    person = Person(
        id=text(item.get("intercom_user_id")),
        external_id=text(item.get("user_id")),
        email=text(item.get("email")),
        kinds=frozenset({"user"}),
        vouched=True,
    )
    participant = customer(person, notification.app, notification.connection.settings)
    if not name or not participant.identifiers:
        yield notification.lost("no event_name" if not name else NOBODY)
        return
    # Not by the item's id: of an event it is "your identifier for a lead or a user", so the second event of a user
    # would vanish.
    id = f"event/{id_part(notification.id)}"
    time = micros(item.get("created_at"))
    yield _draft(notification, "cx.customer.fact.v1", id, participant, time=time, topic=name)


def attributes(contact: Json, person: Person) -> dict[str, Any]:
    """Return what an agent may want to see: the business's attributes under their own names, and a few of Intercom's.

    Nulls are left out: Intercom lists every attribute of the workspace for every contact.
    """
    place = obj(contact.get("location")) or obj(contact.get("location_data"))
    companies = [text(each.get("name")) for each in listed(contact.get("companies"), "companies")]
    found: dict[str, Any] = {
        "role": "user" if person.is_user else next((kind for kind in ("lead", "visitor") if kind in person.kinds), ""),
        "city": first(place.get("city"), place.get("city_name")),
        "country": first(place.get("country"), place.get("country_name")),
        "language": first(contact.get("language_override"), contact.get("browser_language")),
        "company": ", ".join(dict.fromkeys(filter(None, companies))),
        **obj(contact.get("custom_attributes")),
    }
    return {name: value for name, value in found.items() if name and value not in (None, "")}


# --- parts of the above ----------------------------------------------------------------------------------------------


def _map_marketing_consent(notification: Notification, granted: bool, channel: str) -> Iterator[Outcome]:
    person = _person(notification, _contact(notification))
    participant = customer(person, notification.app, notification.connection.settings)
    if not participant.identifiers:
        yield notification.lost(NOBODY)
        return
    consent = Consent(purpose="marketing", granted=granted, channel=channel)
    yield _draft(notification, "cx.consent.changed.v1", _id(notification, person), participant, consent=consent)


def _map_subscriptions(notification: Notification, granted: bool) -> Iterator[Outcome]:
    item = notification.item
    person = _person(notification, _contact(notification))
    participant = customer(person, notification.app, notification.connection.settings)
    types = listed(item.get("subscription_types"), "subscription_types")
    types = types or [each for name in ("subscription_type", "subscription") if (each := obj(item.get(name)))]
    if text(item.get("type")) == "subscription" and not types:
        types = [item]
    if not participant.identifiers or not types:
        yield notification.lost("no subscription type" if participant.identifiers else NOBODY)
        return
    for each in types:
        id = text(each.get("id"))
        name = first(obj(each.get("default_translation")).get("name"), each.get("name"), id, "marketing")
        channels = [_MESSAGES[kind] for kind in texts(each.get("content_types")) if kind in _MESSAGES]
        consent = Consent(purpose=name[:256], granted=granted, channel=channels[0] if len(channels) == 1 else "")
        event_id = f"{_id(notification, person)}/{id_part(id or name)}"
        yield _draft(notification, "cx.consent.changed.v1", event_id, participant, consent=consent)


def _map_tag_change(notification: Notification, what: str) -> Iterator[Outcome]:
    """Map ``{type: "contact_tag"

    "user_tag", contact

    user, tag: {id, name}, created_at}``.
    """
    person = _person(notification, _contact(notification))
    participant = customer(person, notification.app, notification.connection.settings)
    tag = obj(notification.item.get("tag"))
    name = first(tag.get("name"), tag.get("id"))
    if not participant.identifiers or not name:
        yield notification.lost("no tag" if participant.identifiers else NOBODY)
        return
    id = f"{_id(notification, person)}/{id_part(first(tag.get('id'), name))}"
    time = micros(notification.item.get("created_at"))
    yield _draft(notification, "cx.customer.fact.v1", id, participant, time=time, topic="tag", note=f"{what}: {name}")


def _contact(notification: Notification) -> Json:
    """Return the contact: the item itself, or the one that it holds beside a tag or a subscription."""
    item = notification.item
    return obj(item.get("contact")) or obj(item.get("user")) or item


def _person(notification: Notification, contact: Json) -> Person:
    """Return the person. Where a contact has no ``role``, the topic says what it is: API 1.x calls
    leads ``contact``."""
    if notification.topic.startswith(("user.", "contact.user.")):
        return person_of(contact, role="user")
    unsaid = "role" not in contact and text(contact.get("type")) == "contact"
    return person_of(contact, role="lead" if unsaid and notification.topic.startswith("contact.") else "")


def _id(notification: Notification, person: Person) -> str:
    return f"contact/{id_part(person.id or person.email or '0')}/{notification.topic}/{id_part(notification.id)}"


def _draft(
    notification: Notification,
    event_type: str,
    id: str,
    participant: Participant,
    *,
    time: Micros | None = None,
    **data: Any,
) -> Draft:
    return make_draft(
        notification.connection,
        "chat",
        event_type,
        id,
        raw=notification.raw,
        time=notification.time if time is None else time,
        participants=[participant],
        **data,
    )
