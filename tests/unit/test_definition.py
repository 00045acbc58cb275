"""The whole, from nothing: who there is and what their context says. Written as a contact center would tell it."""

from __future__ import annotations

from typing import Any

from cx_context.document import encode_body
from cx_context.reference_definition import define, define_bodies
from cx_events.envelope import Identifier
from cx_events.facts import Fact
from cx_events.ids import NodeId, text_of
from cx_events.testing.builders import ACME, DAY, HOUR, MINUTE, START, a_decision, a_fact, fact_of
from cx_identity.rules import DEFAULT

ANA = ACME.profile("email", "", "ana@example.com")
ANAS_PHONE = ACME.profile("phone", "", "+15550100123")
BEN = ACME.profile("email", "", "ben@example.com")
WINDOW = 72 * HOUR


def contexts(*facts: Fact) -> dict[NodeId, dict[str, Any]]:
    return define_bodies(facts, ACME, DEFAULT, WINDOW)


def customers(*facts: Fact) -> dict[NodeId, NodeId]:
    return dict(define(facts, ACME, DEFAULT).customer_of)


def chat(id: str = "m-1", **event: Any) -> Fact:
    return a_fact(id=id, interaction="chat-42", email="ana@example.com", text="I was charged twice", **event)


def login(at: int = START + HOUR) -> Fact:
    who = [Identifier(kind="phone", value="+15550100123"), Identifier(kind="email", value="ana@example.com")]
    return a_fact("cx.identity.verified.v1", id="login", identifiers=who, at=at, channel="web")


def ringing(at: int = START + 2 * HOUR) -> Fact:
    return a_fact(
        "cx.interaction.started.v1", id="r", interaction="call-7", phone="+15550100123", at=at, channel="voice"
    )


def recording(at: int = START + 3 * HOUR) -> Fact:
    return a_fact("cx.call.recording.v1", id="rec", interaction="call-7", at=at, channel="voice")


def merged(a: NodeId, b: NodeId, id: str = "merge", at: int = START + DAY) -> Fact:
    data = {"identity": {"a": text_of(a), "b": text_of(b)}, "reason": "same person"}
    return fact_of(a_decision("cx.identity.merged.v1", id=id, about=ACME.tenant_node(), at=at, data=data))


def unmerged(decision: Fact, at: int = START + 2 * DAY) -> Fact:
    named = f"{decision.event.source}#{decision.event.id}"
    data = {"identity": {"decision": named}, "reason": "two people"}
    return fact_of(a_decision("cx.identity.unmerged.v1", id="unmerge", about=ACME.tenant_node(), at=at, data=data))


def attributed(interaction: str, profile: NodeId, at: int = START + DAY) -> Fact:
    data = {"identity": {"interaction": interaction, "profile": text_of(profile)}, "reason": "she said so"}
    return fact_of(a_decision("cx.identity.attributed.v1", id="att", about=ACME.tenant_node(), at=at, data=data))


def test_a_login_joins_chat_and_call_to_one_customer() -> None:
    found = contexts(chat(), login(), ringing())
    assert list(found) == [ANA]
    body = found[ANA]
    assert [c["channels"] for c in body["conversations"]] == [["chat", "voice"]]
    assert body["counts"] == {
        "events": 3,
        "messages": 1,
        "interactions": 2,
        "conversations": 1,
        "by_channel": {"chat": 1, "voice": 1, "web": 1},
    }
    phone = next(i for i in body["customer"]["identifiers"] if i["kind"] == "phone")
    assert phone["joined"]["rule"] == "verified"
    assert phone["joined"]["evidence"] == "//acme.example/chat#login"


def test_a_callback_that_names_nobody_follows_the_caller() -> None:
    body = contexts(chat(), login(), ringing(), recording())[ANA]
    assert body["timeline"][0]["type"] == "cx.call.recording.v1"
    assert body["counts"]["interactions"] == 2


def test_a_callback_before_anyone_is_known_stands_alone() -> None:
    node = ACME.interaction("call-7")
    assert customers(recording()) == {node: node}
    assert contexts(recording())[node]["customer"]["display"] is None


def test_with_two_customers_a_calls_unnamed_events_stand_alone() -> None:
    ben = a_fact("cx.message.received.v1", id="b", interaction="call-7", email="ben@example.com", text="hi")
    node = ACME.interaction("call-7")
    assert customers(ringing(), ben, recording())[node] == node


