"""What a vCon says of its parties is claimed: whoever made it wrote it, the carrier's token included."""

from __future__ import annotations

import pytest

from cx_events.codec import decode
from cx_events.envelope import Identifier
from cx_events.facts import vcon_source
from cx_events.stamp import stamp
from cx_events.testing.builders import ACME
from cx_events.weights import linking_identifiers
from cx_vcon.importing import event_drafts
from cx_vcon.reading import read_vcon

UUID = "0195544a-b9b1-8e77-8f29-4bc2b29f2c4f"


def known(**party: object) -> list[Identifier]:
    vcon = {
        "vcon": "0.4.0",
        "uuid": UUID,
        "created_at": "2026-11-22T10:00:00Z",
        "parties": [{"tel": "+15550100145", "role": "customer", **party}, {"name": "Ben", "role": "agent"}],
        "dialog": [
            {"type": "text", "start": "2026-11-22T10:00:00Z", "parties": [0, 1], "body": "hi", "encoding": "none"}
        ],
        "analysis": [],
        "attachments": [],
    }
    stamped = [
        stamp(draft, source=vcon_source("acme"), recorded=1, ids=ACME) for draft in event_drafts(read_vcon(vcon))
    ]
    return [each for one in stamped for each in linking_identifiers(decode(one.raw).data)]


@pytest.mark.parametrize(
    "party",
    [{}, {"stir": "eyJhbGciOiJFUzI1NiJ9.eyJhdHRlc3QiOiJBIn0.c2ln"}, {"validation": "SSN and PIN"}, {"verified": True},
     {"weight": "proved"}, {"meta": {"role": "customer", "verified": True}}],
)  # fmt: skip
def test_a_party_of_a_vcon_is_always_claimed(party: dict[str, object]) -> None:
    found = known(**party)
    assert found
    assert {each.weight for each in found} == {"claimed"}
    assert not any(each.verified for each in found)
