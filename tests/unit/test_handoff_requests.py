"""Test what becomes of requests for handoffs: the first who accepts has it, in whatever order the facts come; a decline
goes back to the queue; a stranger's request hides none of the customer's.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest

from cx_context.fold import apply, new_part
from cx_context.parts.model import Part
from cx_context.reference_definition import define_bodies
from cx_context.routing_targets import UNASSIGNED, routing_targets
from cx_events.envelope import Identifier
from cx_events.facts import Fact
from cx_events.ids import handoff_id
from cx_events.testing.builders import ACME, HOUR, SECOND, START, a_fact
from cx_identity.rules import DEFAULT

BEN, EVA, CARLA = {"id": "ben", "name": "Ben"}, {"id": "eva", "name": "Eva"}, {"id": "carla", "name": "Carla"}
BILLING = {"id": "q-billing", "name": "Billing"}
SOURCE = "//acme.example/chat"


def step(second: int, type: str, interaction: str = "chat-1", **data: Any) -> Fact:
    at = START + second * SECOND
    return a_fact(f"cx.{type}.v1", id=f"e-{second}", interaction=interaction, email="ana@example.com", at=at, data=data)


def body_of(facts: Sequence[Fact]) -> dict[str, Any]:
    (body,) = define_bodies(facts, ACME, DEFAULT, 72 * HOUR).values()
    return body


def conversation_of(facts: Sequence[Fact]) -> dict[str, Any]:
    (conversation,) = body_of(facts)["conversations"]
    return conversation


def desks_of(facts: Sequence[Fact]) -> dict[tuple[str, str], str]:
    part: Part = new_part(facts[0])
    for fact in facts[1:]:
        apply(part, fact)
    return {(desk.kind, desk.name): reason.why for desk, reason in routing_targets(part).items()}


def id_of(fact: Fact) -> str:
    return handoff_id(fact.event.source, fact.event.id)


STARTED = step(0, "interaction.started")
ASKED = step(1, "handoff.requested", queue=BILLING, handoff={"by": "bot", "queue": BILLING})
BENS, EVAS = step(2, "handoff.accepted", agent=BEN), step(3, "handoff.accepted", agent=EVA)
TRANSFERRED = step(4, "interaction.transferred", transfer={"queue": BILLING})
AGAIN = step(5, "handoff.accepted", agent=CARLA)


def test_the_first_who_accepts_has_it_in_any_order() -> None:
    for facts in permutations([STARTED, ASKED, BENS, EVAS]):
        conversation = conversation_of(facts)
        handoff = conversation["handoff"]
        assert (handoff["accepted_by"], handoff["accepted_at"]) == (BEN, "2026-11-22T10:00:02Z")
        assert handoff["also_accepted"] == [{"agent": EVA, "at": "2026-11-22T10:00:03Z"}]
        assert conversation["agent"] == BEN
        assert body_of(facts)["last_agent"]["id"] == body_of(facts)["now"]["agent"]["id"] == "ben"
        assert desks_of(facts) == {("agent", "ben"): "accepted"}


def test_passed_on_again_it_is_accepted_again() -> None:
    for facts in permutations([STARTED, ASKED, BENS, TRANSFERRED, AGAIN]):
        assert conversation_of(facts)["handoff"]["accepted_by"] == CARLA
        assert conversation_of(facts)["handoff"]["also_accepted"] == []
        assert ("agent", "carla") in desks_of(facts)
    asked_again = step(4, "handoff.requested", agent=BEN, handoff={"to": "second level"})
    for facts in permutations([STARTED, ASKED, BENS, asked_again, AGAIN]):
        assert conversation_of(facts)["handoff"]["accepted_by"] == CARLA
        assert conversation_of(facts)["agent"] == CARLA


def test_transferred_after_its_acceptance_it_waits_again() -> None:
    handoff = conversation_of([STARTED, ASKED, BENS, TRANSFERRED])["handoff"]
    assert (handoff["accepted_by"], handoff["open"]) == (BEN, True)
    assert desks_of([STARTED, ASKED, BENS, TRANSFERRED])["queue", "q-billing"] == "transfer"


def test_an_acceptance_of_what_is_gone_is_late() -> None:
    """Eva's desktop showed the request when Ben had it and had passed it on already."""
    late = step(5, "handoff.accepted", agent=EVA, handoff={"id": id_of(ASKED)})
    bens = step(2, "handoff.accepted", agent=BEN, handoff={"id": id_of(ASKED)})
    for facts in permutations([STARTED, ASKED, bens, TRANSFERRED, late]):
        assert conversation_of(facts)["handoff"]["open"]
        assert ("agent", "eva") not in desks_of(facts)
        assert conversation_of(facts)["agent"] == BEN