def at_the_family_phone(id: str, email: str) -> Fact:
    return a_fact(id=id, interaction=f"chat-{id}", email=email, phone="+15550100123", text="Hello")


def proved_in_the_call(id: str, email: str) -> Fact:
    return a_fact("cx.identity.verified.v1", id=id, interaction="call-7", email=email, verified=True, channel="voice")


def test_unnamed_events_join_the_person_named_beside_shared_telephones() -> None:
    family = [at_the_family_phone("a", "ana@example.com"), at_the_family_phone("b", "ben@example.com")]
    node = recording().stream_id
    assert customers(*family, ringing(), recording())[node] == ANAS_PHONE
    assert customers(*family, ringing(), proved_in_the_call("v", "ana@example.com"), recording())[node] == ANA
    several = [proved_in_the_call("v", "ana@example.com"), proved_in_the_call("w", "ben@example.com")]
    assert customers(*family, ringing(), *several, recording())[node] == node


def interactions(*facts: Fact) -> dict[NodeId, int]:
    return {customer: body["counts"]["interactions"] for customer, body in contexts(*facts).items()}


def test_a_shared_telephones_call_belongs_to_the_named_person() -> None:
    family = [at_the_family_phone("a", "ana@example.com"), at_the_family_phone("b", "ben@example.com")]
    assert interactions(*family, ringing()) == {ANA: 1, BEN: 1, ANAS_PHONE: 1}
    proved = proved_in_the_call("v", "ana@example.com")
    assert interactions(*family, ringing(), proved) == {ANA: 2, BEN: 1, ANAS_PHONE: 0}
    told = {entry["event"]["id"] for entry in contexts(*family, ringing(), proved)[ANA]["timeline"]}
    assert told == {"a", "r", "v"}, "the call from its first ring, not only the proof"
    several = [proved, proved_in_the_call("w", "ben@example.com")]
    assert interactions(*family, ringing(), *several) == {ANA: 2, BEN: 2, ANAS_PHONE: 1}, "nobody can tell whose it is"


def test_a_shared_telephones_call_follows_its_attribution() -> None:
    family = [at_the_family_phone("a", "ana@example.com"), at_the_family_phone("b", "ben@example.com")]
    his = attributed("call-7", BEN)
    for facts in ([*family, ringing(), his], [his, ringing(), *family]):
        assert interactions(*facts) == {ANA: 1, BEN: 2, ANAS_PHONE: 0}
    later = a_fact("cx.interaction.started.v1", id="r2", interaction="call-8", phone="+15550100123", channel="voice")
    assert interactions(*family, ringing(), later, his)[ANAS_PHONE] == 1, "that call alone, not the telephone"
    assert interactions(*family, ringing(), his, unmerged(his)) == interactions(*family, ringing())
    assert interactions(chat(), ringing(), his)[ANAS_PHONE] == 1, "a telephone of one person's is that person"


def test_two_names_of_one_person_leave_one_owner() -> None:
    ana = a_fact("cx.message.received.v1", id="b", interaction="call-7", email="ana@example.com", text="hi")
    assert customers(login(), ringing(), ana, recording())[ACME.interaction("call-7")] == customers(login())[ANA]


def test_an_attribution_outranks_the_events() -> None:
    found = customers(chat(), ringing(), recording(), attributed("call-7", ANA))
    assert found[ACME.interaction("call-7")] == ANA
    assert found[ANAS_PHONE] == ANAS_PHONE


def test_an_unmerge_leaves_no_trace_of_the_merge() -> None:
    ben = a_fact(id="b", interaction="mail-1", email="ben@example.com", text="hello", channel="email")
    merge = merged(ANA, BEN)
    assert customers(chat(), ben, merge)[BEN] == customers(chat(), ben, merge)[ANA]
    assert contexts(chat(), ben, merge, unmerged(merge)) == contexts(chat(), ben)


def test_a_resolved_conversation_opens_again_when_the_customer_writes() -> None:
    resolved = a_fact(
        "cx.conversation.resolved.v1", id="done", interaction="chat-42", email="ana@example.com", at=START + HOUR
    )
    assert contexts(chat(), resolved)[ANA]["conversations"][0]["state"] == "resolved"
    again = chat("m-2", at=START + 2 * HOUR)
    assert contexts(chat(), resolved, again)[ANA]["conversations"][0]["state"] == "open"


