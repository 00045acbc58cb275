"""Test who wrote a mail: the person in From, or behind a group, a form, a forwarder; and when it is one of us."""

from __future__ import annotations

from typing import Any

import pytest

from cx_channels.email.mime import PROVIDER
from cx_channels.provider import Connection, Request
from cx_events.envelope import Draft, Identifier

MX = "198.51.100.25"
RELAY = "192.0.2.10"
STRANGER = "203.0.113.66"
SETTINGS = {
    "addresses": ["support@acme.example"],
    "agents": ["bo@acme.example"],
    "domains": ["acme.test"],
    "authserv_ids": ["mx.acme.example"],
    "mx": [MX],
    "relays": [RELAY],
}
ALIGNED = "Authentication-Results: mx.acme.example; dmarc=pass\n"


def event(head: str, peer: str = STRANGER, **settings: Any) -> Draft:
    connection = Connection("mail", "acme", "email/mime", settings={**SETTINGS, **settings})
    given = head if "\nTo:" in head else f"{head}To: support@acme.example\n"
    raw = f"{given}Message-ID: <m-1@example.com>\nSubject: x\n\nHello\n"
    (draft,) = PROVIDER.map(Request(raw.encode(), "SMTP", headers={"x-envelope-peer": peer}), connection).drafts
    return draft


def customer(head: str, peer: str = STRANGER, **settings: Any) -> tuple[str, str, str]:
    """Name, address and stated weight of the customer of a received mail."""
    draft = event(head, peer, **settings)
    assert (draft.type, draft.data.direction) == ("cx.message.received.v1", "inbound")
    first = draft.data.participants[0]
    assert first.role == "customer"
    (identifier,) = first.identifiers or [Identifier(kind="email", value="")]
    return first.name, identifier.value, identifier.weight


# --- the person in From -----------------------------------------------------------------------------------------------


def test_only_an_aligned_sender_is_proved() -> None:
    assert customer(f"{ALIGNED}From: Ana <ana@example.com>\n", MX) == ("Ana", "ana@example.com", "proved")
    assert customer(f"{ALIGNED}From: Ana <ana@example.com>\n") == ("Ana", "ana@example.com", "")
    assert customer("From: Ana <ana@example.com>\n", MX) == ("Ana", "ana@example.com", "")


def test_only_the_sender_is_proved() -> None:
    draft = event(f"{ALIGNED}From: ana@example.com\nCc: carl@example.com\n", MX)
    weights = {each.value: each.weight for one in draft.data.participants for each in one.identifiers}
    assert weights == {"ana@example.com": "proved", "carl@example.com": "", "support@acme.example": ""}


def test_the_verdict_is_kept_on_the_event() -> None:
    raw = bytes(event(f"{ALIGNED}From: ana@example.com\n", MX).data.raw).decode()  # type: ignore[arg-type]
    assert '"authentication":{"aligned":"dmarc","told":["mx.acme.example; dmarc=pass"]}' in raw


# --- us ---------------------------------------------------------------------------------------------------------------

OURS = "From: Acme Support <support@acme.example>\nTo: ana@example.com\n"


@pytest.mark.parametrize(
    ("head", "peer"),
    [
        (OURS, RELAY),
        (ALIGNED + OURS, MX),
        ("Received: from pc (pc [203.0.113.9]) by mx with ESMTPSA id 1; now\n" + OURS, MX),
        (f"Received: from out (out [{RELAY}]) by mx with ESMTP id 1; now\n" + OURS, MX),
    ],
)
def test_mail_from_our_address_and_host_is_ours(head: str, peer: str) -> None:
    draft = event(head, peer)
    assert (draft.type, draft.data.direction) == ("cx.message.sent.v1", "outbound")
    assert [one.role for one in draft.data.participants] == ["customer", "agent"]