def test_a_named_acceptance_counts_for_what_it_names() -> None:
    of_transfer = step(5, "handoff.accepted", agent=EVA, handoff={"id": id_of(TRANSFERRED)})
    handoff = conversation_of([STARTED, ASKED, BENS, TRANSFERRED, of_transfer])["handoff"]
    assert (handoff["accepted_by"], handoff["open"]) == (EVA, False)


def test_who_accepts_again_has_it_still() -> None:
    noted = step(3, "conversation.note", agent=EVA, note="hm")
    again = step(4, "handoff.accepted", agent=BEN)
    conversation = conversation_of([STARTED, ASKED, BENS, noted, again])
    assert conversation["handoff"]["accepted_at"] == "2026-11-22T10:00:02Z"
    assert conversation["agent"] == BEN
    assert conversation["handoff"]["also_accepted"] == []


DECLINED = step(2, "handoff.declined", agent=BEN, reason="on a call")


def test_a_declined_request_waits_in_its_queue() -> None:
    to_ben = step(1, "handoff.requested", queue=BILLING, handoff={"to": "ben", "queue": BILLING})
    assert desks_of([STARTED, to_ben]) == {("agent", "ben"): "handoff", ("queue", "q-billing"): "handoff"}
    for facts in permutations([STARTED, to_ben, DECLINED]):
        handoff = conversation_of(facts)["handoff"]
        assert handoff["declined"] == [{"agent": BEN, "at": "2026-11-22T10:00:02Z", "reason": "on a call"}]
        assert (handoff["open"], handoff["accepted_by"]) == (True, None)
        assert conversation_of(facts)["agent"] is None
        assert desks_of(facts) == {("queue", "q-billing"): "handoff"}


@pytest.mark.parametrize(
    ("facts", "desks"),
    [
        ([step(1, "handoff.requested", handoff={"to": "ben"})], {("queue", UNASSIGNED): "handoff"}),
        ([step(1, "interaction.routed", agent=BEN)], {("queue", UNASSIGNED): "offered"}),
        (
            [step(1, "interaction.routed", agent=BEN, queue=BILLING)],
            {("queue", "q-billing"): "queued"},
        ),
        (
            [
                step(0, "interaction.answered", agent=EVA),
                step(1, "handoff.requested", agent=EVA, handoff={"to": "ben"}),
            ],
            {("agent", "eva"): "answered", ("queue", UNASSIGNED): "handoff"},
        ),
    ],
)
def test_what_one_agent_alone_declined_is_found(facts: list[Fact], desks: dict[tuple[str, str], str]) -> None:
    assert desks_of([STARTED, *facts, DECLINED] if facts[0].event.id != "e-0" else [*facts, DECLINED]) == desks


def test_who_declines_after_accepting_gives_it_back() -> None:
    back = step(3, "handoff.declined", agent=BEN, reason="wrong team")
    facts = [STARTED, ASKED, BENS, back]
    assert conversation_of(facts)["handoff"]["open"]
    assert desks_of(facts) == {("queue", "q-billing"): "handoff"}
    assert conversation_of([*facts, AGAIN])["handoff"]["accepted_by"] == CARLA
    once_more = step(6, "handoff.accepted", agent=BEN)
    assert conversation_of([*facts, once_more])["handoff"]["accepted_by"] == BEN