def test_waiting_since_is_the_first_unanswered_message() -> None:
    answer = a_fact("cx.message.sent.v1", id="a-1", interaction="chat-42", role="agent", text="One moment",
                    at=START + MINUTE, data={"agent": {"id": "agent-1", "name": "Eva"}})  # fmt: skip
    first, second = chat("m-2", at=START + 2 * MINUTE), chat("m-3", at=START + 3 * MINUTE)
    body = contexts(chat(), answer, first, second)[ANA]
    assert body["now"]["waiting_since"] == "2026-11-22T10:02:00Z"
    assert body["last_agent"]["name"] == "Eva"
    assert [m["role"] for m in body["conversations"][0]["messages"]] == ["customer", "customer", "agent", "customer"]


def test_of_several_copies_the_earliest_recorded_counts() -> None:
    late = a_fact(id="m-1", interaction="chat-42", email="ana@example.com", text="second", recorded=START + 9)
    early = a_fact(id="m-1", interaction="chat-42", email="ana@example.com", text="first", recorded=START + 3)
    for copies in ((late, early), (early, late), (late, early, late)):
        body = contexts(*copies)[ANA]
        assert body["counts"]["events"] == 1
        assert body["timeline"][0]["text"] == "first"


def test_a_fast_clock_does_not_move_history() -> None:
    fast = chat("fast", at=START + 10 * DAY, recorded=START)
    assert contexts(fast)[ANA]["timeline"][0]["time"] == "2026-11-22T10:00:00Z"


def test_a_bots_trail_and_slots_are_shown() -> None:
    turn = a_fact("cx.bot.turn.v1", id="t", interaction="chat-42", role="bot", at=START + MINUTE, data={
        "bot": {"intent": "refund", "text": "Which order?", "slots": {"order": "4711"}}})  # fmt: skip
    bot = contexts(chat(), turn)[ANA]["conversations"][0]["bot"]
    assert bot["slots"] == {"order": "4711"}
    assert bot["trail"][0]["intent"] == "refund"


def test_an_edited_message_shows_new_text_and_deleted_none() -> None:
    edited = a_fact("cx.message.edited.v1", id="e", interaction="chat-42", email="ana@example.com",
                    at=START + MINUTE, data={"message": {"id": "m-1", "text": "charged once"}})  # fmt: skip
    deleted = a_fact("cx.message.deleted.v1", id="d", interaction="chat-42", email="ana@example.com",
                     at=START + HOUR, data={"message": {"id": "m-1"}})  # fmt: skip
    assert contexts(chat(), edited)[ANA]["conversations"][0]["messages"][0]["text"] == "charged once"
    assert contexts(chat(), edited, deleted)[ANA]["conversations"][0]["messages"][0]["text"] == "(deleted)"


def test_equal_facts_give_equal_bytes() -> None:
    facts = [chat(), login(), ringing(), recording()]
    one, other = contexts(*facts), contexts(*reversed(facts))
    assert {c: encode_body(b) for c, b in one.items()} == {c: encode_body(b) for c, b in other.items()}


def test_an_agent_shown_the_context_is_not_the_last() -> None:
    def by(agent: str, type: str, at: int) -> Fact:
        return a_fact(
            type, id=agent, interaction="chat-42", email="ana@example.com", at=at, data={"agent": {"id": agent}}
        )

    answered = by("agent-1", "cx.interaction.answered.v1", START + MINUTE)
    shown = by("agent-2", "cx.handoff.context_shown.v1", START + HOUR)
    body = contexts(chat(), answered, shown)[ANA]
    assert body["last_agent"]["id"] == "agent-1"
    assert body["conversations"][0]["agent"]["id"] == "agent-1"


def test_nobody_waits_in_a_conversation_that_is_resolved() -> None:
    resolved = a_fact(
        "cx.conversation.resolved.v1", id="done", interaction="chat-42", email="ana@example.com", at=START + HOUR
    )
    body = contexts(chat(), resolved)[ANA]
    assert body["now"]["interaction"] == "chat-42"
    assert body["now"]["waiting_since"] is None
