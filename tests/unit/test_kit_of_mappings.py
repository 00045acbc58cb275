"""Test what all mappings share: ids, bounds, and what is read as a whole or apart."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.contract.provider_cases import readable_requests
from tests.examples import examples

from cx_channels.kit.drafts import sort_outcomes
from cx_channels.kit.ids import id_part, id_path
from cx_channels.kit.json_values import first_of
from cx_channels.kit.meta_envelope import WebhookItem, read_items
from cx_channels.kit.outcomes import MOST_OUTCOMES, Outcome, bounded
from cx_channels.provider import Ignored, Mapped, Unmapped
from cx_channels.registry import providers
from cx_events.envelope import Data, Draft
from cx_events.errors import Refused
from cx_events.strict_json import decode_written


@examples(100)
@given(st.lists(st.text(max_size=170), min_size=1, max_size=4))
@example(["a", "", "b"])
@example(["a" * 160, "b"])
@example(["a b", "c"])
@example(["é", "\n"])
def test_a_path_is_made_of_its_parts(parts: list[str]) -> None:
    assert id_path(*parts) == "/".join(id_part(each) for each in parts)


def test_the_first_member_that_says_something_counts() -> None:
    assert first_of({"a": None, "b": "", "c": [1], "d": 7, "e": "x"}, "z", "a", "b", "c", "d", "e") == "7"
    assert first_of({}, "a") == ""


DRAFT = Draft(type="cx.message.received.v1", id="1", data=Data())
IGNORED = Ignored("a", "b")
LOST = Unmapped("1", "c", b"")


@pytest.mark.parametrize("kind", [tuple, list, iter])
@pytest.mark.parametrize("outcomes", [[], [DRAFT], [IGNORED], [LOST], [LOST, DRAFT, IGNORED, DRAFT]])
def test_outcomes_are_sorted_by_kind(outcomes: list[Outcome], kind: type) -> None:
    assert sort_outcomes(kind(outcomes)) == Mapped(
        tuple(each for each in outcomes if isinstance(each, Draft)),
        tuple(each for each in outcomes if isinstance(each, Ignored)),
        tuple(each for each in outcomes if isinstance(each, Unmapped)),
    )


@pytest.mark.parametrize("kind", [tuple, list, iter])
def test_the_original_of_too_many_is_made_late(kind: type) -> None:
    def never() -> bytes:
        raise AssertionError("no need")

    lost = [Unmapped(str(number), "why", b"{}") for number in range(MOST_OUTCOMES + 1)]
    assert list(bounded(kind(lost[:-1]), "id", never)) == lost[:-1]
    assert list(bounded(kind([Ignored("a", "b"), *lost[:-1]]), "id", never))[1:] == lost[:-1]
    found = list(bounded(kind(lost), lambda: "whole", lambda: b"[]"))
    assert found[:-1] == lost[:-1]
    assert found[-1].id == "whole"
    assert found[-1].original == b"[]"


def _deliveries() -> Iterator[bytes]:
    for case, request in readable_requests(providers()["social/meta"]):
        try:
            yield decode_written(request.body)[1]
        except Refused:
            assert case.name


def test_a_delivery_is_the_same_whole_and_apart() -> None:
    whole = 0
    for body in _deliveries():
        found, apart = _read(body), _read(body + b" ")  # with a blank, it is taken apart
        assert found == apart
        whole += any(isinstance(each, WebhookItem) for each in found)
    assert whole > 50


def _read(body: bytes) -> list[object]:
    try:
        return list(read_items(body))
    except Refused as refused:
        return [refused.reason, refused.detail]
