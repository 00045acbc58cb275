"""Characters that nobody sees are no part of an identifier, whether it comes in or is asked for."""

from __future__ import annotations

import unicodedata
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_context_api.requests.targets import by_identifier, read_identifier
from cx_events.codec import decode
from cx_events.envelope import Data, Draft, Identifier, Participant
from cx_events.identifiers import normalise
from cx_events.invisible_characters import _SEEN, strip_invisible
from cx_events.stamp import stamp
from cx_events.testing.builders import ACME, START

UNSEEN = [
    *"\u034f\u115f\u1160\u3164\uffa0\u17b4\u17b5\u180b\u180f\ufe00\ufe0f\U0001bca0\U0001d173\U000e0001\U000e0100\U000e01ef",
    *"\ufffc\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\u00ad\u2060\u061c",
]
BLANKS = [*"\u2800\u00a0\u202f\u205f\u3000\u1680", *map(chr, range(0x2000, 0x200B))]
VALUES = {
    "phone": "+15550100133",
    "email": "ana@example.com",
    "account": "acc-7",
    "crm": "C-1001",
    "cookie": "c0ffee",
    "facebook-psid": "7001",
    "telegram": "4711",
}


def with_all(value: str, letters: list[str]) -> str:
    """Before, after and between all letters."""
    joint = "".join(letters)
    return joint + joint.join(value) + joint


@pytest.mark.parametrize("kind", VALUES)
def test_invisible_characters_are_removed_from_identifiers(kind: str) -> None:
    value = VALUES[kind]
    given = with_all(value, UNSEEN)
    found = normalise(Identifier(kind=kind, value=given))
    assert (found.kind, found.value, found.unusable, found.given) == (kind, value, "", given)
    assert by_identifier(*read_identifier(f"{kind}:{given}"), "", ACME, ()) == by_identifier(kind, value, "", ACME, ())


@pytest.mark.parametrize("blank", BLANKS)
def test_a_blank_of_any_width_is_a_blank(blank: str) -> None:
    for kind, value in VALUES.items():
        assert normalise(Identifier(kind=kind, value=f"{blank}{value}{blank}")).value == value
    assert normalise(Identifier(kind="phone", value=f"+1{blank}555{blank}010{blank}0133")).value == "+15550100133"
    assert normalise(Identifier(kind="account", value=f"A{blank}12")).value == "A 12"


def test_a_number_copied_from_a_table_is_a_number() -> None:
    assert normalise(Identifier(kind="phone", value="\t+1\t555 010\t0133\r\n")).value == "+15550100133"
    assert normalise(Identifier(kind="account", value="A\t12")).unusable == "invalid"


def test_kind_and_scope_are_cleaned_too() -> None:
    found = normalise(Identifier(kind="\u202aEmail\u202c", value="ana@example.com", scope="\u200bpage-1\u00a0"))
    assert (found.kind, found.scope, found.unusable) == ("email", "page-1", "")


@pytest.mark.parametrize("weight", ["proved", "asserted"])
def test_a_weight_for_invisible_letters_covers_no_other_name(
    weight: Literal["proved", "asserted"],
) -> None:
    def stamped(kind: str, value: str) -> Identifier:
        data = Data(
            participants=[Participant(role="customer", identifiers=[Identifier(kind=kind, value=value, weight=weight)])]
        )
        draft = Draft(type="cx.message.received.v1", id="1", data=data)
        return decode(stamp(draft, source="//s", recorded=START, ids=ACME).raw).data.participants[0].identifiers[0]

    for kind, value in (("account", "ana\u200b"), ("email", "ana\u200b@example.com"), ("telegram", "47\u206011")):
        assert stamped(kind, value).weight == "claimed"
        assert stamped(kind, value).value == value.translate({0x200B: None, 0x2060: None})
        assert stamped(kind, f" {stamped(kind, value).value} ").weight == weight
    assert stamped("phone", "\u202a+15550100133\u202c").weight == weight


def test_an_invisible_value_is_invalid() -> None:
    assert normalise(Identifier(kind="account", value="\u200b\u00a0\u2060")).unusable == "invalid"


@given(st.text(st.sampled_from([*UNSEEN, *BLANKS, *"ab1+@. é漢👍"]), max_size=20))
def test_visible_characters_stay(text: str) -> None:
    found = strip_invisible(text)
    assert strip_invisible(found) == found
    assert [each for each in found if each != " "] == [
        each for each in text if each not in UNSEEN and each not in BLANKS and each != " "
    ]


def test_all_characters_that_unicode_calls_ignorable_are_left_out() -> None:
    """All of the category Cf, but for those that are seen, such as the Arabic number sign."""
    shown = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD, *range(0x13430, 0x13440)}
    formats = {at for at in range(0x110000) if unicodedata.category(chr(at)) == "Cf"}
    assert formats - shown <= _SEEN.keys()
