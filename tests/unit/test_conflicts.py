"""The dead letter of copies in conflict says what was sent under an id that was used already."""

from __future__ import annotations

from itertools import permutations

from cx_events.dead_letters import CONFLICT, OTHER_CONTENT
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import SECOND, START, an_event, fact_of
from cx_events.timestamps import format_time
from cx_projectors.conflicts import letter_of


def sent(text: str, second: int = 0) -> StampedEvent:
    at = START + second * SECOND
    return an_event(id="m-1", email="ana@example.com", interaction="chat-1", text=text, recorded=at)


def copies(*stamped: StampedEvent) -> list[tuple[int, bytes]]:
    return [(fact_of(each).recorded, each.raw) for each in stamped]


def test_a_conflict_letter_keeps_the_other_copy_without_quoting() -> None:
    counting, other = sent("Where is it?"), sent("Cancel it.", 5)
    letter = letter_of(counting.raw, copies(other))
    assert letter is not None
    assert (letter.source, letter.id) == (counting.source, "m-1")
    assert (letter.stage, letter.reason) == (CONFLICT, OTHER_CONTENT)
    assert letter.content == other.raw
    assert letter.recorded == format_time(START + 5 * SECOND)
    assert letter.detail == "another event was sent under this id; it differs in data.message.text"


def test_a_redelivery_is_no_conflict() -> None:
    assert letter_of(sent("hi").raw, copies(sent("hi", 5), sent("hi"))) is None


def test_a_conflict_letter_keeps_the_copy_recorded_first() -> None:
    some = copies(sent("two", 9), sent("three", 4), sent("one", 7), sent("hi", 2))
    for order in permutations(some):
        letter = letter_of(sent("hi").raw, order)
        assert letter is not None
        assert letter.content == sent("three", 4).raw


def test_numbers_beyond_any_range_conflict_too() -> None:
    event = sent("hi")
    huge = event.raw.replace(b'"data":{', b'"data":{"raw":1e999,')
    letter = letter_of(event.raw, [(START, huge)])
    assert letter is not None
    assert letter.content == huge
