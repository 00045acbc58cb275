"""Notices of failure in the words of particular servers, and what gateways add to them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cx_channels.email.mime import PROVIDER
from cx_channels.kit.mail.delivery.reasons import said_by
from cx_channels.provider import Connection, Request
from cx_events.envelope import Draft

ACME = Connection("mail", "acme", "email/mime", settings={"addresses": ["support@acme.example"]})
HEAD = (
    "From: Mail Delivery System <Mailer-Daemon@mx.example.net>\nTo: support@acme.example\n"
    "Date: Fri, 27 Nov 2026 10:00:00 +0000\nMessage-ID: <n1@mx.example.net>\n"
)


def only_draft(raw: str) -> Draft:
    (draft,) = PROVIDER.map(Request(raw.encode(), "SMTP", headers={"x-envelope-from": "<>"}), ACME).drafts
    return draft


def reason(raw: str) -> str:
    failure = only_draft(raw).data.failure
    assert failure is not None
    return failure.message


EXIM_WARNS = (
    HEAD + "Subject: Warning: message 1kAbCd-0000xy-00 delayed 24 hours\n\n"
    "This message was created automatically by mail delivery software.\n"
    "A message that you sent has not yet been delivered to one or more of its\n"
    "recipients after more than 24 hours on the queue on mx.example.net.\n\n"
    "The address to which the message has not yet been delivered is:\n\n  ana@example.com\n\n"
    "No action is required on your part. Delivery attempts will continue for\n"
    "some time, and this warning may be repeated at intervals if the message\n"
    "remains undelivered. Eventually the mail delivery software will give up,\n"
    "and when that happens, the message will be returned to you.\n"
)


def test_exims_warning_is_a_delay_and_no_failure() -> None:
    draft = only_draft(EXIM_WARNS)
    assert (draft.type, draft.data.reason, draft.data.direction) == ("cx.message.received.v1", "delayed", "internal")
    assert draft.data.participants[0].identifiers[0].value == "ana@example.com"
    failure = draft.data.failure
    assert failure is not None
    assert failure.code == "4.4.7"
    assert failure.message.startswith(
        "A message that you sent has not yet been delivered to one or more of its recipient"
    )


def test_exim_that_gave_up_reports_a_failure() -> None:
    raw = (
        HEAD + "Subject: Mail delivery failed: returning message to sender\n\n"
        "A message that you sent could not be delivered to one or more of its recipients.\n"
        "This is a permanent error. The following address(es) failed:\n\n  ana@example.com\n    Unrouteable address\n"
    )
    assert only_draft(raw).type == "cx.message.failed.v1"


def test_a_reply_goes_on_behind_its_colon() -> None:
    raw = (
        HEAD + "Subject: Mail delivery failed: returning message to sender\n\n"
        "The following address(es) failed:\n\n  ana@example.com\n"
        "    host mx.example.com [192.0.2.7]: 554 delivery error:\n"
        "    Sorry, mail for ana@example.com is not taken. This account is closed.\n"
    )
    assert reason(raw) == ("554 delivery error: Sorry, mail for ana@example.com is not taken. This account is closed.")


FOOTERS = [
    "________________________\nScanned for all viruses by Acme Shield on behalf of Example\n",
    "__________ Acme Shield, version 1.1856 __________\n\nThis message was scanned.\n",
    "*****\nThis mail came from the internet.\n",
]


@pytest.mark.parametrize("footer", ["", *FOOTERS])
def test_what_a_gateway_adds_is_no_reason(footer: str) -> None:
    raw = (
        HEAD + "Subject: Delivery Status Notification (Failure)\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n--b\n\n'
        "This is an automatically generated Delivery Status Notification.\n\n"
        f"Delivery to the following recipients failed.\n\n       ana@example.com\n\n\n\n{footer}"
        "\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns;mx.example.net\n\n"
        "Final-Recipient: rfc822;ana@example.com\nAction: failed\nStatus: 5.1.1\n\n--b--\n"
    )
    assert reason(raw) == "Delivery to the following recipients failed."


def test_what_stands_below_an_address_is_its_reason() -> None:
    raw = (
        HEAD + "Subject: Undeliverable mail\n\nYour mail did not arrive at:\n\n  ana@example.com\n\n"
        "The lion ate the letter before anybody could read it.\n\n-- \nMX\n"
    )
    assert reason(raw) == "The lion ate the letter before anybody could read it."


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("554 Rcpt <ana@example.com> does not exist", "5.1.1"),
        ("550 BAD_RECIPIENT, see https://mx.example.com/why", "5.1.1"),
        ("500 (err.nosuchuser)", "5.1.1"),
        ("Destinatario desconocido", "5.1.1"),
        ("550 Usuário inválido ou inexistente", "5.1.1"),
        ("551 <ana@example.com> is a deactivated mailbox", "5.2.1"),
        ("Esta casilla ha expirado por falta de uso.", "5.2.1"),
        ("La cuenta fue desactivada", "5.2.1"),
        ("The recipient was unavailable to take delivery of the message", "5.2.1"),
        ("User name ana (ana@example.com) not unique. Several matches found.", "5.1.4"),
        ("La cuenta de su pedido", ""),
    ],
)
def test_servers_words_give_a_status(words: str, status: str) -> None:
    assert said_by(words) == status


# --- Amazon SES, by a mail of SNS -------------------------------------------------------------------------------------

SES_MAIL = {
    "messageId": "0101-aa", "destination": ["ana@example.com"],
    "headers": [{"name": "To", "value": "ana@example.com"}, {"name": "Message-ID", "value": "<o1@acme.example>"}],
}  # fmt: skip
FOOTER = "\n--\nIf you wish to stop receiving notifications from this topic, visit:\nhttps://sns.example.com/u?a=1\n"


def by_sns(text: str, fields: str = "x-amz-sns-message-id: 02f86d9b\n") -> list[Draft]:
    raw = (
        "From: SES <no-reply@sns.amazonaws.com>\nTo: support@acme.example\nSubject: AWS Notification Message\n"
        f"Date: Fri, 27 Nov 2026 10:00:00 +0000\nMessage-ID: <s1@amazonses.com>\n{fields}\n{text}"
    )
    return list(PROVIDER.map(Request(raw.encode(), "SMTP", headers={}), ACME).drafts)


def bounced(*recipients: dict[str, Any]) -> dict[str, Any]:
    return {"notificationType": "Bounce", "bounce": {"bouncedRecipients": list(recipients)}, "mail": SES_MAIL}


GONE = {"emailAddress": "ana@example.com", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(bounced(GONE)) + FOOTER,
        json.dumps({"Type": "Notification", "Message": json.dumps(bounced(GONE)), "Signature": "x"}),
        json.dumps(bounced(GONE)).replace("user unknown", "us!\n er unknown"),
    ],
)
def test_a_bounce_told_by_sns_is_a_failure(text: str) -> None:
    (draft,) = by_sns(text)
    failure = draft.data.failure
    assert failure is not None
    assert (draft.type, failure.code, failure.message) == ("cx.message.failed.v1", "5.1.1", "550 5.1.1 user unknown")
    assert draft.data.participants[0].identifiers[0].value == "ana@example.com"
    assert draft.data.interaction == "mail/o1@acme.example"


def test_other_outcomes_that_ses_tells_by_mail() -> None:
    second = {**GONE, "emailAddress": "bo@example.com"}
    assert [draft.type for draft in by_sns(json.dumps(bounced(GONE, second)))] == ["cx.message.failed.v1"] * 2
    delivery = {"eventType": "Delivery", "delivery": {"recipients": ["ana@example.com"]}, "mail": SES_MAIL}
    assert [draft.type for draft in by_sns(json.dumps(delivery))] == ["cx.message.delivered.v1"]
    delay = {"eventType": "DeliveryDelay", "deliveryDelay": {"delayedRecipients": [GONE]}, "mail": SES_MAIL}
    assert [draft.data.reason for draft in by_sns(json.dumps(delay))] == ["delayed"]


def test_complaints_that_ses_tells_by_mail() -> None:
    who = [{"emailAddress": "ana@example.com"}, {"emailAddress": "bo@example.com"}]
    told = {"complainedRecipients": who, "complaintFeedbackType": "abuse"}
    drafts = by_sns(json.dumps({"notificationType": "Complaint", "complaint": told, "mail": SES_MAIL}))
    assert [(draft.type, draft.data.reaction, draft.data.reason) for draft in drafts] == [
        ("cx.message.reacted.v1", "complaint", "abuse")
    ] * 2
    assert len({draft.id for draft in drafts}) == 2


@pytest.mark.parametrize("text", ["Disk is full", "{", '{"eventType": "Open", "mail": {}}', '{"Message": "hello"}'])
def test_what_sns_says_besides_is_of_a_machine(text: str) -> None:
    (draft,) = by_sns(text)
    assert draft.data.message is not None
    assert (draft.type, draft.data.message.automatic) == ("cx.message.received.v1", "report")


def test_such_words_in_a_persons_mail_are_a_persons() -> None:
    (draft,) = by_sns(json.dumps(bounced(GONE)), fields="")
    assert draft.type == "cx.message.received.v1"
