"""Endless threads are threaded by stretches: runs of activity without a gap longer than the window."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from tests.projection import RULES

from cx_context.reference_definition import define, define_bodies
from cx_context.routing_targets import RoutingTarget, SideState, routing_targets
from cx_events.facts import Fact
from cx_events.ids import text_of
from cx_events.testing.builders import ACME, DAY, HOUR, MINUTE, START, a_fact

WINDOW = 72 * HOUR
YEAR_AGO, NOW = START - 365 * DAY, START


def body_of(*facts: Fact, window: int = WINDOW) -> dict[str, Any]:
    (body,) = define_bodies(facts, ACME, RULES, window).values()
    return body


def conversations(*facts: Fact, window: int = WINDOW) -> list[dict[str, Any]]:
    """Ana's conversations in order of their start."""
    found: list[dict[str, Any]] = body_of(*facts, window=window)["conversations"]
    return sorted(found, key=lambda each: (each["opened_at"], each["id"]))


def members(*facts: Fact) -> list[list[str]]:
    return [[joined["interaction"] for joined in each["joined"]] for each in conversations(*facts)]


def wrote(at: int, *, id: str = "", interaction: str = "dm", channel: str = "social", **fields: Any) -> Fact:
    id = id or f"{interaction}-{at}"
    email = fields.pop("email", "ana@example.com")
    return a_fact(id=id, interaction=interaction, channel=channel, email=email, text=id, at=at, **fields)


def decided(what: str, about: Fact, at: int, **data: Any) -> Fact:
    data = {"conversation": {"id": text_of(about.part_id)}, **data}
    name = about.event.data.interaction
    type = f"cx.conversation.{what}.v1"
    return a_fact(type, id=f"{what}-{at}", interaction=name, email="ana@example.com", at=at, data=data)


CHAT = wrote(NOW, interaction="chat", channel="chat")
FIRST = wrote(YEAR_AGO)
DM = wrote(NOW + 12 * MINUTE)
LATER = {
    "nothing": (),
    "a message later": (wrote(NOW + 2 * DAY),),
    "a message much later": (wrote(NOW + 20 * DAY),),
    "late messages that lie between": tuple(
        wrote(YEAR_AGO + day * DAY, recorded=NOW + DAY) for day in range(3, 100, 3)
    ),
    "the chat resolved": (decided("resolved", CHAT, NOW + HOUR),),
    "the first stretch resolved": (decided("resolved", FIRST, NOW + HOUR),),
    "the second stretch resolved": (decided("resolved", DM, NOW + HOUR),),
    "a topic of the first stretch": (decided("topic", FIRST, NOW + HOUR, topic="billing"),),
    "an agent's answer": (wrote(NOW + HOUR, role="agent"),),
}


@pytest.mark.parametrize("later", LATER)
@pytest.mark.parametrize("channel", ["social", "sms"])
def test_a_message_in_an_old_thread_continues_a_chat(later: str, channel: str) -> None:
    first = wrote(YEAR_AGO, channel=channel)
    message = wrote(NOW + 12 * MINUTE, channel=channel)
    assert ["chat", "dm"] in [found[:2] for found in members(first, CHAT, message, *LATER[later])]


def test_each_stretch_has_its_own_start_and_state() -> None:
    resolved = decided("resolved", FIRST, NOW + HOUR)
    old, new = conversations(FIRST, wrote(NOW), resolved)
    assert (old["state"], old["waiting_since"], old["opened_at"][:10]) == ("resolved", None, "2025-11-22")
    assert (new["state"], new["waiting_since"], new["opened_at"][:10]) == ("open", "2026-11-22T10:00:00Z", "2026-11-22")
    body = body_of(FIRST, wrote(NOW), resolved)
    assert body["counts"]["interactions"] == 1
    assert body["counts"]["conversations"] == 2
    assert body["now"]["waiting_since"] == "2026-11-22T10:00:00Z"


def test_a_gap_equal_to_the_window_splits_nothing() -> None:
    assert len(conversations(FIRST, wrote(YEAR_AGO + WINDOW))) == 1
    assert len(conversations(FIRST, wrote(YEAR_AGO + WINDOW + 1_000_000))) == 2


def test_no_stretch_begins_within_an_hour() -> None:
    assert len(conversations(FIRST, wrote(YEAR_AGO + HOUR), window=MINUTE)) == 1


@pytest.mark.parametrize(
    ("type", "channel"),
    [
        ("cx.social.post.v1", "social"),
        ("cx.social.comment.v1", "social"),
        ("cx.message.received.v1", "email"),
        ("cx.message.received.v1", "chat"),
        ("cx.interaction.started.v1", "voice"),
    ],
)
def test_all_other_interactions_join_whole(type: str, channel: str) -> None:
    some = [
        a_fact(type, id=str(at), interaction="x", channel=channel, email="ana@example.com", text="x", at=at)
        for at in (YEAR_AGO, NOW)
    ]
    assert len(conversations(*some)) == 1