def told(second: int, interaction: str, weight: str, type: str = "message.received", **data: Any) -> Fact:
    """Return an event of a chat whose customer says that it is Ana's address, or proves it."""
    who = [Identifier(kind="email", value="ana@example.com", weight=weight)]
    at = START + second * SECOND
    return a_fact(
        f"cx.{type}.v1", id=f"{interaction}-{second}", interaction=interaction, at=at, identifiers=who, data=data
    )


HERS = [
    told(0, "chat-1", "proved", direction="inbound", message={"id": "m-1", "text": "I was charged twice"}),
    told(1, "chat-1", "proved", "handoff.requested", queue=BILLING, handoff={"by": "bot"}, reason="refund"),
]
HIS = [
    told(60, "chat-2", "claimed", direction="inbound", message={"id": "m-2", "text": "Which address is on file?"}),
    told(61, "chat-2", "claimed", "handoff.requested", queue=BILLING, handoff={"by": "bot"}, reason="stranger"),
]


def test_a_strangers_request_hides_none_of_the_customers() -> None:
    for facts in permutations([*HERS, *HIS]):
        conversation = conversation_of(facts)
        first, (other,) = conversation["handoff"], conversation["other_handoffs"]
        assert (first["interaction"], first["level"], first["reason"]) == ("chat-1", "proved", "refund")
        assert (other["interaction"], other["level"], other["reason"]) == ("chat-2", "claimed", "stranger")


def test_an_acceptance_is_of_its_own_contacts_request() -> None:
    accepted = told(62, "chat-2", "claimed", "handoff.accepted", agent=BEN)
    conversation = conversation_of([*HERS, *HIS, accepted])
    assert (conversation["handoff"]["interaction"], conversation["handoff"]["open"]) == ("chat-1", True)
    assert conversation["other_handoffs"][0]["accepted_by"] == BEN
    hers = told(63, "chat-1", "proved", "handoff.accepted", agent=EVA)
    conversation = conversation_of([*HERS, *HIS, hers])
    assert (conversation["handoff"]["interaction"], conversation["handoff"]["open"]) == ("chat-2", True)
    assert conversation["other_handoffs"][0]["accepted_by"] == EVA


def test_a_resolve_of_one_contact_leaves_the_others_open() -> None:
    alone = told(62, "chat-2", "claimed", "conversation.resolved", conversation={"contact_only": True}, agent=BEN)
    for facts in permutations([*HERS, *HIS, alone]):
        conversation = conversation_of(facts)
        assert conversation["state"] == "open"
        assert (conversation["handoff"]["interaction"], conversation["handoff"]["open"]) == ("chat-1", True)
        assert not conversation["other_handoffs"][0]["open"]
    hers = told(63, "chat-1", "proved", "conversation.resolved", conversation={"contact_only": True}, agent=BEN)
    assert conversation_of([*HERS, *HIS, alone, hers])["state"] == "resolved"
    whole = told(63, "chat-1", "proved", "conversation.resolved", agent=BEN)
    assert conversation_of([*HERS, *HIS, whole])["state"] == "resolved"


def test_an_acceptance_elsewhere_is_of_the_request_before() -> None:
    call = [
        step(60, "interaction.started", "call-1", direction="inbound"),
        step(61, "handoff.accepted", "call-1", agent=BEN),
    ]
    assert conversation_of([STARTED, ASKED, *call])["handoff"]["accepted_by"] == BEN


def test_a_resolve_sets_the_disposition() -> None:
    resolved = step(2, "conversation.resolved", agent=BEN, disposition="refunded")
    assert conversation_of([STARTED, resolved])["disposition"] == "refunded"
    later = step(3, "conversation.disposition", agent=BEN, disposition="refund promised")
    assert conversation_of([STARTED, later, resolved])["disposition"] == "refund promised"
    bare = step(4, "conversation.resolved", agent=BEN)
    assert conversation_of([STARTED, later, resolved, bare])["disposition"] == "refund promised"
