"""Test who is on a leg of a Vonage call where the caller withholds the number: a customer, and no colleague of ours."""

from __future__ import annotations

import pytest

from cx_channels.provider import Connection
from cx_channels.voice.vonage.parties import parties_of

OURS = "4930555010"
CONNECTION = Connection("acme-vonage", "acme", "voice/vonage", (), "DE", {"numbers": [f"+{OURS}"]})


@pytest.mark.parametrize(
    "caller", ["anonymous", "Restricted", "Private Number", "No Caller ID", "Unknown Caller", "withheld", "266696687"]
)
def test_a_caller_who_withholds_the_number_calls_in(caller: str) -> None:
    found = parties_of({"from": caller, "to": OURS, "direction": "inbound"}, CONNECTION)
    assert (found.direction, found.agent) == ("inbound", None)
    assert [each.role for each in found.participants] == ["customer", "business"]


def test_a_name_of_a_colleague_is_no_withheld_number() -> None:
    found = parties_of({"from": "ben", "to": OURS, "direction": "inbound"}, CONNECTION)
    assert (found.direction, found.agent is not None) == ("internal", True)