@pytest.mark.parametrize(
    "sender", ["support@acme.example", "bo@acme.example", "anybody@acme.test", "SUPPORT+x@acme.example"]
)
@pytest.mark.parametrize("peer", [STRANGER, MX, ""])
def test_mail_from_our_address_elsewhere_is_an_unverified_strangers(sender: str, peer: str) -> None:
    head = f"From: Acme <{sender}>\nTo: ana@example.com\nReferences: <q-1@example.com>\n"
    assert customer(head, peer) == ("Acme", sender, "")


# --- behind a group ---------------------------------------------------------------------------------------------------

LIST = "List-Id: <support.acme.example>\nList-Post: <mailto:support@acme.example>\n"
ANA = ("Ana Silva", "ana@example.com", "")


@pytest.mark.parametrize(
    "head",
    [
        # Google Groups
        "From: \"'Ana Silva' via Support\" <support@acme.example>\nX-Original-Sender: ana@example.com\n"
        "X-Original-From: Ana Silva <ana@example.com>\nMailing-list: list support@acme.example\n" + LIST,
        "From: \"'Ana Silva' via Support\" <support@acme.example>\nX-Original-Sender: ana@example.com\n" + LIST,
        "From: Ana Silva über Support <support@acme.example>\nX-Original-From: Ana Silva <ana@example.com>\n" + LIST,
        # Mailman: into Reply-To, or into Cc where the list sets Reply-To
        "From: Ana Silva via Support <support@acme.example>\nReply-To: Ana Silva <ana@example.com>\n" + LIST,
        "From: Ana Silva via Support <support@acme.example>\nReply-To: support@acme.example\n"
        "Cc: Carl <carl@example.com>, Ana Silva <ana@example.com>\n" + LIST,
        "From: Ana Silva via Help <help@lists.example>\nReply-To: Ana Silva <ana@example.com>, help@lists.example\n"
        "List-Post: <mailto:help@lists.example>\nX-BeenThere: help@lists.example\n",
        # Sympa, LISTSERV, RFC 5703, RFC 9057
        "From: Ana Silva (via help list) <help@lists.example>\nX-Original-From: Ana Silva <ana@example.com>\n"
        "List-Id: <help.lists.example>\n",
        "From: Help <help@lists.example>\nOriginal-From: Ana Silva <ana@example.com>\nList-Id: <help.lists.example>\n",
        "From: Help <help@lists.example>\nAuthor: Ana Silva <ana@example.com>\nList-Id: Help <help.lists.example>\n",
        # groups.io, IETF, Apache's ezmlm: the address is in the address
        "From: Ana Silva via groups.io <ana=example.com@groups.io>\n",
        "From: Ana Silva <ana=40example.com@dmarc.lists.example>\n"
        "List-Unsubscribe: <mailto:ana=40example.com@dmarc.lists.example>\n",
        "From: Ana Silva via users <ana@example.com.INVALID>\n",
        "From: Ana Silva <ana@example.com.INVALID>\nList-Id: <users.lists.example>\n",
        "From: Ana Silva <ana=40example.com@dmarc.lists.example>\nList-Id: <users.lists.example>\n",
    ],
)
def test_a_group_rewriting_from_keeps_the_person_as_customer(head: str) -> None:
    for peer in (STRANGER, RELAY, MX):
        assert customer(head, peer) == ANA
        assert customer(ALIGNED + head, MX) == ANA


@pytest.mark.parametrize(
    ("given", "name"), [("<>", ""), ("Ana Silva <>", "Ana Silva"), ('"Ana" <>', "Ana"), ("Ana", "Ana")]
)
def test_empty_angle_brackets_are_no_name(given: str, name: str) -> None:
    participant = event(f"From: {given}\n").data.participants[0]
    assert (participant.name, participant.identifiers) == (name, [])


def test_a_person_known_by_address_alone_has_no_name() -> None:
    head = f"From: \"'ana@example.com' via Support\" <support@acme.example>\n{LIST}"
    assert customer(head) == ("", "ana@example.com", "")


