"""When a mail was written: by its Date, or by the first host that carried it where the Date can't be right."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_channels.kit.mail.message.dates import FAR, date, moment_of, written_at
from cx_channels.kit.mail.mime.headers import split_head
from cx_events.timestamps import parse_time

RELAYED = "Received: by mx2.acme.example; Fri, 27 Nov 2026 10:00:09 +0000\nReceived: by relay.example; {}\n"
FIRST = "Fri, 27 Nov 2026 11:00:05 +0100"


def written(date_field: str, *, relay: str = FIRST) -> int | None:
    return written_at(split_head(f"{RELAYED.format(relay)}{date_field}Subject: x\n\n".encode())[0])


@pytest.mark.parametrize(
    "unreadable",
    [
        "",
        "Date: yesterday\n",
        "Date: Fri, 27 Nov 2026 04:30:00 H0500\n",
        "Date: Fri, 27 Nov 2026 12:00:00 CEST\n",
        "Date: Fri, 27 Nov 2026 21:00:00\n",
        "Date: Mon, 01 Jan 2001 00:00:00 +0000\n",
        "Date: Wed, 18 Nov 2026 10:00:00 +0000\n",
        "Date: Tue, 27 Nov 2029 10:00:00 +0000\n",
        "Date: Fri, 27 Nov 2026 10:00:00 +9999\n",
    ],
)
def test_the_first_relays_date_replaces_an_impossible_one(unreadable: str) -> None:
    assert written(unreadable) == parse_time("2026-11-27T10:00:05Z")


@pytest.mark.parametrize(
    "zone", ["+0100", "+01:00", "+01", "+1", "GMT+1", "UTC +01:00", "+0100 (CET)", "+0100 Mitteleuropaische Zeit"]
)
def test_a_zone_is_read_in_its_spellings(zone: str) -> None:
    assert written(f"Date: Thu, 26 Nov 2026 23:00:00 {zone}\n") == parse_time("2026-11-26T22:00:00Z")


@pytest.mark.parametrize("text", ["2026-11-26T23:00:00+01:00", "2026-11-26 23:00:00 +0100", "2026-11-26T22:00:00Z"])
def test_a_date_of_iso_8601_is_read(text: str) -> None:
    assert written(f"Date: {text}\n") == parse_time("2026-11-26T22:00:00Z")


def test_a_date_counts_despite_one_wrong_relay_clock() -> None:
    right = "Date: Fri, 27 Nov 2026 10:00:00 +0000\n"
    assert written(right, relay="Thu, 1 Jan 1970 00:00:10 +0000") == parse_time("2026-11-27T10:00:00Z")


NOW = parse_time("2026-11-27T10:00:00Z")


@pytest.mark.parametrize(
    "impossible",
    [
        "Date: Thu, 01 Jan 1970 00:00:00 +0000\n",
        "Date: Mon, 01 Jan 2001 00:00:00 +0000\n",
        "Date: Mon, 01 Jan 2001 00:00:00\n",
        "Date: Sat, 01 Jan 2099 00:00:00 +0000\n",
        "Received: from pc by mx\nDate: Mon, 01 Jan 2001 00:00:00 +0000\n",
    ],
)
def test_an_impossible_date_that_no_relay_corrects_is_none(impossible: str) -> None:
    fields = split_head(f"{impossible}Subject: x\n\n".encode())[0]
    assert written_at(fields, arrived=NOW) is None
    assert written_at(fields) is not None


def test_a_mail_straight_from_its_writer_keeps_its_date() -> None:
    fields = split_head(b"Date: Wed, 25 Nov 2026 10:00:00 +0000\n\n")[0]
    assert written_at(fields, arrived=NOW) == parse_time("2026-11-25T10:00:00Z")
    assert written_at(split_head(b"Subject: x\n\n")[0], arrived=NOW) is None
    wrong_relay = split_head(
        b"Received: x; Thu, 01 Jan 1970 00:00:10 +0000\nDate: Wed, 25 Nov 2026 10:00:00 +0000\n\n"
    )[0]
    assert written_at(wrong_relay, arrived=NOW) == parse_time("2026-11-25T10:00:00Z")


@pytest.mark.parametrize(
    ("arrived", "written"),
    [
        ("2026-11-27T10:00:09Z", "2026-11-27T10:00:05Z"),
        ("2026-12-02T09:00:00Z", "2026-11-27T10:00:05Z"),
        ("2026-12-02T11:00:00Z", None),
        ("2029-11-27T10:00:00Z", None),
        ("2020-11-27T10:00:00Z", None),
    ],
)
def test_relays_correct_a_date_only_near_the_arrival(arrived: str, written: str | None) -> None:
    fields = split_head(f"{RELAYED.format(FIRST)}Date: Mon, 01 Jan 2001 00:00:00 +0000\n\n".encode())[0]
    assert written_at(fields, arrived=parse_time(arrived)) == (parse_time(written) if written else None)


def test_a_mail_of_an_archive_keeps_its_date() -> None:
    fields = split_head(f"{RELAYED.format(FIRST)}Date: Fri, 27 Nov 2026 10:00:00 +0000\n\n".encode())[0]
    assert written_at(fields, arrived=parse_time("2029-01-01T00:00:00Z")) == NOW


def test_a_date_without_zone_or_relay_is_utc() -> None:
    assert written_at(split_head(b"Date: Fri, 27 Nov 2026 12:00:00 CEST\n\n")[0]) == parse_time("2026-11-27T12:00:00Z")
    assert written_at(split_head(b"Subject: x\n\n")[0]) is None


@given(st.integers(-3 * FAR // 1_000_000, 3 * FAR // 1_000_000))
def test_a_mails_date_stays_near_its_first_relays(seconds: int) -> None:
    first = parse_time("2026-11-27T10:00:05Z")
    found = written(f"Date: {_as_field(first + seconds * 1_000_000)}\n")
    assert found is not None
    assert abs(found - first) <= FAR + 9_000_000


def _as_field(at: int) -> str:
    return format_datetime(datetime.fromtimestamp(at // 1_000_000, UTC))


@given(st.text(max_size=200))
def test_no_date_raises(text: str) -> None:
    found = moment_of(text)
    assert date(text) == (found.at if found else None)


@pytest.mark.parametrize(
    "text",
    [
        "Fri, 27 Nov 2026 09(comment):   55  :  06 -0600",
        "Fri (day) , 27 Nov 2026 09 : 55 : 06 -0600",
        "Fri, 27 (a \\) comment (within)) Nov 2026 09:55:06 -0600 (CST)",
    ],
)
def test_comments_and_blanks_anywhere_in_a_date_say_nothing(text: str) -> None:
    assert date(text) == parse_time("2026-11-27T15:55:06Z")


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("Fri, 27 Nov 2026 10:00:00 PM +0000", "22:00:00"),
        ("Fri, 27 Nov 2026 10:00 pm GMT", "22:00:00"),
        ("Fri, 27 Nov 2026 12:30:00 AM +0000", "00:30:00"),
        ("Fri, 27 Nov 2026 12:30:00 p.m. +0000", "12:30:00"),
        ("Fri, 27 Nov 2026 22:00:00 PM +0000", "22:00:00"),
        ("Fri, 27 Nov 2026 23:59:60 +0000", "23:59:59"),
    ],
)
def test_an_hour_of_twelve_is_one_of_the_day(text: str, hour: str) -> None:
    assert date(text) == parse_time(f"2026-11-27T{hour}Z")
