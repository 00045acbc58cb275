"""The client's sending, without a network: what it asks, when it asks again, and what it tells of each event."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from cx_client.core.asking import Patience
from cx_client.core.batches import BatchLimits, encode_event, in_batches
from cx_client.core.errors import HubRefused, HubUnavailable, SendingRefused, SendingUnavailable
from cx_client.core.exchanges import Answer, NoAnswer, Operation, Pause, Request
from cx_client.core.reading import Context, ContextQuery, read_context
from cx_client.core.retries import FOR_EVER, Retry, retry_after_of
from cx_client.core.sending import send_event, send_events

T = TypeVar("T")
Reply = Answer | NoAnswer
PATIENCE = Patience(Retry(attempts=4, first=1.0, most=8.0, patience=100.0), lambda: 0.0)


@dataclass
class Driver:
    """Runs an operation; ``asked`` and ``pauses`` in order."""

    answer: Callable[[Request], Reply]
    asked: list[Request] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    def run(self, operation: Operation[T]) -> T:
        reply: Reply | None = None
        try:
            while True:
                step = operation.send(reply)
                if isinstance(step, Pause):
                    self.pauses.append(step.seconds)
                    reply = None
                else:
                    self.asked.append(step)
                    reply = self.answer(step)
        except StopIteration as end:
            result: T = end.value
            return result


def event(number: int, **more: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": f"e-{number}", "source": "//acme.example/shop", "type": "x", **more}


def problem(status: int, reason: str, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, json.dumps({"reason": reason, "detail": "in words"}).encode())


def take_all(request: Request) -> Answer:
    """Answer as a hub that accepts every event, but for those that say ``bad``."""
    events = json.loads(request.content or b"")
    rejected = [
        {"index": at, "reason": "bad", "detail": "it says so"} for at, each in enumerate(events) if each.get("bad")
    ]
    accepted = [{"source": each["source"], "id": each["id"]} for each in events if not each.get("bad")]
    status = 202 if accepted else 422
    return Answer(status, {}, json.dumps({"accepted": accepted, "rejected": rejected}).encode())


def after(*first: Reply) -> Callable[[Request], Reply]:
    """Answer with these, then as ``take_all``."""
    waiting: Iterator[Reply] = iter(first)
    return lambda request: next(waiting, None) or take_all(request)


def ids_of(request: Request) -> list[str]:
    return [each["id"] for each in json.loads(request.content or b"")]


def test_events_go_in_batches_and_order() -> None:
    driver = Driver(take_all)
    sent = driver.run(send_events([event(number) for number in range(250)], PATIENCE))
    assert [len(ids_of(request)) for request in driver.asked] == [100, 100, 50]
    assert [name.id for name in sent.accepted] == [f"e-{number}" for number in range(250)]


def test_batches_keep_within_bytes_and_large_events_go_alone() -> None:
    encoded = [encode_event(event(number, text="x" * size)) for number, size in enumerate((10, 10, 5_000, 10))]
    batches = list(in_batches(encoded, BatchLimits(events=10, bytes=1_000)))
    assert [len(batch) for batch in batches] == [2, 1, 1]


@pytest.mark.parametrize("reply", [problem(503, "try-later"), problem(429, "rate-limited"), NoAnswer("reset")])
def test_the_same_bytes_are_sent_again(reply: Reply) -> None:
    driver = Driver(after(reply, reply))
    sent = driver.run(send_events([event(1), event(2)], PATIENCE))
    assert len({request.content for request in driver.asked}) == 1
    assert (len(driver.asked), driver.pauses, len(sent.accepted)) == (3, [1.0, 2.0], 2)


def test_retry_after_is_waited_for() -> None:
    driver = Driver(after(problem(503, "try-later", retry_after="7")))
    driver.run(send_event(event(1), PATIENCE))
    assert driver.pauses == [7.0]


def test_a_date_in_retry_after_counts_from_the_answer() -> None:
    headers = {"retry-after": "Sun, 22 Nov 2026 10:00:30 GMT", "date": "Sun, 22 Nov 2026 10:00:00 GMT"}
    assert retry_after_of(headers) == 30.0
    assert retry_after_of({"retry-after": "soon"}) is None


def test_more_than_patience_is_not_waited_for() -> None:
    driver = Driver(after(problem(429, "rate-limited", retry_after="3600")))
    with pytest.raises(HubUnavailable) as caught:
        driver.run(send_event(event(1), PATIENCE))
    assert (caught.value.retry_after, caught.value.status, driver.pauses) == (3600, 429, [])


def test_pauses_grow_are_jittered_and_bounded() -> None:
    retry = Retry(attempts=None, first=1.0, most=8.0, patience=1000.0)
    assert [retry.pause(each, 0.0, None, lambda: 0.0) for each in range(1, 6)] == [1.0, 2.0, 4.0, 8.0, 8.0]
    assert retry.pause(3, 0.0, None, lambda: 1.0) == 2.0
    assert retry.pause(1, 0.0, 10.0, lambda: 1.0) == 11.0
    assert FOR_EVER.pause(100_000, 1e9, None, lambda: 0.0) == 30.0


def test_what_was_not_sent_is_in_the_error() -> None:
    def answer(request: Request) -> Answer:
        return take_all(request) if "e-0" in ids_of(request) else problem(503, "try-later")

    driver = Driver(answer)
    with pytest.raises(SendingUnavailable) as caught:
        driver.run(send_events([event(number) for number in range(150)], PATIENCE))
    remainder = caught.value.remainder
    assert len(remainder.sent.accepted) == 100
    assert [each["id"] for each in remainder.unsent] == [f"e-{number}" for number in range(100, 150)]
    assert len(driver.asked) == 5


def test_a_refused_key_leaves_all_events_unsent() -> None:
    driver = Driver(lambda _: problem(401, "bad-key"))
    with pytest.raises(SendingRefused) as caught:
        driver.run(send_events([event(1), event(2)], PATIENCE))
    assert (caught.value.reason, caught.value.status, len(caught.value.remainder.unsent)) == ("bad-key", 401, 2)
    assert len(driver.asked) == 1


def test_each_rejected_event_is_told_with_its_place() -> None:
    given = [event(0), event(1, bad=True), {"id": object()}, event(3)]
    sent = Driver(take_all).run(send_events(given, PATIENCE))
    assert [(one.index, one.reason) for one in sent.rejected] == [(1, "bad"), (2, "not-json")]
    assert sent.rejected[0].event == given[1]
    assert [name.id for name in sent.accepted] == ["e-0", "e-3"]


@pytest.mark.parametrize(("status", "reason"), [(413, "too-large"), (400, "json-depth")])
def test_one_event_that_spoils_a_batch_is_found(status: int, reason: str) -> None:
    def answer(request: Request) -> Answer:
        return problem(status, reason) if "e-37" in ids_of(request) else take_all(request)

    sent = Driver(answer).run(send_events([event(number) for number in range(90)], PATIENCE))
    assert [(one.index, one.event["id"], one.reason) for one in sent.rejected] == [(37, "e-37", reason)]
    assert [name.id for name in sent.accepted] == [f"e-{number}" for number in range(90) if number != 37]


def test_a_single_rejected_event_is_an_error() -> None:
    with pytest.raises(HubRefused) as caught:
        Driver(take_all).run(send_event(event(1, bad=True), PATIENCE))
    assert (caught.value.reason, caught.value.status) == ("bad", 422)


@pytest.mark.parametrize("content", [b"<html>", b"{}", b'{"accepted": [], "rejected": []}', b'{"accepted": 1}'])
def test_an_answer_that_names_no_outcome_is_no_success(content: bytes) -> None:
    with pytest.raises(SendingUnavailable) as caught:
        Driver(lambda _: Answer(200, {}, content)).run(send_events([event(1)], PATIENCE))
    assert (caught.value.reason, len(caught.value.remainder.unsent)) == ("not-a-hub", 1)


def test_a_redirect_names_where_the_hub_may_be() -> None:
    moved = Answer(308, {"location": "https://hub.example/v1/events"})
    with pytest.raises(SendingRefused, match=r"status-308: 308 to https://hub\.example"):
        Driver(lambda _: moved).run(send_events([event(1)], PATIENCE))


CONTEXT = {"meta": {"version": 7, "current_to": None}, "body": {"customer": {"id": "c-1"}}}


def told(status: int = 200, value: Mapping[str, Any] = CONTEXT, **headers: str) -> Answer:
    return Answer(status, headers, json.dumps(value).encode())


def test_an_identifier_is_asked_for_in_the_body() -> None:
    driver = Driver(lambda _: told(etag='"x"'))
    context = driver.run(read_context(ContextQuery(identifier="email:ana@example.com", wait="2s"), PATIENCE))
    (request,) = driver.asked
    assert (request.method, request.path, request.query) == ("POST", "/v1/context/lookup", (("wait", "2s"),))
    assert json.loads(request.content or b"") == {"identifier": "email:ana@example.com"}
    assert (context.customer, context.version, context.etag) == ("c-1", 7, '"x"')


def test_an_unchanged_context_is_the_known_one() -> None:
    known = Context(CONTEXT["meta"], CONTEXT["body"], '"x"')
    driver = Driver(lambda _: Answer(304, {}))
    assert driver.run(read_context(ContextQuery(customer="c-1"), PATIENCE, known)) is known
    assert driver.asked[0].headers["if-none-match"] == '"x"'


def test_a_wait_that_was_in_vain_is_not_repeated() -> None:
    driver = Driver(lambda _: problem(504, "not-yet"))
    with pytest.raises(HubUnavailable) as caught:
        driver.run(read_context(ContextQuery(customer="c-1", wait="2s"), PATIENCE))
    assert (caught.value.reason, len(driver.asked)) == ("not-yet", 1)


@pytest.mark.parametrize("named", [{}, {"customer": "c", "identifier": "email:a@b.c"}])
def test_a_query_names_one_customer(named: Mapping[str, Any]) -> None:
    with pytest.raises(ValueError, match="by one of"):
        ContextQuery(**named).request()


def test_ids_are_one_step_of_a_path() -> None:
    assert ContextQuery(customer="a/b?c").request().path == "/v1/customers/a%2Fb%3Fc/context"