@pytest.mark.parametrize(
    "head",
    [
        "From: Ana <ana@example.com>\nX-Original-Sender: ana@example.com\nReply-To: help@lists.example\n"
        "List-Id: <help.lists.example>\n",
        "From: Ana <ana@example.com>\nReply-To: Ana at home <ana@home.example>\n",
        "From: Ana <ana@example.com>\nX-Original-Sender: carl@example.com\n",
        "From: Ana <ana@example.com>\nSender: list@lists.example\nList-Post: <mailto:list@lists.example>\n",
        "From: Ana <ana@example.com>\nX-Original-From: Carl <carl@example.com>\nReply-To: dora@example.com\n",
    ],
)
def test_a_list_that_leaves_from_alone_changes_nobody(head: str) -> None:
    assert customer(head) == ("Ana", "ana@example.com", "")
    assert customer(ALIGNED + head, MX) == ("Ana", "ana@example.com", "proved")


def test_a_colleague_writing_to_our_group_stays_an_agent() -> None:
    head = (
        f"From: Bo via Support <support@acme.example>\nX-Original-Sender: bo@acme.example\n{LIST}To: ana@example.com\n"
    )
    assert event(head, RELAY).type == "cx.message.sent.v1"


def test_exchange_and_srs_forward_without_touching_from() -> None:
    head = "Return-Path: <SRS0=ab=cd=example.com=ana@forward.example>\nResent-From: carl@forward.example\n"
    assert customer(f"{head}From: Ana <ana@example.com>\n") == ("Ana", "ana@example.com", "")


# --- behind a form or a forwarder -------------------------------------------------------------------------------------

FORMS = [
    {"from": "mailer@shop.example", "person": "reply-to"},
    {"from": "@forward.example", "person": "X-Original-From"},
]


def test_a_forms_writer_stands_where_the_setting_says() -> None:
    form = "From: Acme Shop <mailer@shop.example>\nReply-To: Ana Silva <ana@example.com>\n"
    assert customer(form) == ("Acme Shop", "mailer@shop.example", "")
    assert customer(form, forwarders=FORMS) == ANA
    assert customer(ALIGNED + form, MX, forwarders=FORMS) == ANA
    forwarded = "From: Ana <no-reply@forward.example>\nX-Original-From: Ana Silva <ana@example.com>\n"
    assert customer(forwarded, forwarders=FORMS) == ANA


def test_a_form_that_names_no_writer_is_nobodys() -> None:
    assert customer("From: Acme Shop <mailer@shop.example>\n", forwarders=FORMS) == ("", "", "")


@pytest.mark.parametrize(
    ("reply_to", "found"),
    [
        ("support@acme.example", ("", "", "")),
        ("support+form@acme.example", ("", "", "")),
        ("mailer@shop.example", ("", "", "")),
        ("support@acme.example, Ana Silva <ana@example.com>", ANA),
    ],
)
def test_a_form_without_a_writer_is_not_ours(reply_to: str, found: tuple[str, str, str]) -> None:
    """Else all who leave the address empty are one customer."""
    head = f"From: Acme Shop <mailer@shop.example>\nReply-To: {reply_to}\n"
    assert customer(head, forwarders=FORMS) == found


def test_a_forwarders_other_mailboxes_are_nobodys() -> None:
    head = "From: no-reply@forward.example\nX-Original-From: bounces@forward.example\n"
    assert customer(head, forwarders=FORMS) == ("", "", "")


def test_a_forwarder_is_known_by_two_fields_that_agree() -> None:
    head = "From: Ana <no-reply@forward.example>\nX-Original-From: Ana Silva <ana@example.com>\n"
    assert customer(f"{ALIGNED}{head}Reply-To: ana@example.com\n", MX) == ANA


def test_a_form_in_our_name_is_the_writers() -> None:
    head = "From: support@acme.example\nReply-To: Ana Silva <ana@example.com>\n"
    for peer in (STRANGER, RELAY):
        assert customer(head, peer) == ANA
