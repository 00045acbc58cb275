"""What a projector remembers of parts has a bound in bytes that holds for memory, whatever parts hold."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

from cx_context.fold import new_part
from cx_context.fold_faults import in_place
from cx_context.parts.model import Part
from cx_context.store.part_codec import decode_part, encode_part, lengths_of, unpack
from cx_events.testing.builders import SECOND, START, a_fact
from cx_projectors.cache import ProjectionCache

WORDS = "they write about orders, parcels, invoices and when something of it may come to whom"


def part_of(messages: int, words: int = 8, contact: int = 0) -> Part:
    """Return a chat's part."""
    part = None
    for number in range(messages):
        text = " ".join(WORDS.split()[word % 15] + str(number * word) for word in range(words))
        fact = a_fact(id=f"m-{contact}-{number}", interaction=f"chat-{contact}", text=text, at=START + number * SECOND)
        part = new_part(fact) if part is None else in_place(part, fact)
    assert part is not None
    return part


def keep(cache: ProjectionCache, part_id: bytes, part: Part, body: bytes) -> None:
    cache.parts[part_id] = part
    cache.measure([(part_id, body)])


def test_a_parts_length_is_known_without_unpacking() -> None:
    body = encode_part(part_of(3))
    assert lengths_of(body) == (len(unpack(body)),)


@pytest.mark.parametrize("messages", [1, 5, 30, 100])
@pytest.mark.parametrize("words", [8, 60])
def test_parts_take_no_more_memory_than_is_told(messages: int, words: int) -> None:
    bodies = [encode_part(part_of(messages, words, contact)) for contact in range(50)]
    cache = ProjectionCache()
    gc.collect()
    tracemalloc.start()
    for number, body in enumerate(bodies):
        keep(cache, number.to_bytes(16), decode_part(body), body)
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert 0.5 * cache.parts_bytes < taken < 1.1 * cache.parts_bytes


def test_a_changed_part_counts_once() -> None:
    cache = ProjectionCache()
    part = part_of(1)
    keep(cache, b"one", part, encode_part(part))
    first = cache.parts_bytes
    keep(cache, b"one", part, encode_part(part))
    assert cache.parts_bytes == first
    part = part_of(20)
    keep(cache, b"one", part, encode_part(part))
    assert cache.parts_bytes > first
    cache.clear()
    assert (cache.parts_bytes, cache.parts) == (0.0, {})


def test_parts_are_dropped_above_the_bound_after_a_batch() -> None:
    cache = ProjectionCache(most_bytes=100_000)
    part = part_of(10)
    body = encode_part(part)
    for number in range(100):
        keep(cache, number.to_bytes(16), part, body)
        cache.add({}, [])
        assert cache.parts_bytes <= 100_000
        assert len(cache.parts) < 20
