"""The client's streams and its backlog, without a network."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_client.core.asking import Patience
from cx_client.core.backlog import Backlog, QueueLimits
from cx_client.core.batches import encode_event
from cx_client.core.desks import Desk
from cx_client.core.errors import (
    HubRefused,
    HubUnavailable,
    NotDelivered,
    QueueFull,
    Remainder,
    SendingRefused,
    SendingUnavailable,
)
from cx_client.core.event_stream import Block, EventStreamReader
from cx_client.core.exchanges import Answer
from cx_client.core.following import Following, StreamEvent, refusal_in
from cx_client.core.outcomes import EventName, Rejected, Sent
from cx_client.core.reading import Context
from cx_client.core.retries import FOR_EVER, Retry
from cx_client.core.watching import ContextWatch

TEXT = (
    "\ufeff: hello\r\n\r\nretry: 700\nevent: context\nid: one\ndata: {\ndata: }\n\n"
    "data:x\rdata\r\r\nevent: lost\n\nid\ndata: ünïcode\n\nid: t\0wo\ndata:  two\n\nevent: cut\ndata: off\n"
)
BLOCKS = [
    Block("context", "one", "{\n}"),
    Block("message", "one", "x\n"),
    Block("message", "", "ünïcode"),
    Block("message", "", " two"),
]


@given(st.lists(st.integers(0, len(TEXT.encode()))))
def test_events_are_read_wherever_the_bytes_are_cut(cuts: list[int]) -> None:
    whole, reader, found = TEXT.encode(), EventStreamReader(), []
    places = [0, *sorted(cuts), len(whole)]
    for start, end in pairwise(places):
        found += reader.read(whole[start:end])
    assert found == BLOCKS
    assert (reader.last_id, reader.retry) == ("", 700)


def test_an_id_counts_once_its_event_is_whole() -> None:
    reader = EventStreamReader("before")
    reader.read(b"id: after\ndata: x\n")
    assert reader.last_id == "before"
    reader.read(b"\n")
    assert reader.last_id == "after"


def test_a_block_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cx_client.core.event_stream.MOST_BYTES", 1000)
    reader = EventStreamReader()
    with pytest.raises(ValueError, match="more than 1000 bytes"):
        for _ in range(100):
            reader.read(b"data: " + b"x" * 50 + b"\n")


STREAM = Answer(200, {"content-type": "text/event-stream; charset=utf-8"})


def following(**more: Any) -> Following:
    retry = more.pop("retry", FOR_EVER)
    return Following("/v1/customers/c/stream", (), Patience(retry, lambda: 0.0), **more)


def told(name: str, data: Any, id: str = "") -> bytes:
    return f"event: {name}\nid: {id}\ndata: {json.dumps(data)}\n\n".encode()


def problem(status: int, reason: str, **headers: str) -> Answer:
    return Answer(status, headers, json.dumps({"reason": reason, "detail": "in words"}).encode())


def test_the_next_connection_goes_on_after_the_last_event() -> None:
    stream = following(since=7)
    assert stream.request().query == (("from", "7"),)
    assert stream.begin(STREAM) is None
    (event,) = stream.heard(b"retry: 500\n" + told("context", {"n": 1}, "one") + b"event: context\nid: two\ndata: {")
    assert (event.name, event.data, event.id) == ("context", {"n": 1}, "one")
    assert stream.ended() == 0.25
    again = stream.request()
    assert (again.query, again.headers["last-event-id"]) == ((), "one")


def test_failures_are_waited_for_longer_until_something_is_heard() -> None:
    stream = following()
    assert [stream.ended("reset") for _ in range(3)] == [0.5, 1.0, 2.0]
    assert stream.begin(problem(503, "try-later", **{"retry-after": "9"})) == 9.0
    assert stream.troubled
    stream.begin(STREAM)
    stream.heard(b":\n\n")
    assert not stream.troubled
    assert stream.ended("reset") == 0.5


def test_streams_that_end_at_once_are_failures() -> None:
    stream, pauses = following(), []
    for _ in range(6):
        stream.begin(STREAM)
        pauses.append(stream.ended())
    assert pauses[-1] > 8 * pauses[0]


def test_patience_with_a_stream_may_end() -> None:
    stream = following(retry=Retry(attempts=2))
    stream.ended("reset")
    with pytest.raises(HubUnavailable, match="reset"):
        stream.ended("reset")


def test_a_restored_store_is_followed_from_its_state() -> None:
    stream = following(since=7)
    assert stream.begin(problem(409, "version-ahead")) == 0.0
    assert stream.request().query == ()


@pytest.mark.parametrize(("status", "reason"), [(401, "bad-key"), (404, "unknown-customer"), (403, "not-assured")])
def test_a_refused_stream_is_an_error(status: int, reason: str) -> None:
    with pytest.raises(HubRefused) as caught:
        following().begin(problem(status, reason))
    assert caught.value.reason == reason


def test_a_page_of_a_proxy_is_no_stream() -> None:
    stream = following()
    assert stream.begin(Answer(200, {"content-type": "text/html"})) == 0.5
    assert stream.troubled


def test_an_assurance_that_falls_is_an_error() -> None:
    refused = refusal_in(StreamEvent("refused", {"reason": "not-assured", "detail": "in words", "contact": {}}))
    assert refused is not None
    assert (refused.reason, refused.status) == ("not-assured", 403)


def state(version: int, customer: str = "c", **meta: Any) -> dict[str, Any]:
    return {"meta": {"version": version, **meta}, "body": {"customer": {"id": customer}}}


def test_a_context_that_was_read_is_not_told_twice() -> None:
    watch = ContextWatch(Context(**state(7)))
    events = [StreamEvent("context", state(7)), StreamEvent("moved", {}), StreamEvent("context", state(9))]
    events += [StreamEvent("context", state(9)), StreamEvent("context", state(9, "d"))]
    contexts = [watch.context_in(event) for event in events]
    assert [each and (each.version, each.customer) for each in contexts] == [None, None, (9, "c"), None, (9, "d")]


def test_a_desk_puts_away_what_is_live_no_more() -> None:
    desk = Desk()
    one, two = ({"interaction": f"chat-{number}", "customer": "c", "why": "offered"} for number in (1, 2))
    for event in (StreamEvent("assignment", one), StreamEvent("assignment", two)):
        desk.apply(event)
    assert not desk.is_complete
    desk.apply(StreamEvent("live", {"assignments": [two], "more": False}))
    assert (list(desk.assignments.values()), desk.is_complete) == ([two], True)
    desk.apply(StreamEvent("released", {"interaction": "chat-2", "customer": "c"}))
    assert desk.assignments == {}


def put(backlog: Backlog, *numbers: int) -> None:
    for number in numbers:
        backlog.put(encode_event({"id": f"e-{number}"}))


def accepted(*numbers: int) -> Sent:
    return Sent(tuple(EventName("s", f"e-{number}") for number in numbers))


def test_unsent_events_come_first_again() -> None:
    backlog = Backlog(QueueLimits())
    put(backlog, 1, 2, 3)
    batch = backlog.begin()
    put(backlog, 4)
    remainder = Remainder(accepted(1), tuple(each.event for each in batch[1:]))
    backlog.fail(SendingUnavailable(HubUnavailable("no-answer", "x"), remainder))
    assert (backlog.has_settled(1), backlog.has_settled(2)) == (True, False)
    assert [each.event["id"] for each in backlog.begin()] == ["e-2", "e-3", "e-4"]


@pytest.mark.parametrize("limits", [QueueLimits(events=2), QueueLimits(bytes=30)])
def test_a_full_queue_takes_nothing(limits: QueueLimits) -> None:
    backlog = Backlog(limits)
    put(backlog, 1, 2)
    with pytest.raises(QueueFull):
        put(backlog, 3)
    backlog.begin()
    with pytest.raises(QueueFull):
        put(backlog, 3)
    backlog.settle(accepted(1, 2))
    put(backlog, 3)
    assert [each.event["id"] for each in backlog.begin()] == ["e-3"]


def test_rejected_events_hold_their_room_until_taken() -> None:
    backlog = Backlog(QueueLimits(events=1))
    put(backlog, 1)
    (one,) = backlog.begin()
    backlog.settle(Sent((), (Rejected(0, one.event, "bad", "it says so"),)))
    with pytest.raises(QueueFull, match="1 of them rejected"):
        put(backlog, 2)
    assert [each.reason for each in backlog.take_rejected()] == ["bad"]
    put(backlog, 2)


def test_a_refused_key_stops_the_queue_keeping_its_events() -> None:
    backlog = Backlog(QueueLimits())
    put(backlog, 1, 2)
    events = tuple(each.event for each in backlog.begin())
    backlog.fail(SendingRefused(HubRefused("bad-key", "x", 401), Remainder(Sent(), events)))
    with pytest.raises(HubRefused, match="bad-key"):
        put(backlog, 3)
    left = backlog.end()
    assert isinstance(left, NotDelivered)
    assert [each["id"] for each in left.unsent] == ["e-1", "e-2"]


def test_events_under_way_at_the_end_are_unsent() -> None:
    backlog = Backlog(QueueLimits())
    put(backlog, 1)
    backlog.begin()
    put(backlog, 2)
    left = backlog.end()
    assert left is not None
    assert [each["id"] for each in left.unsent] == ["e-1", "e-2"]
    with pytest.raises(QueueFull, match="closed"):
        put(backlog, 3)
