"""Normal forms: made once, total, and their own normal form."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cx_events.email_addresses import LOCAL, _lower_address
from cx_events.envelope import Identifier
from cx_events.identifiers import MAX_VALUE, normalise, rank_of
from cx_events.phone_numbers import WITHHELD, is_in_no_plan, is_withheld, parse_line


def normal(kind: str, value: str, region: str | None = None, *, scope: str = "", given: str = "") -> Identifier:
    return normalise(Identifier(kind=kind, value=value, scope=scope, given=given), region)


@pytest.mark.parametrize(
    ("value", "region"),
    [
        ("+15550100123", None),
        ("+1 (555) 010-0123", None),
        ("tel:+1-555-010-0123", None),
        ("TEL:+15550100123;isub=7", None),
        ("sip:+15550100123@acme.example;transport=tls", None),
        ("sips:+15550100123@acme.example", None),
        ("whatsapp:+15550100123", None),
        ("15550100123", None),
        ("(555) 010-0123", "US"),
        ("001 555 010 0123", "DE"),
        ("  +15550100123 ", None),
        ("+１５５５０１００１２３", None),
    ],
)
def test_a_number_has_one_form(value: str, region: str | None) -> None:
    found = normal("phone", value, region)
    assert (found.value, found.unusable) == ("+15550100123", "")
    assert found.given == ("" if value == "+15550100123" else value)


@pytest.mark.parametrize(
    "value", ["anonymous", "Restricted", "+266696687", "266696687", "sip:anonymous@anonymous.invalid"]
)
def test_a_withheld_number_names_nobody(value: str) -> None:
    assert normal("phone", value, "US").unusable == "withheld"


@pytest.mark.parametrize(
    "value",
    [
        "Private Number", "Unknown Caller", "No Caller ID", "number-withheld", "Caller ID unavailable", "OUT OF AREA",
        "Not available", "tel:Private%20Number", "sip:no-caller-id@x.example", "hidden",
    ],
)  # fmt: skip
def test_a_number_is_withheld_in_several_words(value: str) -> None:
    assert normal("phone", value, "US").unusable == "withheld"


@pytest.mark.parametrize("value", ["number", "caller id", "Ana", "private ana", "", "call me", "+15550100123"])
def test_other_words_withhold_nothing(value: str) -> None:
    assert not is_withheld(value)


@pytest.mark.parametrize(
    ("value", "region"),
    [
        ("(555) 010-0123", None),
        ("0100123", "US"),
        ("12", "US"),
        ("reception", None),
        ("+", None),
        ("+999123456789", None),
    ],
)
def test_an_ambiguous_number_is_unusable_and_kept(value: str, region: str | None) -> None:
    found = normal("phone", value, region)
    assert (found.value, found.unusable) == (value, "invalid")


@pytest.mark.parametrize(
    "value",
    ["ana@example.com", "Ana@Example.COM", " ana@example.com\n", "mailto:ana@example.com", "MAILTO:ana@example.com"],
)
def test_a_mail_address_has_one_form(value: str) -> None:
    found = normal("email", value)
    assert (found.value, found.unusable) == ("ana@example.com", "")


def test_a_domain_is_the_same_in_either_spelling() -> None:
    assert normal("email", "ana@xn--bcher-kva.example") == normal(
        "email", "ana@bücher.example", given="ana@xn--bcher-kva.example"
    )


@pytest.mark.parametrize(
    "value", ["ana", "ana@", "@example.com", "Ana <ana@example.com>", "a b@example.com", "x@y@z.com"]
)
def test_an_invalid_mail_address_is_unusable_and_kept(value: str) -> None:
    found = normal("email", value)
    assert (found.value, found.unusable) == (value, "invalid")


def test_other_kinds_keep_their_letters() -> None:
    assert normal("crm", " C-1001 ") == Identifier(kind="crm", value="C-1001", given=" C-1001 ")


@pytest.mark.parametrize("kind", ["", "two words", "1st", "é", "x" * 41])
def test_a_wrong_kind_is_unusable(kind: str) -> None:
    assert normal(kind, "v").unusable == "invalid kind"


@pytest.mark.parametrize("value", ["", "   ", "a\nb", "a\x00b", "\ud800", "x" * (MAX_VALUE + 1)])
def test_an_invalid_value_is_unusable(value: str) -> None:
    assert normal("cookie", value).unusable == "invalid"


@pytest.mark.parametrize("scope", ["a\x00b", "x" * (MAX_VALUE + 1)])
def test_an_invalid_scope_makes_an_identifier_unusable(scope: str) -> None:
    assert normal("facebook-psid", "7001", scope=scope).unusable == "invalid"


def test_strength_is_fixed() -> None:
    kinds = ["cookie", "facebook-psid", "phone", "email", "account", "crm"]
    assert sorted(kinds, key=rank_of) == kinds[::-1]


def test_the_words_for_withheld_are_in_lower_case() -> None:
    assert all(word == word.lower() for word in WITHHELD)


_kinds = st.sampled_from(("phone", "email", "cookie", "crm", "facebook-psid", " Email ", "bad kind", ""))
_digits = st.from_regex(r"(tel:|sip:|whatsapp:|tel:sip:)?\+?[0-9]{2,16}(;ext=[0-9]+)?", fullmatch=True)
_dialled = st.text(alphabet="+0123456789 ()-.ext;:@#*/,٣", max_size=22)
_addresses = st.builds(
    "{}{}@{}".format,
    st.sampled_from(("", "mailto:", "MAILTO:", "mailto:mailto:")),
    st.text(min_size=1, max_size=8),
    st.one_of(
        st.text(min_size=1, max_size=8).map("{}.example".format),
        st.sampled_from(("example.com", "BÜCHER.example", "xn--bcher-kva.example", "ß.example", "localhost")),
    ),
)
_values = st.one_of(st.text(max_size=20), st.text(st.characters(), max_size=20), _digits, _dialled, _addresses)
_regions = st.sampled_from((None, "US", "DE", "IT", "AR", "MX", "BR", "XX", "de"))


@settings(max_examples=500, deadline=None)
@given(_kinds, _values, _values, _regions, st.sampled_from(("", " s", "p\n")))
@example("phone", "000000", "", "DE", "")  # reads as +4900000, which would read as +490000
@example("phone", "whatsapp:tel:+1", "", None, "")
@example("email", "İ@example.com", "", None, "")
def test_a_normal_form_is_its_own_normal_form(
    kind: str, value: str, given: str, region: str | None, scope: str
) -> None:
    once = normalise(Identifier(kind=kind, value=value, given=given, scope=scope), region)
    assert normalise(once, region) == once
    assert once.unusable or normalise(once, None) == once


_WORD = st.from_regex(r"[A-Za-z0-9_]{1,70}", fullmatch=True)
_LABEL = st.from_regex(r"[A-Za-z0-9]{1,33}(-{1,2}[A-Za-z0-9]{1,33})?", fullmatch=True) | st.sampled_from(
    ["xn--bcher-kva", "localhost", "test", "invalid", "local", "example", "onion", "arpa", "com", "museum", "123"]
)


@given(
    st.lists(_WORD, min_size=1, max_size=3),
    st.sampled_from([".", "+", "-", "..", "'"]),
    st.lists(_LABEL, min_size=1, max_size=5),
)
@example(["a"], ".", ["test"])
@example(["a"], ".", ["example", "invalid"])
@example(["a" * 64], ".", ["example", "com"])
@example(["a" * 65], ".", ["example", "com"])
@example(["a"], ".", ["a" * 31 + "-" + "b" * 31, "com"])
@example(["a"], ".", ["example", "local"])
def test_a_plain_address_is_normalised_as_by_the_library(words: list[str], joint: str, labels: list[str]) -> None:
    address = f"{joint.join(words)}@{'.'.join(labels)}"
    if len(address) > MAX_VALUE:
        return
    expected = _lower_address(address)
    found = normal("email", address)
    if found.unusable == LOCAL:
        assert len(labels) == 1 or labels[-1] in ("local", "localhost", "test")
        assert _lower_address(f"{address}.example") == f"{found.value}.example"
        return
    assert (found.value, found.unusable) == ((expected, "") if expected else (address, "invalid"))


@given(st.from_regex(r"\+1[0-9]{9,11}", fullmatch=True))
@example("+11234567890")
def test_a_plain_number_is_normalised_as_by_the_library(number: str) -> None:
    found = normal("phone", number)
    read = parse_line(number, None)
    again = None if read is None else parse_line(read.number, None)
    expected = "invalid"
    if read is not None and again is not None and again.number == read.number:
        expected = "junk" if is_in_no_plan(read) else ""
    assert found.unusable == expected
    assert found.value == (read.number if read is not None and not found.unusable else number)


@pytest.mark.parametrize(
    ("value", "region"),
    [
        ("0000000000", "US"),
        ("1111111111", "US"),
        ("+10000000000", None),
        ("+11234567890", None),
        ("+1 011 555 0123", None),
        ("+19115550123", None),
        ("911 555 0123", "US"),
        ("+440000000000", None),
        ("+33 0000000000", None),
    ],
)
def test_a_number_that_no_plan_can_have_is_junk(value: str, region: str | None) -> None:
    found = normal("phone", value, region)
    assert (found.value, found.unusable) == (value, "junk")


@pytest.mark.parametrize(
    "value", ["+15550100123", "+12125550123", "+390612345678", "+2250123456789", "+24101234567", "+4915112345678"]
)
def test_a_number_that_a_plan_may_assign_is_usable(value: str) -> None:
    assert normal("phone", value).unusable == ""
