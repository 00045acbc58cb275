"""Dead letters are alike whose texts differ in names alone."""

from __future__ import annotations

import pytest

from cx_context.store.dead_letters import Alike
from cx_events.facts import connection_source
from cx_ops.dead_letters.fingerprints import fingerprint, origin_of, pattern_of
from cx_ops.dead_letters.groups import grouped


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("field 17 is missing", "field 4 is missing"),
        ("there is no tenant 'acme'", "there is no tenant 'globex'"),
        ("ana@example.com is no address", "ben@example.org is no address"),
        ("call CA1f2e3d4c is unknown", "call CA99887766 is unknown"),
        ("bad id 1eed28c6-4f7f-8871-abb9-c2d9cb565c72", "bad id 00000000-4f7f-8871-abb9-c2d9cb565c72"),
    ],
)
def test_details_that_differ_in_names_are_alike(one: str, other: str) -> None:
    assert pattern_of(one) == pattern_of(other)


def test_details_that_differ_in_words_are_not_alike() -> None:
    assert pattern_of("a field is missing") != pattern_of("a field is too long")
    assert pattern_of("not folded: KeyError in note") != pattern_of("not folded: KeyError in topic")


def test_an_origin_is_the_connection_or_the_source() -> None:
    assert origin_of("acme", connection_source("acme", "acme-calls")) == "acme-calls"
    assert origin_of("acme", "//acme.example/chat") == "//acme.example/chat"
    assert origin_of("acme", "//acme.example/device-17") == origin_of("acme", "//acme.example/device-18")


def test_each_part_of_a_fingerprint_tells_groups_apart() -> None:
    same = ("acme", "//s", "fold", "unfoldable", "x")
    ids = {fingerprint(*same).id}
    for at in range(5):
        ids.add(fingerprint(*(f"{text} other" if number == at else text for number, text in enumerate(same))).id)
    assert len(ids) == 6


def test_a_group_tells_its_number_and_its_time() -> None:
    rows = [
        Alike("acme", "//s/1", "fold", "unfoldable", "line 4", 3, "2026-11-22T10:00:00Z", "2026-11-22T10:05:00Z"),
        Alike("acme", "//s/2", "fold", "unfoldable", "line 9", 4, "2026-11-22T09:00:00Z", "2026-11-22T10:01:00Z"),
        Alike("other", "//s/1", "fold", "unfoldable", "line 4", 1, "2026-11-22T08:00:00Z", "2026-11-22T08:00:00Z"),
    ]
    acme, other = grouped(rows, None)
    assert (acme.letters, acme.sources, acme.first, acme.last) == (7, 2, "2026-11-22T09:00:00Z", "2026-11-22T10:05:00Z")
    assert (acme.example, acme.state, acme.pattern) == ("line 9", "failed", "line …")
    assert (other.tenant, other.letters) == ("other", 1)
    assert acme.id != other.id
