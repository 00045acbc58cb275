"""Test which events a mail becomes, who is in them, and which thread they belong to."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_channels.email.mime import PROVIDER
from cx_channels.kit.mail.message.threads import MAX_REFERENCES, ids_in
from cx_channels.provider import Connection, Mapped, Request
from cx_events.blob.port import blob_name
from cx_events.envelope import Draft
from cx_events.errors import Refused

RELAY = "192.0.2.10"
ACME = Connection(
    "mail",
    "acme",
    "email/mime",
    settings={"addresses": ["support@acme.example"], "domains": ["acme.test"], "relays": [RELAY]},
)


def mapped(raw: str | bytes, connection: Connection = ACME, **headers: str) -> Mapped:
    body = raw if isinstance(raw, bytes) else raw.encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return PROVIDER.map(Request(body, "SMTP", headers=named), connection)


def event(raw: str | bytes, connection: Connection = ACME, **headers: str) -> Draft:
    (draft,) = mapped(raw, connection, **headers).drafts
    return draft


def mail(
    more: str = "", body: str = "Hello", sender: str = "Ana <ana@example.com>", to: str = "support@acme.example"
) -> str:
    return f"From: {sender}\nTo: {to}\nMessage-ID: <m-1@example.com>\n{more}\n{body}"


def people(draft: Draft) -> list[tuple[str, str, str]]:
    return [(p.role, p.name, p.identifiers[0].value if p.identifiers else "") for p in draft.data.participants]


def raw_of(draft: Draft) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(bytes(draft.data.raw))  # type: ignore[arg-type]
    return found


# --- who -------------------------------------------------------------------------------------------------------------


def test_a_persons_mail_is_received_with_the_sender_first() -> None:
    draft = event(mail("Cc: Carl <carl@example.com>, info@acme.test\n"))
    assert draft.type == "cx.message.received.v1"
    assert draft.data.direction == "inbound"
    assert people(draft) == [
        ("customer", "Ana", "ana@example.com"),
        ("customer", "Carl", "carl@example.com"),
        ("business", "", "support@acme.example"),
        ("business", "", "info@acme.test"),
    ]


def test_others_are_not_identified_where_the_sender_is_not() -> None:
    draft = event(mail("Cc: Carl <carl@example.com>\n", sender="Somebody"))
    assert people(draft) == [
        ("customer", "Somebody", ""),
        ("customer", "Carl", ""),
        ("business", "", "support@acme.example"),
    ]


def test_an_own_mails_customer_is_the_first_outside_recipient() -> None:
    draft = event(
        mail(sender="Bo <bo@acme.test>", to="support@acme.example, Ana <ana@example.com>, carl@example.com"),
        x_envelope_peer=RELAY,
    )
    assert draft.type == "cx.message.sent.v1"
    assert draft.data.direction == "outbound"
    assert people(draft)[:3] == [
        ("customer", "Ana", "ana@example.com"),
        ("customer", "", "carl@example.com"),
        ("agent", "Bo", "bo@acme.test"),
    ]


def test_a_mail_among_ourselves_has_no_customer() -> None:
    draft = event(mail(sender="bo@acme.test"), x_envelope_peer=RELAY)
    assert draft.data.direction == "internal"
    assert [role for role, _, _ in people(draft)] == ["agent", "business"]


def test_a_contact_form_is_from_its_reply_address() -> None:
    draft = event(mail("Reply-To: Dora <dora@example.com>\n", sender="support@acme.example"))
    assert draft.type == "cx.message.received.v1"
    assert people(draft)[0] == ("customer", "Dora", "dora@example.com")


def test_the_envelope_names_us_where_the_header_does_not() -> None:
    draft = event(mail(to="undisclosed-recipients:;"), x_envelope_to="support+case-token-1@acme.example")
    assert ("business", "", "support+case-token-1@acme.example") in people(draft)
    assert [r.value for r in draft.data.references if r.kind == "token"] == ["case-token-1"]


def test_without_own_addresses_a_mails_recipient_is_the_business() -> None:
    draft = event(mail("Cc: carl@example.com\n"), Connection("mail", "acme", "email/mime"))
    assert [role for role, _, _ in people(draft)] == ["customer", "customer", "business"]


@pytest.mark.parametrize("wrong", ["support@acme.example", [1], {"a": 1}])
def test_settings_of_another_shape_are_refused_by_name(wrong: Any) -> None:
    with pytest.raises(Refused, match="addresses"):
        event(mail(), Connection("mail", "acme", "email/mime", settings={"addresses": wrong}))


# --- which thread ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "root"),
    [
        ("", "m-1@example.com"),
        ("In-Reply-To: <a@x>\n", "a@x"),
        ("In-Reply-To: <b@x>\nReferences: <a@x> <b@x>\n", "a@x"),
        ("References: <a@x>\n\t<b@x>\n", "a@x"),
        ("References: <A @\n x>\n", "A@x"),
        ("In-Reply-To: Your message of Monday <a@x>\n", "a@x"),
        ("In-Reply-To: a@x\n", "a@x"),
        ("In-Reply-To: <support@acme.example>\n", "m-1@example.com"),
        ("References: <m-1@example.com>\n", "m-1@example.com"),
    ],
)
def test_a_mail_belongs_to_the_thread_of_its_root(more: str, root: str) -> None:
    assert event(mail(more)).data.interaction == f"mail/{root}"


def test_ids_of_a_thread_are_references_within_a_limit() -> None:
    many = " ".join(f"<r-{number}@x>" for number in range(200))
    found = [r.value for r in event(mail(f"References: {many}\n")).data.references if r.kind == "message"]
    assert len(found) == MAX_REFERENCES
    assert found[0] == "r-0@x"
    assert found[-2:] == ["r-199@x", "m-1@example.com"]


def test_an_id_too_long_to_store_becomes_a_digest() -> None:
    (id,) = ids_in("<" + "a" * 500 + "@x>")
    assert id.startswith("digest-")
    assert len(id) < 64


def test_an_unprintable_id_becomes_a_digest() -> None:
    assert event("From: a@example.com\nMessage-ID: <a\u200bb@x>\n\nhi").id.startswith("digest-")


def test_the_same_mail_delivered_twice_is_the_same_event() -> None:
    first = event(mail("Received: by a\nX-Spam: 1\n"))
    second = event(mail("Received: by b\n"))
    assert first.id == second.id
    assert first.id.startswith("m-1@example.com/")


def test_a_mail_without_id_is_identified_by_its_content() -> None:
    def id_of(trace: str, body: str) -> str:
        return event(f"{trace}From: ana@example.com\nSubject: x\n\n{body}").id

    one = id_of("Received: by a\nReturn-Path: <a@x>\nDelivered-To: b@x\n", "Hello")
    assert one == id_of("Received: by b\n", "Hello")
    assert one != id_of("Received: by a\n", "Hello!")


# --- what ------------------------------------------------------------------------------------------------------------


def test_an_attachment_is_kept_by_its_content() -> None:
    found = mapped(
        mail('Content-Type: application/pdf; name="a.pdf"\nContent-Transfer-Encoding: base64\n', body="aGVsbG8=")
    )
    message = found.drafts[0].data.message
    assert message is not None
    (attachment,) = message.attachments
    assert (attachment.name, attachment.content_type, attachment.bytes) == ("a.pdf", "application/pdf", 5)
    assert attachment.blob == blob_name(b"hello")
    assert b"hello" in found.blobs


def test_a_large_original_is_stored_as_a_blob() -> None:
    small = mail().encode()
    assert base64.b64decode(raw_of(event(small))["mime"]) == small
    large = mail(body="word\n" * 20_000).encode()
    found = mapped(large)
    assert raw_of(found.drafts[0]) == {"blob": blob_name(large), "bytes": len(large)}
    assert large in found.blobs


def test_omissions_by_limits_are_named() -> None:
    draft = event(mail(body="word \n" * 100_000))
    assert raw_of(draft)["left_out"] == ["text"]


@pytest.mark.parametrize("empty", [b"", b"\r\n\r\n", b"no mail at all", b"\0\1\2", b"<html></html>"])
def test_a_mail_without_fields_is_refused(empty: bytes) -> None:
    with pytest.raises(Refused, match="malformed"):
        mapped(empty)


@given(st.binary(max_size=500))
def test_any_bytes_behind_a_field_become_an_event(rest: bytes) -> None:
    found = mapped(b"From: ana@example.com\nContent-Type: multipart/report; boundary=b\n" + rest)
    assert found.drafts
    for draft in found.drafts:
        assert raw_of(draft)


# --- reports ---------------------------------------------------------------------------------------------------------


def report(status: str, original: str = "Message-ID: <sent@acme.test>\nTo: ana@example.com\n", **how: str) -> str:
    return (
        "From: MAILER-DAEMON@mx.example.com\nTo: bo@acme.test\nMessage-ID: <dsn@mx.example.com>\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nSorry.\n"
        f"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.com\n\n{status}\n"
        f"--b\nContent-Type: text/rfc822-headers\n\n{original}\n--b--\n"
    )


def test_a_failed_delivery_joins_its_mails_thread() -> None:
    draft = event(
        report("Final-Recipient: rfc822; ana@example.com\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 no")
    )
    data = draft.data
    assert draft.type == "cx.message.failed.v1"
    assert draft.id.startswith("dsn@mx.example.com/")
    assert data.interaction == "mail/sent@acme.test"
    assert people(draft)[0] == ("customer", "", "ana@example.com")
    assert data.message is not None
    assert (data.message.id, data.message.in_reply_to) == ("sent@acme.test", "sent@acme.test")
    assert data.failure is not None
    assert (data.failure.code, data.failure.message) == ("5.1.1", "550 no")


@pytest.mark.parametrize(
    ("status", "diagnostic", "code"),
    [
        ("5.0.0", "smtp; 550 5.1.1 User unknown", "5.1.1"),
        ("5.0.0", "smtp; 550 User unknown", "5.1.1"),
        ("5.0.0", "smtp; 550 no", "5.0.0"),
        ("5.2.2 (full)", "", "5.2.2"),
        ("", "smtp; 552 too much", "552"),
        ("5.1.1", "smtp; 550 5.7.1 see 192.0.2.1", "5.7.1"),
    ],
)
def test_the_most_telling_code_is_given(status: str, diagnostic: str, code: str) -> None:
    fields = (
        f"Final-Recipient: rfc822; ana@example.com\nAction: failed\nStatus: {status}\nDiagnostic-Code: {diagnostic}"
    )
    failure = event(report(fields)).data.failure
    assert failure is not None
    assert failure.code == code


def test_the_customer_has_the_address_we_wrote_to() -> None:
    status = "Original-Recipient: rfc822; ana@example.com\nFinal-Recipient: rfc822; box17@host.example\nAction: failed"
    assert people(event(report(status)))[0][2] == "ana@example.com"


def test_each_recipient_of_a_report_is_an_event() -> None:
    status = "\n\n".join(f"Final-Recipient: rfc822; {n}@example.com\nAction: {a}\nStatus: {s}" for n, a, s in (
        ("ana", "failed", "5.1.1"), ("bea", "delayed", "4.4.1"), ("cia", "relayed", "2.0.0")))  # fmt: skip
    found = mapped(report(status))
    assert [(draft.type.split(".")[2], draft.data.reason, people(draft)[0][2]) for draft in found.drafts] == [
        ("failed", "", "ana@example.com"),
        ("received", "delayed", "bea@example.com"),
        ("delivered", "", "cia@example.com"),
    ]
    assert len({draft.id for draft in found.drafts}) == 3
    assert len({bytes(draft.data.raw) for draft in found.drafts}) == 1  # type: ignore[arg-type]


def test_a_delay_is_a_notice_and_no_failure() -> None:
    draft = event(report("Final-Recipient: rfc822; ana@example.com\nAction: delayed\nStatus: 4.4.1"))
    assert draft.data.message is not None
    assert draft.data.message.id == "dsn@mx.example.com"
    assert draft.data.message.automatic == "report"
    assert draft.data.direction == "internal"


def prose(body: str, subject: str = "failure notice", sender: str = "MAILER-DAEMON@mx.example.com") -> str:
    return f"From: {sender}\nTo: bo@acme.test\nSubject: {subject}\nMessage-ID: <b@mx.example.com>\n\n{body}"


@pytest.mark.parametrize(
    ("notice", "recipient", "code"),
    [
        ("<ana@example.com>:\nSorry, no mailbox here by that name. (#5.1.1)", "ana@example.com", "5.1.1"),
        ("The following addresses failed:\n\n  ana@example.com\n    550 5.2.2 over quota", "ana@example.com", "5.2.2"),
        ("Your message to ana@example.com could not be delivered:\nmailbox is full", "ana@example.com", "5.2.2"),
        ("not delivered to:\n\n  ana@example.com\n\nbecause:\n\n  User not listed in it", "ana@example.com", "5.1.1"),
        ("RCPT TO:<ana@example.com>\n550 unknown user", "ana@example.com", "5.1.1"),
        ("Something went wrong.", "", "5.0.0"),
    ],
)  # fmt: skip
def test_a_bounce_in_prose_is_understood(notice: str, recipient: str, code: str) -> None:
    draft = event(prose(f"Hi bo@acme.test,\n{notice}\n"))
    assert draft.type == "cx.message.failed.v1"
    assert people(draft)[0] == ("customer", "", recipient)
    assert draft.data.failure is not None
    assert draft.data.failure.code == code


def outcomes(found: Mapped) -> list[tuple[str, str, str]]:
    """(what, recipient, code) of each event."""
    return [
        (
            draft.type.split(".")[2],
            draft.data.participants[0].identifiers[0].value if draft.data.participants[0].identifiers else "",
            draft.data.failure.code if draft.data.failure else "",
        )
        for draft in found.drafts
    ]


def test_an_error_in_a_transcript_differs_from_success() -> None:
    said = (
        "Transcript of session follows.\n\n Out: 220 mx.example.com ESMTP\n In:  MAIL FROM:<a@acme.test>\n"
        " Out: 250 2.1.0 Ok\n In:  RCPT TO:<ana@example.com>\n Out: 250 2.1.5 Ok\n In:  DATA\n"
        " Out: 451 4.3.0 Error: queue file write error\n In:  QUIT\n Out: 221 2.0.0 Bye"
    )
    found = mapped(prose(said, "Postfix SMTP server: errors from localhost[127.0.0.1]"))
    assert outcomes(found) == [("failed", "ana@example.com", "4.3.0")]


def test_a_warning_is_a_delay_whatever_it_quotes() -> None:
    said = (
        "THIS IS A WARNING MESSAGE ONLY.\nYOU DO NOT NEED TO RESEND YOUR MESSAGE.\n\n"
        "----- The following addresses had fatal errors -----\n"
        "[Status: Error, Address: <ana@example.com>, ResponseCode 421, , Host not reachable.]\n\n"
        "Message will be retried for 4 more day(s)"
    )
    found = mapped(prose(said, "Mail Delivery Status Notification (Delay)"))
    assert outcomes(found) == [("received", "ana@example.com", "4.4.1")]
    assert found.drafts[0].data.reason == "delayed"


@pytest.mark.parametrize(
    "said",
    [
        "554 <ana@example.com>... 550 Host unknown\n554 <carl@example.org>... 550 Host unknown",
        "did not reach the following recipient(s):\n\nana@example.com on Thu, 29 Apr 2027 16:51:51 -0500\n"
        "    The recipient name is not recognized\ncarl@example.org on Thu, 29 Apr 2027 16:51:51 -0500\n"
        "    The recipient name is not recognized",
    ],
)
def test_each_address_listed_by_a_notice_has_failed(said: str) -> None:
    returned = (
        "\n\n----- Unsent message follows -----\nReceived: by mx\nFrom: support@acme.example\nTo: ana@example.com\n"
    )
    found = mapped(prose(said + returned + "Subject: x\nMessage-ID: <sent@acme.test>\n\nHello"))
    assert [recipient for _, recipient, _ in outcomes(found)] == ["ana@example.com", "carl@example.org"]


def test_a_report_without_separable_parts_is_read_as_prose() -> None:
    said = (
        "This report relates to a message you sent with the following header fields:\n\n"
        "  Message-id: <sent@acme.test>\n"
        "  Date: Thu, 29 Apr 2027 23:34:45 +0000\n  From: support@acme.example\n  To: list@example.org\n"
        "  Subject: Hello\n\nYour message cannot be delivered to the following recipients:\n\n"
        "  Recipient address: ana@example.com\n  Reason: Remote SMTP server has rejected address\n"
        "  Diagnostic code: smtp; 550 5.7.1 550 User Unknown: ana@example.com\n"
    )
    found = mapped(prose(said, "Delivery Notification: Delivery has failed"))
    assert outcomes(found) == [("failed", "ana@example.com", "5.7.1")]
    assert found.drafts[0].data.message is not None
    assert found.drafts[0].data.message.id == "sent@acme.test"


def test_a_senderless_notice_returning_a_mail_is_a_bounce() -> None:
    """Phone companies bounce under subjects that say nothing."""
    raw = (
        "Return-Path: <>\nFrom: no-reply@app.example.net\nTo: support@acme.example\nSubject: Mail\n"
        'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain\n\n'
        "Could not be delivered to: <ana@example.net>\nAs their mailbox is full.\n\n"
        "--b\nContent-Type: message/rfc822\n\nMessage-ID: <sent@acme.test>\nFrom: support@acme.example\n"
        "To: ana@example.net\nSubject: x\n\nHello\n--b--\n"
    )
    assert outcomes(mapped(raw)) == [("failed", "ana@example.net", "5.2.2")]
    forwarded = raw.replace("Could not be delivered to: <ana@example.net>\nAs their mailbox is full.", "Please see.")
    assert outcomes(mapped(forwarded))[0][0] == "received"


def test_a_complaint_of_microsofts_junk_programme_is_a_reaction() -> None:
    """It comes as a mail with the mail that is complained about, not as a report."""
    raw = (
        "From: staff@hotmail.com\nTo: support@acme.example\nSubject: complaint about message from 192.0.2.222\n"
        'Message-ID: <c-1@hotmail.com>\nContent-Type: multipart/mixed; boundary="b"\n\n--b\n'
        "Content-Type: message/rfc822\nContent-Disposition: inline\n\n"
        "X-HmXmrOriginalRecipient: ana@example.com\nMessage-ID: <sent@acme.test>\nFrom: support@acme.example\n"
        "To: list@example.org\nSubject: News\n\nHello\n--b--\n"
    )
    draft = event(raw)
    assert (draft.type, draft.data.reaction) == ("cx.message.reacted.v1", "complaint")
    assert draft.data.participants[0].identifiers[0].value == "ana@example.com"
    assert draft.data.message is not None
    assert draft.data.message.id == "sent@acme.test"


def test_the_mail_below_a_bounce_names_thread_and_recipient() -> None:
    draft = event(
        prose(
            "It could not be delivered.\n\n------ This is a copy of the message. ------\n\n"
            "Message-ID: <sent@acme.test>\nReferences: <root@example.com>\n"
            "From: bo@acme.test\nTo: ana@example.com\nSubject: x\n\nhi"
        )
    )
    assert draft.data.interaction == "mail/root@example.com"
    assert people(draft)[0][2] == "ana@example.com"


@pytest.mark.parametrize(
    ("subject", "sender"),
    [
        ("Fwd: failure notice", "ana@example.com"),
        ("Undelivered mail, what now?", "ana@example.com"),
        ("Delivery failed: your parcel", "no-reply@parcels.example"),
    ],
)
def test_mail_of_a_person_or_shop_is_no_bounce(subject: str, sender: str) -> None:
    assert event(prose("I got 550 5.1.1 from you", subject, sender)).type == "cx.message.received.v1"


def test_a_complaint_is_a_reaction_to_the_sent_mail() -> None:
    draft = event(
        "From: fbl@example.com\nMessage-ID: <c@x>\nContent-Type: multipart/report; boundary=b\n\n--b\n"
        "Content-Type: message/feedback-report\n\nFeedback-Type: abuse\nOriginal-Rcpt-To: ana@example.com\n\n"
        "--b\nContent-Type: message/rfc822\n\nMessage-ID: <sent@acme.test>\nTo: ana@example.com\n\nhi\n--b--"
    )
    assert draft.type == "cx.message.reacted.v1"
    assert draft.data.reaction == "complaint"
    assert draft.data.interaction == "mail/sent@acme.test"
    assert people(draft)[0][2] == "ana@example.com"
