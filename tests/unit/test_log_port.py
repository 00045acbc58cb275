"""Test where partitions go on after some records were read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cx_events.log import DEAD_LETTERS, INTERACTIONS, LogRecord, Partition, ends_of

PLACES = st.lists(st.tuples(st.sampled_from([INTERACTIONS, DEAD_LETTERS]), st.integers(0, 2)), max_size=12)


@given(PLACES)
def test_each_partition_goes_on_behind_its_last_record(places: list[tuple[str, int]]) -> None:
    records = [LogRecord(topic, number, at, b"key", b"value", 0) for at, (topic, number) in enumerate(places)]
    assert ends_of(records) == {Partition(topic, number): at + 1 for at, (topic, number) in enumerate(places)}
