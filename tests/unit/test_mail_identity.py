"""By what a mail is known: other content is another event, another delivery is not."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_channels.dry_run import DEMO_IDS
from cx_channels.email.mime import PROVIDER as MIME
from cx_channels.email.postmark import PROVIDER as POSTMARK
from cx_channels.provider import Connection, Request
from cx_events.codec import same_content
from cx_events.envelope import Draft
from cx_events.stamp import stamp

SETTINGS = {
    "addresses": ["support@acme.example", "help@acme.example"],
    "forwarders": [{"from": "mailer@shop.example", "person": "x-customer"}],
}
BASE = {
    "From": "Courier <parcel@courier.example>",
    "To": "support@acme.example",
    "Date": "Fri, 27 Nov 2026 10:00:00 +0000",
    "Message-ID": "<m-1@courier.example>",
    "Subject": "Parcel",
}


def mapped(fields: dict[str, str], body: str = "Your parcel is late", trace: str = "", **headers: str) -> Draft:
    raw = trace + "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value) + f"\r\n{body}\r\n"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection = Connection("mail", "acme", "email/mime", settings=SETTINGS)
    (draft,) = MIME.map(Request(raw.encode(), "SMTP", headers=named), connection).drafts
    return draft


@pytest.mark.parametrize("id", ["<m-1@courier.example>", ""])
@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("From", "Courier <parcels@courier.example>"),
        ("Date", "Fri, 27 Nov 2026 18:00:00 +0000"),
        ("Subject", "Parcel 2"),
        ("body", "Your parcel was lost"),
    ],
)
def test_changed_content_under_a_used_id_is_another_event(id: str, name: str, other: str) -> None:
    fields = {**BASE, "Message-ID": id}
    first = mapped(fields)
    second = mapped(fields, other) if name == "body" else mapped({**fields, name: other})
    assert first.id != second.id


def test_both_mails_under_one_id_answer_to_it() -> None:
    first, second = mapped(BASE), mapped(BASE, "Your parcel was lost")
    for draft in (first, second):
        assert draft.data.message is not None
        assert draft.data.message.id == "m-1@courier.example"
        assert [each.value for each in draft.data.references] == ["m-1@courier.example"]
        assert draft.data.interaction == "mail/m-1@courier.example"


_TRACES = st.lists(
    st.sampled_from(
        [
            "Received: from a by b; Fri, 27 Nov 2026 10:00:01 +0000\r\n",
            "Received: from c by d\r\n\twith ESMTP; Fri, 27 Nov 2026 10:07:01 +0000\r\n",
            "Authentication-Results: mx.other.example; spf=fail\r\n",
            "Delivered-To: support@acme.example\r\n",
            "Return-Path: <bounce@courier.example>\r\n",
            "X-Spam-Score: 3\r\n",
            "ARC-Seal: i=1; a=rsa-sha256\r\n",
            "DKIM-Signature: v=1; d=courier.example\r\n",
        ]
    ),
    max_size=5,
).map("".join)


@given(_TRACES, _TRACES, st.sampled_from(["<m-1@courier.example>", ""]))
def test_a_redelivery_is_the_same_event_and_no_conflict(one: str, other: str, id: str) -> None:
    fields = {**BASE, "Message-ID": id}
    first = mapped(fields, trace=one, x_envelope_to="support@acme.example", x_envelope_peer="192.0.2.1")
    second = mapped(fields, trace=other, x_envelope_to="help@acme.example", x_envelope_peer="192.0.2.2")
    assert first.id == second.id
    stored = [
        stamp(draft, source="//throughline/acme/connections/mail", recorded=at, ids=DEMO_IDS).raw
        for at, draft in ((1, first), (2, second))
    ]
    assert same_content(*stored)


def test_a_clients_events_are_compared_by_their_originals() -> None:
    draft = mapped(BASE)
    other = mapped(BASE, trace="Received: by a\r\n")
    stored = [stamp(each, source="//acme.example/mail", recorded=1, ids=DEMO_IDS).raw for each in (draft, other)]
    assert not same_content(*stored)


def test_a_transfer_encoding_does_not_change_a_mails_id() -> None:
    text = "Your parcel is late, sorry é"
    plain = {**BASE, "Content-Type": "text/plain; charset=utf-8"}
    encoded = {**plain, "Content-Transfer-Encoding": "base64"}
    assert mapped(plain, text).id == mapped(encoded, b64encode(text.encode()).decode()).id
    assert mapped(plain, text).id == mapped(plain, f"{text}\r\n\r\n").id


def test_what_lies_beyond_the_limits_of_parts_counts_too() -> None:
    fields = {**BASE, "Content-Type": "multipart/mixed; boundary=b"}
    many = "--b\r\n\r\nx\r\n" * 600
    assert mapped(fields, f"{many}--b\r\n\r\none\r\n--b--").id != mapped(fields, f"{many}--b\r\n\r\ntwo\r\n--b--").id


def test_a_copy_to_another_continuity_token_is_another_event() -> None:
    one, other = (mapped(BASE, x_envelope_to=f"support+token-{n}00000@acme.example") for n in (1, 2))
    assert one.id != other.id


# --- whoever wrote it -------------------------------------------------------------------------------------------------

PASSED_ON = {
    "by a form in our own name": ({"From": "Acme <support@acme.example>"}, "Reply-To"),
    "by a group": ({"From": "Ana via Help <help@lists.example>", "List-Id": "<help.lists.example>"}, "X-Original-From"),
    "by Mailman": (
        {"From": "'Ana' via Help <help@lists.example>", "List-Post": "<mailto:help@lists.example>"},
        "Reply-To",
    ),
    "by an anonymous list": ({"From": "Ana <0123-dmarc-request@lists.example>"}, "Reply-To"),
    "by a configured forwarder": ({"From": "Shop <mailer@shop.example>"}, "X-Customer"),
}

NAMES_NOBODY = {"a host cut it": "root", "a host left it out": ""}
"""What stands in From."""


@pytest.mark.parametrize("id", ["<m-1@courier.example>", ""])
@pytest.mark.parametrize("way", PASSED_ON)
def test_two_writers_never_share_an_id(way: str, id: str) -> None:
    fields, names_the_writer = PASSED_ON[way]
    ana, ben, again = (
        mapped({**BASE, **fields, "Message-ID": id, names_the_writer: f"<{writer}@example.com>"})
        for writer in ("ana", "ben", "ANA")
    )
    assert [customer_of(each).lower() for each in (ana, ben)] == ["ana@example.com", "ben@example.com"]
    assert ana.id != ben.id
    assert ana.id == again.id


@pytest.mark.parametrize("shown", NAMES_NOBODY.values(), ids=NAMES_NOBODY)
@pytest.mark.parametrize("name", ["Sender", "Return-Path"])
def test_a_mail_whose_from_names_nobody_keeps_its_id(shown: str, name: str) -> None:
    """It is known by what it says: who delivered it is taken for its writer, and not every door knows who that was."""
    plain, named = (mapped({**BASE, "From": shown, **more}) for more in ({}, {name: "<ana@example.com>"}))
    assert (customer_of(plain), customer_of(named)) == ("", "ana@example.com")
    assert plain.id == named.id


@pytest.mark.parametrize(
    "name", ["Sender", "Reply-To", "Resent-From", "Resent-Sender", "Return-Path", "X-Original-From"]
)
def test_fields_that_name_no_writer_change_no_id(name: str) -> None:
    """Hosts and lists add them on the way: the same mail by another way is the same event."""
    draft = mapped({**BASE, name: "<ben@example.com>"})
    assert (draft.id, customer_of(draft)) == (mapped(BASE).id, "parcel@courier.example")


def test_ids_of_plain_mails_stay() -> None:
    assert mapped(BASE).id == "m-1@courier.example/f435dc93c3b42ee932188f16ab111a7a/received"
    assert mapped({**BASE, "Message-ID": ""}).id == "digest-f435dc93c3b42ee932188f16ab111a7a/received"


_ADDRESSES = st.sampled_from(["", "<ana@example.com>", "<ben@example.com>", "<support@acme.example>", "root"])
_WRITERS = st.fixed_dictionaries(
    {
        "From": st.sampled_from(
            [fields["From"] for fields, _ in PASSED_ON.values()] + [BASE["From"], *NAMES_NOBODY.values()]
        ),
        "List-Id": st.sampled_from(["", "<help.lists.example>"]),
        **dict.fromkeys(("Reply-To", "Sender", "Return-Path", "X-Original-From", "Author", "X-Customer"), _ADDRESSES),
    }
)


@given(_WRITERS, _WRITERS)
def test_one_id_is_one_writers(one: dict[str, str], other: dict[str, str]) -> None:
    first, second = (mapped({**BASE, **fields, "From": one["From"]}) for fields in (one, other))
    if one["From"] in NAMES_NOBODY.values():
        assert first.id == second.id
    else:
        assert (first.id == second.id) == (customer_of(first) == customer_of(second))


def customer_of(draft: Draft) -> str:
    """The address of the customer who is identified, "" where none is."""
    first = next((each for each in draft.data.participants if each.role == "customer"), None)
    return first.identifiers[0].value if first is not None and first.identifiers else ""


# --- Postmark ---------------------------------------------------------------------------------------------------------


def inbound(**fields: Any) -> Draft:
    document = {
        "FromFull": {"Email": "ana@example.com", "Name": "Ana"},
        "ToFull": [{"Email": "support@acme.example"}, {"Email": "help@acme.example"}],
        "OriginalRecipient": "support@acme.example",
        "Subject": "Charged twice",
        "MessageID": "5b8c1d2e-0000-4000-8000-000000000001",
        "Date": "Sun, 22 Nov 2026 10:00:00 +0000",
        "TextBody": "Hello",
        "Headers": [{"Name": "Message-ID", "Value": "<m-1@example.com>"}],
        **fields,
    }
    connection = Connection("mail", "acme", "email/postmark", settings=SETTINGS)
    (draft,) = POSTMARK.map(Request(json.dumps(document).encode()), connection).drafts
    return draft


def test_one_mail_reaching_postmark_twice_is_one_event() -> None:
    first = inbound()
    second = inbound(
        MessageID="5b8c1d2e-0000-4000-8000-000000000002",
        OriginalRecipient="help@acme.example",
        Headers=[{"Name": "Received", "Value": "by b"}, {"Name": "Message-ID", "Value": "<m-1@example.com>"}],
    )
    stored = [
        stamp(each, source="//throughline/acme/connections/mail", recorded=1, ids=DEMO_IDS) for each in (first, second)
    ]
    assert stored[0].id == stored[1].id
    assert same_content(stored[0].raw, stored[1].raw)


def test_other_content_by_postmark_is_another_event() -> None:
    assert inbound().id != inbound(TextBody="Goodbye").id
    assert inbound(Headers=[]).id != inbound(Headers=[], TextBody="Goodbye").id


@pytest.mark.parametrize("id", ["<parcel@courier.example>", "<Parcel@Courier.example>", "<support@acme.example>"])
def test_a_correspondents_address_is_not_a_mails_id(id: str) -> None:
    one, other = mapped({**BASE, "Message-ID": id}), mapped({**BASE, "Message-ID": id}, "It has come")
    assert one.data.interaction != other.data.interaction
    assert one.data.references == other.data.references == []


def test_a_unique_return_path_may_be_a_mails_id() -> None:
    fields = {**BASE, "Message-ID": "<101BN3c@bounce.example>", "Return-Path": "<101BN3c@bounce.example>"}
    assert [each.value for each in mapped(fields).data.references] == ["101BN3c@bounce.example"]
