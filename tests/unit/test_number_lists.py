"""The numbers that a connection's settings list: patterns of extensions, and those of telephone numbers."""

from __future__ import annotations

import pytest

from cx_channels.kit.number_lists import lists
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
