"""Intercom: what a workspace has secured is asserted, what anybody could have stated is claimed."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.test_intercom import ANA, BEN, UUID, connection, conversation, mapped, notification, only, part

from cx_channels.chat.intercom import PROVIDER
from cx_events.envelope import Draft
from cx_events.errors import Fatal

EVERYTHING = ["identity", "email", "phone"]
USER = {
    "type": "contact", "role": "user", "id": ANA, "external_id": "u-1", "email": "ana@example.com",
    "phone": "+15550100123",
}  # fmt: skip
MESSENGER = {"type": "conversation", "id": "4001", "body": "<p>Hello</p>", "author": {"type": "user", "id": ANA}}


def weights(draft: Draft) -> dict[str, str]:
    people = [one for one in draft.data.participants if one.role == "customer"]
    return {each.kind: each.weight for one in people for each in one.identifiers}


def about(contact: dict[str, Any], topic: str = "contact.user.updated", **settings: Any) -> list[Draft]:
    return list(mapped(notification(topic, contact), **settings).drafts)


def test_without_the_secured_setting_all_is_claimed() -> None:
    """Then anybody can boot the Messenger with another user's id, and be that contact."""
    drafts = [*about(USER), *about({**USER, "custom_attributes": {"plan": "gold"}})]
    drafts += mapped(notification("conversation.user.replied", conversation(part(), source=MESSENGER))).drafts
    assert len(drafts) > 3
    assert {weight for draft in drafts for weight in weights(draft).values()} == {"claimed"}


@pytest.mark.parametrize("secured", [["identity"], ["identity", "email"], ["identity", "phone"], EVERYTHING])
def test_only_secured_identifiers_of_a_user_are_asserted(secured: list[str]) -> None:
    asserted = {"account", "intercom", *secured} - {"identity"}
    found = weights(about(USER, secured=secured)[0])
    assert found == {kind: "asserted" if kind in asserted else "claimed" for kind in found}
    assert set(found) == {"account", "intercom", "email", "phone"}


@pytest.mark.parametrize(
    "contact",
    [
        {**USER, "role": "lead"},
        {**USER, "role": "lead", "external_id": UUID},
        {"type": "visitor", "id": ANA, "email": "victim@example.com"},
        {"type": "contact", "role": "user", "id": ANA, "email": "victim@example.com"},
    ],
)
def test_identifiers_of_leads_and_visitors_are_claimed(contact: dict[str, Any]) -> None:
    for topic in ("contact.lead.updated", "contact.lead.added_email", "visitor.signed_up"):
        assert set(weights(about(contact, topic, secured=EVERYTHING)[0]).values()) == {"claimed"}


def test_a_lead_called_a_user_by_conversations_is_claimed() -> None:
    author = {"type": "user", "id": ANA, "name": "Ana", "email": "victim@example.com"}
    lead = {"type": "contact.list", "contacts": [{"type": "contact", "id": ANA, "external_id": UUID}]}
    talk = conversation(part(author=author), contacts=lead, source={**MESSENGER, "author": author})
    draft = only(mapped(notification("conversation.user.replied", talk), secured=EVERYTHING))
    assert weights(draft) == {"email": "claimed", "intercom": "claimed"}


def test_a_user_who_writes_in_the_messenger_is_asserted() -> None:
    document = notification("conversation.user.replied", conversation(part(), source=MESSENGER))
    draft = only(mapped(document, secured=["identity"]))
    assert weights(draft) == {"account": "asserted", "intercom": "asserted", "email": "claimed"}


@pytest.mark.parametrize("way", ["email", "sms", "facebook", "whatsapp", "conversation_message", ""])
def test_a_user_outside_the_messenger_is_claimed(way: str) -> None:
    """Mail is matched to the contact of its From, which anybody can write."""
    talk = conversation(part(), part(author=BEN, id="5002"), source={**MESSENGER, "type": way})
    drafts = mapped(notification("conversation.user.replied", talk), secured=EVERYTHING).drafts
    assert len(drafts) == 2
    assert {weight for draft in drafts for weight in weights(draft).values()} == {"claimed"}


def test_a_mail_reply_in_a_messenger_conversation_is_claimed() -> None:
    mailed = part(email_message_metadata={"subject": "Re: Hello", "email_address_headers": []})
    document = notification("conversation.user.replied", conversation(mailed, source=MESSENGER))
    assert set(weights(only(mapped(document, secured=EVERYTHING))).values()) == {"claimed"}


@pytest.mark.parametrize(("secured", "weight"), [([], "claimed"), (["identity"], "asserted")])
def test_a_merge_is_weighted_by_who_was_checked(secured: list[str], weight: str) -> None:
    draft = about({**USER, "merged_from": {"id": "lead-1"}}, "contact.merged", secured=secured)[0]
    assert [(one.weight, other.weight) for one, other in draft.data.links] == [(weight, weight)]


def test_every_event_recorded_of_a_user_counts() -> None:
    """An event's ``id`` is the user's, and the same in each."""
    ids = set()
    for number in (1, 2):
        item = {"type": "event", "event_name": "ordered", "id": "u-1", "user_id": "u-1", "created_at": 1_795_348_800}
        document = notification("event.created", item) | {"id": f"notif_{number}"}
        ids.add(only(mapped(document)).id)
    assert len(ids) == 2


@pytest.mark.parametrize("secured", [["emails"], ["email"], "everything"])
def test_an_invalid_secured_setting_stops_the_start(secured: Any) -> None:
    with pytest.raises(Fatal, match="secured"):
        PROVIDER.warnings(connection(secured=secured))
    assert PROVIDER.warnings(connection(secured=EVERYTHING)) == PROVIDER.warnings(connection()) == ()
