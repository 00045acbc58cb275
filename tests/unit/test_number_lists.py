"""The numbers that a connection's settings list: patterns of extensions, and those of telephone numbers."""

from __future__ import annotations

import pytest

from cx_channels.kit.number_lists import lists, number_in
from cx_channels.voice.twilio.addresses import listed, read_address


@pytest.mark.parametrize(
    ("pattern", "address", "is_listed"),
    [
        ("1*", "1001", True),
        ("1*", "+15550100123", False),
        ("1*", "15550100123", False),
        ("49*", "+493055501", False),
        ("+1*", "+15550100123", True),
        ("+1415555*", "14155550142", True),
        ("1415555014*", "+14155550142", True),
        ("0151*", "015112345678", True),
        ("ben*", "ben.ito", True),
        ("*", "+15550100123", True),
    ],
)
def test_a_pattern_of_extensions_fits_no_number(pattern: str, address: str, is_listed: bool) -> None:
    settings = {"staff": [pattern]}
    assert lists(settings, "staff", address, "US") is is_listed
    assert listed(settings, "staff", "US").has(read_address(address)) is is_listed


@pytest.mark.parametrize(
    ("address", "number"),
    [
        ("tel:+4930555700", "+4930555700"),
        ("tel:+4930555700;ext=5", "+4930555700;ext=5"),
        ("sip:+4930555700;ext=7@sbc.example;user=phone", "+4930555700;ext=7"),
        ("sip:+4930555700;isub=1;EXT=7@sbc.example", "+4930555700;ext=7"),
        ("sip:+4930555700@sbc.example;ext=7", "+4930555700"),
        ("+4930555700;ext=5", "+4930555700;ext=5"),
        ("tel:30555701;phone-context=pbx.example", "tel:30555701;phone-context=pbx.example"),
        ("tel:+4930555700;phone-context=pbx.example", "+4930555700"),
        ("sip:anonymous@anonymous.invalid", "anonymous"),
        ("tel:Private%20Number", "private number"),
        ("No Caller ID", "no caller id"),
        ("sip:ben@acme.example", ""),
        ("1001", ""),
    ],
)
def test_a_number_in_an_address_keeps_its_extension(address: str, number: str) -> None:
    assert number_in(address) == number


def test_an_extension_of_a_listed_number_is_listed() -> None:
    settings = {"numbers": ["+4930555700"], "staff": ["5*", "4*"]}
    assert lists(settings, "numbers", "+4930555700;ext=5", "DE")
    assert not lists(settings, "staff", "+4930555700;ext=5", "DE")
    assert not lists(settings, "numbers", "+4930555701;ext=5", "DE")
