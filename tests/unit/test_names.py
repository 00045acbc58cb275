"""An event that names an agent or a queue by the id alone takes no known name away."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from cx_context.reference_definition import define_bodies
from cx_events.facts import Fact
from cx_events.testing.builders import ACME, DAY, HOUR, SECOND, START, a_fact
from cx_identity.rules import DEFAULT

BEN, BENJAMIN, ONLY_BEN = {"id": "ben", "name": "Ben"}, {"id": "ben", "name": "Benjamin"}, {"id": "ben"}
CARLA, ONLY_CARLA = {"id": "carla", "name": "Carla"}, {"id": "carla"}
BILLING, ONLY_BILLING = {"id": "q-1", "name": "Billing"}, {"id": "q-1"}


def step(second: int, type: str, interaction: str = "call-1", **data: Any) -> Fact:
    at = START + second * SECOND
    return a_fact(f"cx.{type}.v1", id=f"e-{second}", interaction=interaction, email="ana@example.com", at=at, data=data)


def body_of(*facts: Fact) -> dict[str, Any]:
    (body,) = define_bodies(facts, ACME, DEFAULT, 72 * HOUR).values()
    return body


def test_the_last_known_name_stays_in_any_order() -> None:
    story = [
        step(1, "interaction.queued", queue=BILLING),
        step(2, "interaction.routed", agent=BENJAMIN, queue=ONLY_BILLING),
        step(3, "interaction.answered", agent=BEN),
        step(4, "interaction.held", agent=ONLY_BEN, queue=ONLY_BILLING),
    ]
    for facts in permutations(story):
        body = body_of(*facts)
        assert body["now"]["agent"] == body["conversations"][0]["agent"] == BEN
        assert body["now"]["queue"] == body["conversations"][0]["queue"] == BILLING
        assert (body["last_agent"]["id"], body["last_agent"]["name"]) == ("ben", "Ben")


def test_another_agents_name_is_not_borrowed() -> None:
    body = body_of(step(1, "interaction.answered", agent=BEN), step(2, "interaction.held", agent=ONLY_CARLA))
    assert body["now"]["agent"] == {"id": "carla", "name": ""}
    assert body_of(step(1, "interaction.answered", agent=ONLY_BEN))["now"]["agent"] == {"id": "ben", "name": ""}


def test_a_name_is_known_from_transfers_participants_or_contacts() -> None:
    passed = step(1, "interaction.transferred", transfer={"agent": CARLA, "queue": BILLING})
    after = step(2, "interaction.answered", agent=ONLY_CARLA, queue=ONLY_BILLING)
    now = body_of(passed, after)["now"]
    assert (now["agent"], now["queue"]) == (CARLA, BILLING)
    takes_part = step(1, "message.sent", participants=[{"role": "agent", **BEN}], message={"id": "m", "text": "Hi"})
    by_id = step(2, "message.sent", participants=[{"role": "agent", "id": "ben"}], message={"id": "n", "text": "Hm"})
    assert body_of(takes_part, by_id)["now"]["agent"] == BEN
    later = step(10 * DAY // SECOND, "interaction.answered", interaction="call-2", agent=ONLY_BEN)
    assert body_of(step(1, "interaction.answered", agent=BEN), later)["last_agent"]["name"] == "Ben"


def test_people_of_handoffs_and_notes_keep_their_names() -> None:
    story = [
        step(1, "interaction.answered", agent=BEN),
        step(2, "handoff.requested", agent=ONLY_BEN, handoff={}),
        step(3, "handoff.accepted", agent=CARLA),
        step(4, "handoff.accepted", agent=ONLY_CARLA),
        step(5, "conversation.note", agent=ONLY_CARLA, note="called back"),
    ]
    for facts in permutations(story):
        (conversation,) = body_of(*facts)["conversations"]
        assert conversation["handoff"]["accepted_by"] == CARLA
        assert conversation["handoff"]["requested_by"] == "Ben"
        assert conversation["notes"][0]["agent"] == "Carla"


def test_somebody_elses_address_is_no_name() -> None:
    by_name = {
        name: body_of(
            a_fact(
                id="m-1",
                interaction="mail-1",
                data={
                    "participants": [
                        {
                            "role": "customer",
                            "name": name,
                            "identifiers": [{"kind": "email", "value": "mallory@example.com", "weight": "proved"}],
                        }
                    ]
                },
            )
        )["customer"]["display"]
        for name in ("ana@example.com", "Ana <ana@example.com>", "@ana", "Ana")
    }
    assert by_name == {
        "ana@example.com": "mallory@example.com",
        "Ana <ana@example.com>": "mallory@example.com",
        "@ana": "@ana",
        "Ana": "Ana",
    }
