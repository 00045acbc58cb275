"""Notices that a mail did not arrive: which mail it was, why, and refusals of list servers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_channels.email.mime import PROVIDER
from cx_channels.kit.mail.delivery.reasons import code_of, said_by, stated_in, without_letter
from cx_channels.provider import Connection, Request
from cx_context.parts.speakers import speaker
from cx_events.envelope import Draft

ACME = Connection("mail", "acme", "email/mime", settings={"addresses": ["support@acme.example"]})


def drafts(raw: str, envelope_from: str = "<>") -> list[Draft]:
    return list(PROVIDER.map(Request(raw.encode(), "SMTP", headers={"x-envelope-from": envelope_from}), ACME).drafts)


def told(draft: Draft) -> tuple[str, str, str]:
    """What became of it, for whom, with which code."""
    identifiers = draft.data.participants[0].identifiers
    code = draft.data.failure.code if draft.data.failure else ""
    return draft.type.split(".")[2], identifiers[0].value if identifiers else "", code


# --- why --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("The recipient's mailbox is over its quota", "5.2.2"),
        ("552 user has exhausted: not enough disk space", "5.2.2"),
        ("Your message could not be stored, the mail folder is full.", "5.2.2"),
        ("You have exceeded your daily sending quota", "5.7.1"),
        ("450 too many connections from your host", "5.7.1"),
        ("No such person at this address", "5.1.1"),
        ("Unknown local part ana in <ana@example.com>", "5.1.1"),
        ("The account you mailed doesn't exist here", "5.1.1"),
        ("Recipient address rejected: User unknown in virtual alias table", "5.1.1"),
        ("Recipient address rejected: Domain not found", "5.4.4"),
        ("Host or domain name not found. Name service error", "5.4.4"),
        ("Unrouteable address", "5.4.4"),
        ("553 mail.example.org does not exist", "5.1.2"),
        ("This account has been disabled", "5.2.1"),
        ("mailbox is frozen", "5.2.1"),
        ("Message size exceeds fixed limit", "5.3.4"),
        ("Too many hops", "5.4.6"),
        ("Relay access denied", "5.7.1"),
        ("554 rejected due to our anti-spam policy", "5.7.1"),
        ("Access denied", "5.7.1"),
        ("retry timeout exceeded", "5.4.7"),
        ("Your message was not delivered within 0 days and 1 hours.", "5.4.7"),
        ("Remote host is not responding.", "5.4.1"),
        ("450 service permits 2 unverifyable sending IPs", "5.7.1"),
        ("connection refused", "5.4.1"),
        ("Have a nice day", ""),
        ("see https://example.com/why/user-unknown", ""),
        ("<user.unknown@quota.example> spoke", ""),
    ],
)
def test_words_of_a_reason_give_its_status(words: str, status: str) -> None:
    assert said_by(words) == status


@pytest.mark.parametrize(
    ("status", "explanation", "code"),
    [
        ("5.1.0", "5.1.0 - Unknown address error 550-'5.2.2 <ana@example.com>... Mailbox Full'", "5.2.2"),
        ("4.4.7", "450 4.7.1 Access denied. IP name lookup failed", "4.7.1"),
        ("5.1.1", "552 5.2.2 Over quota", "5.2.2"),
        ("5.2.0", "522 5.2.0 Delivery failed: Over quota", "5.2.2"),
        ("5.3.0", "553 5.3.0 <ana@example.com>... No such user here", "5.1.1"),
        ("5.6.0", "550 5.6.0 rejected: media error", "5.6.0"),
        ("5.1.0", "550 #5.1.0 Address rejected.", "5.1.0"),
        ("4.0.0", "connection timed out", "4.4.7"),
        ("5.0.0", "554 no", "5.0.0"),
        ("", "421 mx.example.com: host not reachable", "4.4.1"),
        ("", "554 no", "554"),
        ("", "2.0.0 fine", ""),
    ],
)
def test_the_refusing_servers_code_precedes_the_reporting_servers(status: str, explanation: str, code: str) -> None:
    assert code_of(status, explanation) == code


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("host mx.example.com [192.0.2.1]: 550 5.1.1 no such user", "550 5.1.1 no such user"),
        ("The error was: [554 5.4.6 Hop count exceeded]", "554 5.4.6 Hop count exceeded"),
        ("Remote Server returned '550 5.1.10 not found'", "550 5.1.10 not found"),
        ("no reply here", "no reply here"),
    ],
)
def test_the_reason_is_told_without_the_letter_around_it(line: str, reason: str) -> None:
    assert without_letter(line) == reason


@given(st.text(max_size=300), st.sampled_from(["", "5.0.0", "4.0.0", "5.1.1", "5.2.0", "x"]))
def test_a_stated_class_stays(words: str, status: str) -> None:
    code = code_of(status, words)
    if status[:1] in ("4", "5") and not stated_in(words):
        assert code[0] == status[0]


SEVERAL = (
    "From: MAILER-DAEMON@mx.example.com\nTo: support@acme.example\nSubject: failure notice\nMessage-ID: <b@x>\n"
    "\nYour message was not delivered to:\n\n  ana@example.com\n    550 User unknown\n  bo@example.org\n"
    "    Mailbox is full\n\n--- Transcript ---\n  cy@example.net\n<<< 550-Your host\n<<< 550 is on a blacklist\n"
)


def test_each_recipient_has_a_reason_of_its_own() -> None:
    found = drafts(SEVERAL)
    assert [told(draft) for draft in found] == [
        ("failed", "ana@example.com", "5.1.1"),
        ("failed", "bo@example.org", "5.2.2"),
        ("failed", "cy@example.net", "5.7.1"),
    ]
    assert [draft.data.failure.message for draft in found if draft.data.failure][:2] == [
        "550 User unknown",
        "Mailbox is full",
    ]


def test_recipients_without_a_blank_line_between_are_each_reported() -> None:
    (first, second) = drafts(
        parted(
            "report",
            "\nIt failed.\n",
            f"{FAILED}Final-Recipient: rfc822; bo@example.com\nAction: failed\nStatus: 5.2.2\n",
        )
    )
    assert told(first) == ("failed", "ana@example.com", "5.1.1")
    assert told(second) == ("failed", "bo@example.com", "5.2.2")


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("retry timeout exceeded", "4.4.7"),
        ("mailbox is full: retry timeout exceeded", "4.2.2"),
        ("all hosts have been failing for a long time and were last tried after this message arrived", "4.4.7"),
        ("550 5.1.1 unknown user: retry timeout exceeded", "5.1.1"),
        ("mailbox is full", "5.2.2"),
    ],
)
def test_a_delivery_tried_until_the_deadline_is_transient(reason: str, code: str) -> None:
    """RFC 3463, section 2; where a server says that it is permanent, that counts."""
    notice = f"A message could not be delivered. The following address failed:\n\n  ana@example.com\n    {reason}\n"
    assert told(*drafts(f"{HEAD}\n{notice}")) == ("failed", "ana@example.com", code)


def reported(fields: str) -> str:
    return parted("report", "\nIt failed.\n", f"{STATUS}{fields}", "Content-Type: message/rfc822\n\n")


def test_a_failures_customer_is_the_original_recipient() -> None:
    """RFC 3464, section 2.3.1: the address that the sender gave, also where an alias put another in its place and the
    mail itself did not come back."""
    raw = parted("report", "\nIt failed.\n", f"{FAILED}Original-Recipient: rfc822;shop@example.net\n")
    assert told(*drafts(raw)) == ("failed", "shop@example.net", "5.1.1")


@pytest.mark.parametrize(
    "reply",
    [
        "550-5.7.26 Mail from acme.example is not\n    550-5.7.26 accepted. See\n    550 5.7.26 https://x.example/550-5",
        "550-5.7.26 Mail from acme.example is not 550-5.7.26 accepted. See 550 5.7.26 https://x.example/550-5",
    ],
)
def test_a_reply_of_several_lines_is_told_as_one(reply: str) -> None:
    """RFC 5321, section 4.2.1: the code before each line is no word of it."""
    (draft,) = drafts(reported(f"Action: failed\nStatus: 5.7.26\nDiagnostic-Code: smtp; {reply}\n"))
    assert draft.data.failure is not None
    assert draft.data.failure.message == (
        "550 5.7.26 Mail from acme.example is not accepted. See https://x.example/550-5"
    )


def test_a_reply_of_several_lines_is_one_message() -> None:
    reply = "550-Turn on authentication\n    550-in 550 programs.\n    550 Relay is denied"
    (draft,) = drafts(reported(f"Action: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp; {reply}\n"))
    assert draft.data.failure is not None
    assert draft.data.failure.message == "550 Turn on authentication in 550 programs. Relay is denied"


def test_a_reply_with_doubled_carriage_returns_is_read_whole() -> None:
    reply = "550-5.7.26 Mail from acme.example is not\r\n550-5.7.26 accepted. See\r\n550 5.7.26 the policy\n"
    (draft,) = drafts(f"{HEAD}\n<ana@example.com> did not like our DATA:\n{reply}".replace("\n", "\r\n"))
    assert draft.data.failure is not None
    assert draft.data.failure.message == "550 5.7.26 Mail from acme.example is not accepted. See the policy"


def test_a_reason_continues_on_the_next_line() -> None:
    (draft,) = drafts(f"{HEAD}\nana@example.com\n\nMail size limit exceeded. See\nhttp://x.example/size\n\nBye\n")
    assert draft.data.failure is not None
    assert draft.data.failure.message == "Mail size limit exceeded. See http://x.example/size"


# --- which mail -------------------------------------------------------------------------------------------------------

HEAD = "From: MAILER-DAEMON@mx.example.com\nTo: support@acme.example\nSubject: failure notice\nMessage-ID: <b@x>\n"
NOTICE = "<ana@example.com>:\nSorry, no mailbox here by that name. (#5.1.1)\n"
SENT = (
    "Received: by mx.acme.example; Fri, 27 Nov 2026 10:00:00 +0000\nFrom: support@acme.example\nTo: ana@example.com\n"
    "Message-ID: <sent@acme.example>\nSubject: Your order\n\nHello\n"
)
STATUS = "Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nFinal-Recipient: rfc822; ana@example.com\n"
FAILED = f"{STATUS}Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 no\n"


def parted(kind: str, *parts: str) -> str:
    body = "".join(f"--b\n{part}\n" for part in parts)
    return f"{HEAD}Content-Type: multipart/{kind}; boundary=b\n\n{body}--b--\n"


@pytest.mark.parametrize(
    "raw",
    [
        parted("mixed", f"\n{NOTICE}", f'Content-Type: text/plain; name="original.txt"\n\n{SENT}'),
        parted("mixed", f"\n{NOTICE}", f"Content-Type: text/plain\nContent-Disposition: attachment\n\n{SENT}"),
        parted("mixed", f"\n{NOTICE}", SENT),
        parted("mixed", f"\n{NOTICE}", f"\n{SENT}"),
        parted("mixed", f"\n{NOTICE}", f"Content-Type: message/partial\n\n{SENT}"),
        parted("mixed", f"\n{NOTICE}", f"Content-Type: application/octet-stream; name=a.eml\n\n{SENT}"),
        parted("report", f"\n{NOTICE}", FAILED, f"Content-Type: text/plain\n\n{SENT}"),
        parted("report", f"\n{NOTICE}\n--- Below this line is a copy of the message.\n\n{SENT}", FAILED),
        parted("report", f"\n{NOTICE}", f"{FAILED}\n--other\nContent-Type: message/rfc822\n\n{SENT}"),
        f"{HEAD}\nThis is a MIME-encapsulated message\n\n--q\n\n{NOTICE}\n--q\n{FAILED}\n--q\n"
        f"Content-Type: message/rfc822\n\n{SENT}\n--q--\n",
        f"{HEAD}\n{NOTICE}\nThe message identifier was: <sent@acme.example>\n",
        f"{HEAD}\n{NOTICE}\nMessage-ID:\n  <sent@acme.example>\n",
        f"{HEAD}In-Reply-To: <sent@acme.example>\n\n{NOTICE}",
    ],
    ids=[
        "a named text", "an attached text", "a part whose head is the mail's", "a part without a head",
        "part of a message", "a file", "a report's text", "a report's prose", "another boundary",
        "a report in a text", "an id in prose", "an id on the next line", "an answer",
    ],
)  # fmt: skip
def test_a_bounce_joins_the_thread_of_the_failed_mail(raw: str) -> None:
    (draft,) = drafts(raw)
    assert told(draft) == ("failed", "ana@example.com", "5.1.1")
    assert draft.data.interaction == "mail/sent@acme.example"
    assert draft.data.message is not None
    assert draft.data.message.id == "sent@acme.example"


def test_a_complaint_joins_the_thread_that_its_text_names() -> None:
    report = "Content-Type: message/feedback-report\n\nFeedback-Type: abuse\nOriginal-Rcpt-To: ana@example.com\n"
    text = "This is an email abuse report for an email message with the message-id of sent@acme.example received from"
    (draft,) = drafts(parted("report", f"\n{text} IP address 192.0.2.1\n", report, "Content-Type: message/rfc822\n\n"))
    assert (draft.type, draft.data.interaction) == ("cx.message.reacted.v1", "mail/sent@acme.example")


# --- refusals of list servers -----------------------------------------------------------------------------------------


def notice(sender: str, subject: str, body: str, more: str = "") -> str:
    return f"From: {sender}\nTo: support@acme.example\nSubject: {subject}\nMessage-ID: <n@x>\n{more}\n{body}"


REFUSALS = [
    (notice("dev-bounces@lists.example", "Your message to Dev awaits moderator approval",
            "Your mail to 'Dev' with the subject\n\n    Re: invoice\n\nIs being held until the list moderator"
            " can review it for approval.\n",
            "Precedence: bulk\nX-BeenThere: dev@lists.example\nX-List-Administrivia: yes\n"),
     ("failed", "dev@lists.example", "4.7.1")),
    (notice("dev-owner@lists.example", "Request to mailing list Dev rejected",
            "Your request to the Dev mailing list\n\n    Posting of your message\n\nhas been rejected by the list"
            " moderator.\n", "Precedence: bulk\n"), ("failed", "dev@lists.example", "5.7.1")),
    (notice("LISTSERV <LISTSERV@lists.example>", "Rejected posting to DEV@lists.example",
            "You are not authorized to send mail to the DEV list from your account.\n"),
     ("failed", "DEV@lists.example", "5.7.1")),
    (notice("SYMPA <sympa@lists.example>", "Message rejected", "Your message for list 'dev' was rejected.\n",
            "Auto-Submitted: auto-replied\n"), ("failed", "", "5.7.1")),
    (notice("neko-admin@lists.example", "You are not member",
            "You are not a member of this mailing list <neko@lists.example>.\n"),
     ("failed", "neko@lists.example", "5.7.1")),
    (notice("Google Groups <noreply@googlegroups.com>", "Posting to dev",
            "Your message to the group dev was not delivered. Only members may post to this group.\n"),
     ("failed", "", "5.7.1")),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "expected"), REFUSALS)
def test_a_list_servers_refusal_is_a_failure(raw: str, expected: tuple[str, str, str]) -> None:
    (draft,) = drafts(raw)
    assert told(draft) == expected
    assert speaker(draft.type, draft.data) == "system"


def test_a_refusal_returning_the_mail_joins_its_thread() -> None:
    raw = notice("dev-owner@lists.example", "Re: Your order", "", "Content-Type: multipart/mixed; boundary=b\n")
    said = "You are not allowed to post to this mailing list, and your message has\nbeen automatically rejected.\n"
    sent = SENT.replace("ana@example.com", "dev@lists.example")
    (draft,) = drafts(f"{raw}--b\n\n{said}\n--b\nContent-Type: message/rfc822\n\n{sent}\n--b--\n")
    assert told(draft) == ("failed", "dev@lists.example", "5.7.1")
    assert draft.data.interaction == "mail/sent@acme.example"


@pytest.mark.parametrize(
    "raw",
    [
        notice("Ana <ana@example.com>", "Your message was not delivered", "You are not allowed to post my parcel.\n",
               "List-Id: <support.acme.example>\nPrecedence: list\n"),
        notice("Ana <ana@example.com>", "Re: Your message to Dev awaits moderator approval",
               "What is this?\n> Your mail to 'Dev' is being held until the list moderator can review it\n"),
        notice("Sales <sales-admin@example.com>", "invoice", "Your message was rejected by my bank. Send it again!\n"),
        notice("'Ana' via Dev <dev-bounces@lists.example>", "x", "Your message to the list was rejected, they say.\n",
               "X-Original-Sender: ana@example.com\nList-Id: <dev.lists.example>\n"),
    ],
)  # fmt: skip
def test_a_person_who_writes_of_refusals_is_a_customer(raw: str) -> None:
    (draft,) = drafts(raw, "ana@example.com")
    assert draft.type == "cx.message.received.v1"
    assert speaker(draft.type, draft.data) == "customer"


@pytest.mark.parametrize(
    ("sender", "subject", "text"),
    [
        ("Ana <bouncehouse@example.com>", "Delivery problem with order 4711", "It was not delivered.\n"),
        ("Ana <nobodyknows@example.com>", "question", "Your form says: user unknown.\n"),
        ('"Ana Silva (System Administrator)" <ana@example.com>', "Delivery failed for order 4711", "Where is it?\n"),
        ("Royal Mail Delivery <depot@courier.example>", "Delivery problem: no such address", "We come again.\n"),
        ("Ana <store-owner@example.com>", "my post", "Your mail says that only members can post to the group. Why?\n"),
        ("Ana <site-admin@example.com>", "refund", "Your refund request was denied as I am not a member, it says.\n"),
    ],
)
def test_a_person_named_like_a_machine_is_a_customer(sender: str, subject: str, text: str) -> None:
    for envelope in (sender.partition("<")[2].rstrip(">"), ""):
        (draft,) = drafts(notice(sender, subject, text), envelope)
        assert (draft.type, speaker(draft.type, draft.data)) == ("cx.message.received.v1", "customer")


@pytest.mark.parametrize(
    "sender",
    [
        "Mail Delivery Subsystem <x@mx.example>", "MAILER-DAEMON <x@mx.example>", "bounces+7@mx.example",
        "System Administrator <x@mx.example>", "Internet Mail Delivery <x@mx.example>", "<mail-deliver@mx.example>",
        "<MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@mx.example>", "Postmaster <x@mx.example>",
    ],
)  # fmt: skip
def test_a_daemon_is_known_by_its_name_or_address(sender: str) -> None:
    (draft,) = drafts(notice(sender, "Undelivered Mail Returned to Sender", NOTICE), "x@mx.example")
    assert told(draft) == ("failed", "ana@example.com", "5.1.1")


PROSE_FOR_FIELDS = """From: Mail Administrator <postmaster@example.net>
To: support@acme.example
Subject: Mail System Error - Returned Mail
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

This Message was undeliverable due to the following reason:

<ana@example.net> has restricted SMS e-mail

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mta.example.net

Final-Recipient: rfc822; ana@example.net
Action: failed
Status: 5.3.0

--b--
"""


def test_prose_in_a_status_part_is_text_and_reason() -> None:
    (draft,) = drafts(PROSE_FOR_FIELDS)
    assert draft.data.failure is not None
    assert draft.data.failure.message == "<ana@example.net> has restricted SMS e-mail"
    assert draft.data.message is not None
    assert draft.data.message.text.startswith("This Message was undeliverable")
    assert "Final-Recipient" not in draft.data.message.text


def test_a_heading_of_sendmail_is_no_reason() -> None:
    (draft,) = drafts(
        "From: MAILER-DAEMON@mta.example\nSubject: Warning: could not send message for past 1 day\n\n"
        "   ----- Transcript of session follows -----\n<ana@example.net>... Deferred\n"
    )
    assert draft.data.failure is not None
    assert draft.data.failure.message == "<ana@example.net>... Deferred"
