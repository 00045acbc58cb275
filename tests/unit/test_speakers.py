"""Test who wrote a message: by its direction, else by its type, else by who takes part."""

from __future__ import annotations

from typing import Any

import pytest

from cx_context.parts.speakers import RECEIVED, SENT
from cx_context.reference_definition import define_bodies
from cx_events.testing.builders import ACME, HOUR, a_fact
from cx_identity.rules import DEFAULT

ANA = {"role": "customer", "name": "Ana", "identifiers": [{"kind": "email", "value": "ana@example.com"}]}
BEN = {"role": "agent", "id": "ben", "name": "Ben"}
BOT = {"role": "bot", "id": "b-1"}


@pytest.mark.parametrize(
    ("type", "people", "fields", "role"),
    [
        (RECEIVED, [], {}, "customer"),
        (RECEIVED, [ANA], {}, "customer"),
        (RECEIVED, [BEN, ANA], {}, "customer"),
        (RECEIVED, [BEN], {}, "agent"),
        (RECEIVED, [], {"direction": "internal"}, "system"),
        (RECEIVED, [BEN, ANA], {"direction": "outbound"}, "agent"),
        (SENT, [], {}, "agent"),
        (SENT, [ANA], {}, "agent"),
        (SENT, [ANA, BOT], {}, "bot"),
        (SENT, [ANA], {"bot": {"intent": "hello"}}, "bot"),
        (SENT, [BEN], {"direction": "inbound"}, "customer"),
        ("cx.social.mention.v1", [], {}, "system"),
        ("cx.social.comment.v1", [ANA], {}, "customer"),
        ("cx.social.comment.v1", [BEN, ANA], {}, "agent"),
    ],
)
def test_a_messages_role_follows_type_and_participants(
    type: str, people: list[Any], fields: dict[str, Any], role: str
) -> None:
    message = {"id": "m-1", "text": "Where is it?"}
    data = {"direction": None, "participants": people, "message": message, **fields}
    (body,) = define_bodies(
        [a_fact(type, id="m-1", interaction="chat-1", data=data)], ACME, DEFAULT, 72 * HOUR
    ).values()
    assert body["timeline"][0]["role"] == role
    assert body["conversations"][0]["messages"][0]["role"] == role
    assert (body["now"]["waiting_since"] is not None) == (role == "customer")


@pytest.mark.parametrize("people", [[], [ANA], [BOT, ANA], [ANA, BOT]])
@pytest.mark.parametrize("said", [{}, {"message": {"id": "m-2", "text": "On its way."}}])
def test_a_bots_turn_is_the_bots_words(people: list[Any], said: dict[str, Any]) -> None:
    data = {"direction": None, "participants": people, "bot": {"intent": "order", "text": "On its way."}, **said}
    (entry,) = entries("cx.bot.turn.v1", data)
    assert (entry["role"], entry["name"], entry["text"]) == ("bot", None, "On its way.")


@pytest.mark.parametrize("by", ["bot", "customer", "agent", None])
def test_a_request_for_a_handoff_says_who_asks(by: str | None) -> None:
    (entry,) = entries("cx.handoff.requested.v1", {"participants": [], "handoff": {"by": by}})
    assert (entry["role"], entry["name"]) == (by, None)
    named = {"participants": [], "handoff": {"by": by}, "agent": {"id": "helper", "name": "Helper"}}
    assert entries("cx.handoff.requested.v1", named)[0]["name"] == "Helper"


def entries(type: str, data: dict[str, Any]) -> list[dict[str, Any]]:
    asked = a_fact(id="m-1", interaction="chat-1", data={"participants": [ANA], "message": {"id": "m-1", "text": "Hi"}})
    told = a_fact(type, id="e-2", interaction="chat-1", data={"direction": None, **data})
    (body,) = define_bodies([asked, told], ACME, DEFAULT, 72 * HOUR).values()
    return [each for each in body["timeline"] if each["event"]["id"] == "e-2"]


def test_an_out_of_office_note_waits_for_nobody() -> None:
    data = {"direction": None, "message": {"id": "m-1", "text": "Away", "automatic": "auto-reply"}}
    (body,) = define_bodies([a_fact(id="m-1", interaction="mail-1", data=data)], ACME, DEFAULT, 72 * HOUR).values()
    assert body["conversations"][0]["messages"][0]["role"] == "system"
    assert body["unresolved"] == []
