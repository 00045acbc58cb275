"""A mail means the same by whichever way it came: raw by SMTP, or by a vendor that received it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from msgspec import UNSET, structs
from tests.contract.provider_cases import Case, cases_of

from cx_channels.email.mailgun import PROVIDER as MAILGUN
from cx_channels.email.mime import PROVIDER as MIME
from cx_channels.email.sendgrid import PROVIDER as SENDGRID
from cx_channels.provider import Connection, Mapped, Provider, Request
from cx_events.envelope import Data, Draft

SETTINGS = {"addresses": ["support@acme.example"], "agents": ["bo@acme.example"]}
BOUNDARY = "a-boundary-of-the-vendor"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"

PARSED = (
    b"Received: from mail.example.com by mx.vendor.example; Thu, 19 Nov 2026 09:15:02 +0000\r\n"
    b"From: Ana Silva <ana@example.com>\r\nTo: support@acme.example\r\nDate: Thu, 19 Nov 2026 09:15:00 +0000\r\n"
    b"Message-ID: <p-1@mail.example.com>\r\nIn-Reply-To: <a-1@acme.example>\r\nSubject: Re: Order 42\r\n"
)
TEXT, HTML = "Where is it, José?\r\n", "<p>Where is it, José?</p>\r\n"
MIME_BODY = (
    'Content-Type: multipart/alternative; boundary="b"\r\n\r\n'
    f"--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\n{TEXT}\r\n"
    f"--b\r\nContent-Type: text/html; charset=iso-8859-1\r\n\r\n{HTML}\r\n--b--\r\n"
).encode("latin-1")


def form(**fields: bytes | str) -> bytes:
    pieces = []
    for name, value in fields.items():
        content = value.encode() if isinstance(value, str) else value
        pieces.append(
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name.replace("_", "-")}"\r\n\r\n'.encode()
        )
        pieces.append(content + b"\r\n")
    return b"".join(pieces) + f"--{BOUNDARY}--\r\n".encode()


def by_sendgrid(raw: bytes) -> bytes:
    return form(
        email=raw, dkim="none", envelope=json.dumps({"to": ["support@acme.example"], "from": "ana@example.com"})
    )


def by_mailgun(raw: bytes) -> bytes:
    return form(recipient="support@acme.example", sender="ana@example.com", body_mime=raw)


RAW: dict[str, tuple[Provider, Callable[[bytes], bytes]]] = {
    "sendgrid": (SENDGRID, by_sendgrid),
    "mailgun": (MAILGUN, by_mailgun),
}


def mapped(provider: Provider, body: bytes, content_type: str) -> Mapped:
    headers = {
        "content-type": content_type,
        "x-envelope-to": "support@acme.example",
        "x-envelope-from": "ana@example.com",
    }
    return provider.map(Request(body, headers=headers), Connection("mail", "acme", provider.name, settings=SETTINGS))


def without_raw(draft: Draft) -> tuple[str, str, int | None, Data]:
    return draft.type, draft.id, draft.time, structs.replace(draft.data, raw=UNSET)


def mails() -> Iterator[Case]:
    yield from cases_of(MIME)


@pytest.mark.parametrize("vendor", sorted(RAW))
@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in mails()])
def test_a_raw_mail_reads_as_by_smtp(vendor: str, case: Case) -> None:
    provider, as_form = RAW[vendor]
    by_smtp = mapped(MIME, case.content, "message/rfc822")
    by_vendor = mapped(provider, as_form(case.content), CONTENT_TYPE)
    assert [without_raw(each) for each in by_vendor.drafts] == [without_raw(each) for each in by_smtp.drafts]
    assert by_vendor.blobs == by_smtp.blobs


def test_sendgrids_fields_read_as_by_smtp() -> None:
    by_smtp = mapped(MIME, PARSED + MIME_BODY, "message/rfc822")
    body = form(
        headers=PARSED, text=TEXT.encode("latin-1"), html=HTML.encode("latin-1"), subject="Re: Order 42",
        charsets='{"text":"iso-8859-1","html":"iso-8859-1"}', envelope='{"to":["support@acme.example"]}',
    )  # fmt: skip
    by_fields = mapped(SENDGRID, body, CONTENT_TYPE)
    assert [without_raw(each) for each in by_fields.drafts] == [without_raw(each) for each in by_smtp.drafts]


def test_mailguns_fields_read_as_by_smtp() -> None:
    utf8 = MIME_BODY.decode("latin-1").replace("iso-8859-1", "utf-8").encode()
    by_smtp = mapped(MIME, PARSED + utf8, "message/rfc822")
    pairs = [line.split(": ", 1) for line in PARSED.decode().splitlines()]
    body = form(
        recipient="support@acme.example", sender="ana@example.com", message_headers=json.dumps(pairs),
        body_plain=TEXT, body_html=HTML, stripped_text="Where?",
    )  # fmt: skip
    by_fields = mapped(MAILGUN, body, CONTENT_TYPE)
    assert [without_raw(each) for each in by_fields.drafts] == [without_raw(each) for each in by_smtp.drafts]


def test_a_retry_under_another_boundary_is_the_same_event() -> None:
    body = form(headers=PARSED, text=TEXT)
    again = body.replace(BOUNDARY.encode(), b"another-boundary")
    first = mapped(SENDGRID, body, CONTENT_TYPE)
    assert mapped(SENDGRID, again, "multipart/form-data; boundary=another-boundary") == first
