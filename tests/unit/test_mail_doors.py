"""A mail that comes by two connections is one event, known by its content; any other content is another event."""

from __future__ import annotations

from itertools import combinations

import pytest
from tests.mail_doors import DOORS, WrittenMail, fact_of, through

from cx_events.codec import same_content
from cx_events.facts import key_of
from cx_events.testing.builders import SECOND, START

NOW = START + 10 * SECOND + 1

MAILS = {
    "text": WrittenMail(),
    "text and HTML": WrittenMail(html="<p>Hello,</p><p>I was charged <b>twice</b>, José.</p>"),
    "a file": WrittenMail(file=b"%PDF-1.7 bill"),
    "an answer": WrittenMail(id="m-2@example.com", answers="m-1@acme.example", text="Yes.\r\n\r\n> Which card?\r\n"),
    "a clock that is fast": WrittenMail(date="Sun, 22 Nov 2026 10:03:00 +0000"),
    "no name": WrittenMail(sender=" <ana@example.com>"),
}


@pytest.mark.parametrize("mail", [pytest.param(mail, id=name) for name, mail in MAILS.items()])
def test_every_door_gives_the_same_event(mail: WrittenMail) -> None:
    stamped = [through(door, mail, NOW + at * SECOND) for at, door in enumerate(DOORS)]
    facts = [fact_of(each) for each in stamped]
    assert len({fact.key for fact in facts}) == 1, [fact.event.data for fact in facts]
    assert len({fact.name for fact in facts}) == len(DOORS)
    assert len({each.key for each in stamped}) == 1
    assert all(same_content(one.raw, other.raw) for one, other in combinations(stamped, 2))


FIRST = WrittenMail()
OTHERS = {
    "text": FIRST._replace(text="Hello,\r\n\r\nI was never charged, José.\r\n"),
    "subject": FIRST._replace(subject="Charged once"),
    "date": FIRST._replace(date="Sun, 22 Nov 2026 10:00:01 +0000"),
    "Message-ID": FIRST._replace(id="m-9@example.com"),
    "HTML": FIRST._replace(html="<p>Pay <a href='https://evil.example'>here</a></p>"),
    "a file": FIRST._replace(file=b"%PDF-1.7 other"),
    "writer": FIRST._replace(sender="Mallory <mallory@evil.example>"),
    "continuity token": FIRST._replace(to="support+tok-5f3a9c21@acme.example"),
}


@pytest.mark.parametrize("other", [pytest.param(mail, id=name) for name, mail in OTHERS.items()])
def test_other_content_under_a_used_id_is_another_event(other: WrittenMail) -> None:
    known = fact_of(through("imap", FIRST, NOW))
    for door in DOORS:
        assert fact_of(through(door, other, NOW + SECOND)).key != known.key


def test_any_two_copies_of_three_say_the_same() -> None:
    """By one connection a mail may come twice, once proved and once claimed. Which of the copies conflict must not
    depend on whether a third, by another connection, is compared with them first."""
    proof = "Authentication-Results: mx.acme.example; dmarc=pass header.from=example.com\r\n"
    found = [through("imap", FIRST._replace(trace=proof), NOW), through("imap", FIRST, NOW + SECOND)]
    found.append(through("postmark", FIRST, NOW + 2 * SECOND))
    assert len({fact_of(each).key for each in found}) == 1
    assert len({(each.source, each.id) for each in found}) == 2
    assert all(same_content(one.raw, other.raw) for one, other in combinations(found, 2))


def test_a_copy_in_another_name_is_another_event() -> None:
    """Reply-To and fields of groups may say who the customer is."""
    known = fact_of(through("postmark", FIRST, NOW))
    trace = "X-Original-From: Mallory <mallory@evil.example>\r\nReply-To: mallory@evil.example\r\n"
    forged = fact_of(through("smtp", FIRST._replace(trace=trace), NOW - SECOND))
    assert forged.key != known.key or forged.stream_id == known.stream_id


def test_without_an_id_the_source_counts() -> None:
    facts = [fact_of(through(door, FIRST._replace(id=""), NOW)) for door in ("imap", "postmark")]
    assert [fact.key for fact in facts] == [fact.name for fact in facts]


def test_of_a_partial_mail_the_source_counts() -> None:
    many = "".join("--b\r\n\r\nx\r\n" for _ in range(600))
    cut = FIRST._replace(text=f"{many}--b--")
    raw = cut.raw.replace(b"text/plain; charset=utf-8", b"multipart/mixed; boundary=b")
    assert raw != cut.raw
    fact = fact_of(through("imap", _Raw(raw), NOW))  # type: ignore[arg-type]
    assert fact.key == fact.name


class _Raw:
    """A mail of which only the bytes are known."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw


def test_the_key_is_that_of_the_fact() -> None:
    fact = fact_of(through("imap", FIRST, NOW))
    assert key_of(fact.event) == fact.key
