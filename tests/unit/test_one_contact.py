"""A call of which two systems tell, and a thread of mails by two connections, are one contact."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from tests.mail_doors import WrittenMail, fact_of, through
from tests.projection import RULES, WINDOW

from cx_context.document import Document
from cx_context.listing.conversations import listed_conversations
from cx_context.reference_definition import define, define_bodies
from cx_events.facts import Fact
from cx_events.ids import text_of
from cx_events.testing.builders import ACME, HOUR, MINUTE, SECOND, START, a_fact

TWILIO, GENESYS = "acme-voice/CA1", "acme-genesys/g-1"


def body(*facts: Fact) -> Any:
    (found,) = define_bodies(facts, ACME, RULES, WINDOW).values()
    return found


def call(what: str, interaction: str, second: int, *same: str, kind: str = "same-call", **data: Any) -> Fact:
    return a_fact(
        f"cx.interaction.{what}.v1",
        id=f"{interaction}/{what}",
        interaction=interaction,
        channel="voice",
        phone="+15550100123",
        at=START + second * SECOND,
        data={"references": [{"kind": kind, "value": value} for value in same], **data},
    )


def by_two(*same: str, kind: str = "same-call") -> list[Fact]:
    """Twilio tells of the call's begin and end; Genesys, which it comes to, of queue and agent."""
    return [
        call("started", TWILIO, 0),
        call("started", GENESYS, 2, *same, kind=kind),
        call("queued", GENESYS, 3, queue={"id": "billing"}),
        call("answered", GENESYS, 60, agent={"id": "ben"}),
        call("ended", TWILIO, 300),
    ]


def test_a_named_call_is_one_contact() -> None:
    for same in ("CA1", TWILIO):
        found = body(*by_two(same))
        assert (found["counts"]["interactions"], found["counts"]["conversations"]) == (1, 1)
        assert found["now"] is None  # it ended, though Genesys has not said so
        assert found["unresolved"] == []
        (conversation,) = found["conversations"]
        assert conversation["waiting_since"] is None
        assert {each["interaction"] for each in conversation["joined"]} == {TWILIO, GENESYS}


def test_whoever_names_the_other_it_is_the_same() -> None:
    facts = [call("started", TWILIO, 0, "g-1"), *by_two()[1:]]
    assert body(*facts)["counts"]["interactions"] == 1


def test_both_may_name_a_third_id() -> None:
    """As the Call-ID of SIP, which either system writes down."""
    facts = [call("started", TWILIO, 0, "sip:abc@192.0.2.1"), call("started", GENESYS, 2, "sip:abc@192.0.2.1")]
    assert body(*facts)["counts"]["interactions"] == 1


def test_while_it_goes_on_either_systems_word_counts() -> None:
    waiting = body(*by_two("CA1")[:3])["now"]
    assert waiting["waiting_since"] == "2026-11-22T10:00:00Z"  # since it rang, as the first of both systems says
    answered = body(*by_two("CA1")[:4])["now"]
    assert answered["waiting_since"] is None
    assert answered["agent"]["id"] == "ben"
    assert body(*by_two("CA1")[:4])["unresolved"] == []


def test_a_leg_that_ended_does_not_hide_its_call() -> None:
    """Twilio dials one agent after another by SIP; each attempt is a call of the PBX, and all are one contact."""
    facts = [
        call("started", TWILIO, 0, "CA2", "CA3"),
        call("started", "acme-pbx/1", 5, "CA2"),
        call("ended", "acme-pbx/1", 20),
        call("started", "acme-pbx/2", 21, "CA3"),
    ]
    assert body(*facts)["counts"]["interactions"] == 1
    assert body(*facts)["now"]["waiting_since"] is not None
    assert body(*facts, call("ended", TWILIO, 300))["now"] is None


def test_legs_stay_contacts_of_their_own() -> None:
    found = body(*by_two("CA1", kind="call"))
    assert (found["counts"]["interactions"], found["counts"]["conversations"]) == (2, 1)
    assert found["now"]["interaction"] == GENESYS


def test_other_calls_of_a_customer_stay_apart() -> None:
    later = call("started", "acme-voice/CA2", 600)
    assert body(*by_two("CA1"), later)["counts"]["interactions"] == 2


def test_the_order_of_facts_does_not_matter() -> None:
    once = body(*by_two("CA1"))
    assert all(body(*order) == once for order in permutations(by_two("CA1")))


def test_a_persons_split_keeps_them_apart() -> None:
    facts = by_two("CA1")
    split = a_fact(
        "cx.conversation.split.v1",
        id="split",
        interaction=GENESYS,
        phone="+15550100123",
        at=START + HOUR,
        data={"conversation": {"id": text_of(facts[1].part_id)}},
    )
    assert body(*facts, split)["counts"] | {"events": 0} == {
        **body(*facts)["counts"], "events": 0, "interactions": 2, "conversations": 2
    }  # fmt: skip


def test_a_proof_stays_where_it_was_given() -> None:
    """Whoever places a call chooses its SIP headers, and so the call that it names."""
    proved = a_fact(
        "cx.identity.verified.v1", id="code", interaction=TWILIO, channel="voice", phone="+15550100123",
        verified=True, at=START + SECOND, data={"evidence": "one-time-code"},
    )  # fmt: skip
    facts = [call("started", TWILIO, 0), proved, call("started", GENESYS, 2, "CA1")]
    (conversation,) = body(*facts)["conversations"]
    levels = {each["interaction"]: each["level"] for each in conversation["joined"]}
    assert levels[TWILIO] == "proved"
    assert levels[GENESYS] != "proved"


def test_a_thread_by_two_connections_is_one_contact() -> None:
    first = through("imap", WrittenMail(), START + MINUTE)
    answer = WrittenMail(id="m-2@example.com", answers="m-1@example.com", date="Sun, 22 Nov 2026 11:00:00 +0000")
    second = through("postmark", answer, START + HOUR + MINUTE)
    other = through("smtp", WrittenMail(id="m-3@example.com"), START + MINUTE)
    counts = body(*(fact_of(each) for each in (first, second, other)))["counts"]
    assert (counts["messages"], counts["interactions"]) == (3, 2)


def test_lists_know_no_wait_that_was_answered() -> None:
    facts = by_two("CA1")[:4]
    (known,) = define(facts, ACME, RULES).known.values()
    (listed,) = listed_conversations(Document(known, WINDOW))
    assert listed.waiting is None
    assert listed.waits == ()


def declared(what: str, name: str, second: int, *values: str) -> Fact:
    return call(what, name, second, *(f"declared/60/trunk/{value}" for value in values))


def test_a_correlation_joins_calls_within_its_window() -> None:
    early, late = declared("started", TWILIO, 0, "a"), declared("started", GENESYS, 60, "a")
    assert body(early, late)["counts"]["interactions"] == 1
    assert body(early, declared("started", GENESYS, 61, "a"))["counts"]["interactions"] == 2
    assert body(early, declared("started", GENESYS, 60, "b"))["counts"]["interactions"] == 2


def test_a_correlation_joins_no_two_calls_of_one_system() -> None:
    again = declared("started", "acme-voice/CA2", 30, "a")
    first, second = declared("started", TWILIO, 0, "a"), declared("started", GENESYS, 40, "a")
    assert body(first, again)["counts"]["interactions"] == 2
    found = body(first, again, second)  # the latest before it
    assert found["counts"]["interactions"] == 2
    assert all(body(*order) == found for order in permutations([first, again, second]))
