"""Every recorded bounce, read in place, against ``tests/tables/bounces.tsv``: who failed, why, of which mail."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

import pytest

from cx_channels.email.mime import PROVIDER
from cx_channels.provider import Connection, Request

RECORDINGS = Path(__file__).parents[2].parent / "shared" / "fixtures" / "email" / "bounce-sisimai"
TABLE = Path(__file__).parents[1] / "tables" / "bounces.tsv"
CONNECTION = Connection("mail", "acme", "email/mime", settings={"addresses": ["support@acme.example"]})
NONE = "-"

pytestmark = pytest.mark.skipif(
    not RECORDINGS.is_dir() and not os.environ.get("CI"), reason="the recordings are not on this machine"
)


def rows() -> dict[str, list[dict[str, str]]]:
    """Return the lines of the table by the recording's name."""
    lines = [line for line in TABLE.read_text().splitlines() if not line.startswith("#")]
    names = lines[0].split("\t")
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    for line in lines[1:]:
        row = dict(zip(names, line.split("\t"), strict=True))
        found[row["file"]].append(row)
    return found


EXPECTED = rows()


@pytest.mark.parametrize("name", EXPECTED)
def test_a_recorded_bounce_becomes_what_the_table_says(name: str) -> None:
    drafts = PROVIDER.map(Request((RECORDINGS / f"{name}.eml").read_bytes(), "SMTP"), CONNECTION).drafts
    found = [
        {
            "event": draft.type.split(".")[2],
            "recipient": draft.data.participants[0].identifiers[0].value,
            "code": draft.data.failure.code if draft.data.failure else NONE,
            "original": draft.data.interaction.removeprefix("mail/"),
            "message": draft.data.failure.message if draft.data.failure else NONE,
        }
        for draft in drafts
    ]
    assert found == [{key: row[key] for key in found[0]} for row in EXPECTED[name]]


def test_the_table_names_every_recording() -> None:
    assert sorted(EXPECTED) == sorted(path.stem for path in RECORDINGS.glob("*.eml"))


def test_permanent_and_transient_agree_with_the_reference() -> None:
    every = [row for rows in EXPECTED.values() for row in rows if row["status"] != NONE]
    assert len(every) == 108
    assert [row["file"] for row in every if row["status"][0] != row["code"][0]] == []


STATUSES = {
    "userunknown": {"5.1.1", "5.1.0", "5.1.10", "5.2.1", "5.4.1", "5.7.1"},
    "mailboxfull": {"5.2.2", "5.1.1"},
    "hostunknown": {"5.1.2", "5.4.4"},
    "mesgtoobig": {"5.3.4"},
    "hasmoved": {"5.1.6"},
    "spamdetected": {"5.7.1", "5.2.0"},
    "policyviolation": {"5.7.1", "5.7.9"},
    "rejected": {"5.7.1", "5.1.1"},
    "suspend": {"5.2.1"},
    "networkerror": {"4.4.1", "5.4.6"},
    "expired": {"4.4.7"},
}
"""Which codes may stand for a reason; several where the server itself says another one than Sisimai concludes."""


@pytest.mark.parametrize("reason", STATUSES)
def test_a_reason_has_only_statuses_that_mean_it(reason: str) -> None:
    codes = {row["code"] for rows in EXPECTED.values() for row in rows if row["reason"] == reason}
    assert codes
    assert codes <= STATUSES[reason]