def test_a_late_message_closing_a_gap_keeps_both_ids() -> None:
    second = wrote(YEAR_AGO + 5 * DAY)
    between = wrote(YEAR_AGO + 2 * DAY + 12 * HOUR, recorded=NOW)
    before = conversations(FIRST, second)
    (after,) = conversations(FIRST, second, between)
    assert {each["id"] for each in before} == {text_of(FIRST.part_id), text_of(second.part_id)}
    assert after["id"] == text_of(FIRST.part_id)
    assert after["aliases"] == [text_of(second.part_id)]


def test_part_ids_of_later_hours_are_not_shown() -> None:
    (found,) = conversations(*(wrote(NOW + n * HOUR) for n in range(30)))
    assert found["aliases"] == []


def test_a_decision_goes_to_its_stretch_or_the_latest() -> None:
    named = decided("note", FIRST, NOW + HOUR, note="named")
    unnamed = decided("note", FIRST, NOW + 2 * HOUR, note="unnamed", conversation={})
    early = decided("note", FIRST, YEAR_AGO - HOUR, note="early", conversation={})
    old, new = conversations(FIRST, wrote(NOW), named, unnamed, early)
    assert [note["text"] for note in old["notes"]] == ["named", "early"]
    assert [note["text"] for note in new["notes"]] == ["unnamed"]


def test_an_insight_stays_with_the_stretch_before_it() -> None:
    insight = {"insight": {"producer": "m", "version": "1", "topic": "billing"}}
    found = a_fact("cx.insight.found.v1", id="i", interaction="dm", email="ana@example.com", at=NOW, data=insight)
    old, new = conversations(FIRST, found, wrote(NOW + 30 * MINUTE))
    assert (old["topic"], new["topic"]) == ("billing", None)


def test_edits_and_deletions_apply_where_the_message_is() -> None:
    def changed(what: str, id: str, at: int) -> Fact:
        data = {"message": {"id": id, "text": "corrected"}}
        type = f"cx.message.{what}.v1"
        return a_fact(type, id=what, interaction="dm", channel="social", email="ana@example.com", at=at, data=data)

    other = wrote(YEAR_AGO + MINUTE)
    edited = changed("edited", FIRST.event.id, NOW + HOUR)
    deleted = changed("deleted", other.event.id, NOW + HOUR)
    old, new = conversations(FIRST, other, wrote(NOW), edited, deleted)
    assert [message["text"] for message in old["messages"]] == ["(deleted)", "corrected"]
    assert [message["text"] for message in new["messages"]] == [f"dm-{NOW}"]


def test_a_thread_id_on_every_message_joins_nothing() -> None:
    data = {"references": [{"kind": "thread", "value": "t-1"}]}
    first, second = wrote(YEAR_AGO, data=data), wrote(NOW, data=data)
    assert members(first, second) == [["dm"], ["dm"]]
    mail = wrote(NOW + 10 * DAY, interaction="mail", channel="email", data=data)
    assert members(first, second, mail) == [["dm"], ["dm", "mail"]]


def test_a_reference_to_the_thread_means_its_latest_stretch() -> None:
    call = wrote(
        NOW + 10 * DAY,
        interaction="call",
        channel="voice",
        data={"references": [{"kind": "interaction", "value": "dm"}]},
    )
    later = wrote(NOW + 100 * DAY)
    assert members(FIRST, DM, call, later) == [["dm"], ["dm", "call"], ["dm"]]


def test_quoting_a_message_joins_its_older_stretch() -> None:
    message = {"id": "q", "text": "as I said", "in_reply_to": FIRST.event.id}
    assert members(FIRST, wrote(NOW, data={"message": message})) == [["dm", "dm"]]


def test_an_order_number_joins_stretches() -> None:
    data = {"references": [{"kind": "order", "value": "4711"}]}
    assert members(wrote(YEAR_AGO, data=data), wrote(NOW, data=data)) == [["dm", "dm"]]


def test_everything_before_the_first_message_is_one_contact() -> None:
    posts = [
        a_fact("cx.social.post.v1", id=str(at), interaction="x", channel="social", email="ana@example.com", at=at)
        for at in (YEAR_AGO, YEAR_AGO + 30 * DAY)
    ]
    assert members(*posts, wrote(NOW, interaction="x")) == [["x"], ["x"]]


@pytest.mark.parametrize(("resolved", "stays"), [(FIRST, True), (DM, False)])
def test_a_thread_with_a_resolved_stretch_keeps_its_targets(resolved: Fact, stays: bool) -> None:
    queued = wrote(NOW + 12 * MINUTE, id="q", data={"queue": {"id": "billing", "name": "Billing"}})
    facts = (FIRST, queued, decided("resolved", resolved, NOW + HOUR))
    (known,) = define(facts, ACME, RULES).known.values()
    assert (RoutingTarget("queue", "billing") in routing_targets(SideState.of(known.parts))) == stays


def test_arrival_order_changes_nothing() -> None:
    facts = (FIRST, CHAT, DM, wrote(NOW + 20 * DAY), decided("resolved", DM, NOW + HOUR), LATER["a message later"][0])
    found = [body_of(*some) for some in permutations(facts)]
    assert all(each == found[0] for each in found)
