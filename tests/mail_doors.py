"""One mail through several doors of a tenant: mapped by the real providers, stamped as intake does."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from cx_channels.email.amazon_ses import PROVIDER as SES
from cx_channels.email.imap import PROVIDER as IMAP
from cx_channels.email.mailgun import PROVIDER as MAILGUN
from cx_channels.email.mime import PROVIDER as MIME
from cx_channels.email.postmark import PROVIDER as POSTMARK
from cx_channels.email.sendgrid import PROVIDER as SENDGRID
from cx_channels.provider import Connection, Provider, Request
from cx_events.codec import decode
from cx_events.facts import Fact, connection_source
from cx_events.ids import IdSpace
from cx_events.stamp import StampedEvent, connection_writer, stamp
from cx_events.testing.builders import ACME
from cx_events.timestamps import Micros

SETTINGS = {"addresses": ["support@acme.example"], "mx": ["192.0.2.1"], "authserv_ids": ["mx.acme.example"]}
BOUNDARY = "a-boundary-of-the-vendor"


class WrittenMail(NamedTuple):
    """A mail as its writer sent it. ``trace``: what the hosts on its way add."""

    id: str = "m-1@example.com"
    sender: str = "Ana López <ana@example.com>"
    to: str = "support@acme.example"
    date: str = "Sun, 22 Nov 2026 10:00:00 +0000"
    subject: str = "Charged twice"
    text: str = "Hello,\r\n\r\nI was charged twice, José.\r\n"
    html: str = ""
    answers: str = ""
    file: bytes = b""
    trace: str = ""

    @property
    def fields(self) -> list[tuple[str, str]]:
        found = [("From", self.sender), ("To", self.to), ("Date", self.date), ("Subject", self.subject)]
        found += [("Message-ID", f"<{self.id}>")] if self.id else []
        return found + ([("In-Reply-To", f"<{self.answers}>")] if self.answers else [])

    @property
    def raw(self) -> bytes:
        head = self.trace + "".join(f"{name}: {value}\r\n" for name, value in self.fields) + "MIME-Version: 1.0\r\n"
        if not self.html and not self.file:
            return f"{head}Content-Type: text/plain; charset=utf-8\r\n\r\n{self.text}".encode()
        pieces = [f"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{self.text}\r\n"]
        if self.html:
            pieces.append(f"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{self.html}\r\n")
        whole = f"{head}Content-Type: multipart/alternative; boundary=b\r\n\r\n{''.join(pieces)}--b--\r\n"
        if not self.file:
            return whole.encode()
        inner = f"Content-Type: multipart/alternative; boundary=b\r\n\r\n{''.join(pieces)}--b--\r\n"
        return (
            (
                f"{head}Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n{inner}--a\r\n"
                'Content-Type: application/pdf\r\nContent-Disposition: attachment; filename="bill.pdf"\r\n\r\n'
            ).encode()
            + self.file
            + b"\r\n--a--\r\n"
        )


def _raw(mail: WrittenMail) -> Request:
    return Request(mail.raw, headers={"x-envelope-to": "support@acme.example", "x-envelope-peer": "192.0.2.1"})


def _by_postmark(mail: WrittenMail) -> Request:
    name, _, address = mail.sender.partition(" <")
    shown = {"From", "To", "Date", "Subject"}
    document = {
        "FromFull": {"Email": address.rstrip(">"), "Name": name},
        "ToFull": [{"Email": mail.to, "Name": ""}],
        "OriginalRecipient": "abc@inbound.postmarkapp.com",
        "Subject": mail.subject,
        "MessageID": "5b8c1d2e-0000-4000-8000-000000000001",
        "Date": mail.date.replace("+0000", "+00:00"),
        "TextBody": mail.text.replace("\r\n", "\n"),
        "HtmlBody": mail.html,
        "Headers": [
            {"Name": "Received", "Value": "by p-pm-inbound01.example"},
            *({"Name": name, "Value": value} for name, value in mail.fields if name not in shown),
        ],
        "Attachments": _postmark_files(mail),
    }
    return Request(json.dumps(document).encode())


def _postmark_files(mail: WrittenMail) -> list[dict[str, object]]:
    if not mail.file:
        return []
    content = b64encode(mail.file).decode()
    named = {"Name": "bill.pdf", "ContentType": "application/pdf", "ContentLength": len(mail.file)}
    return [{**named, "Content": content}]


def _form(fields: Mapping[str, str], mail: WrittenMail, file: str) -> Request:
    pieces = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    if mail.file:
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{file}"; filename="bill.pdf"\r\n'
        pieces.append(f"{head}Content-Type: application/pdf\r\n\r\n".encode() + mail.file + b"\r\n")
    body = b"".join(pieces) + f"--{BOUNDARY}--\r\n".encode()
    return Request(body, headers={"content-type": f"multipart/form-data; boundary={BOUNDARY}"})


def _by_sendgrid(mail: WrittenMail) -> Request:
    head = "".join(f"{name}: {value}\n" for name, value in mail.fields)
    fields = {
        "headers": head, "from": mail.sender, "to": mail.to, "subject": mail.subject, "text": mail.text,
        "charsets": json.dumps({"text": "utf-8", "html": "utf-8", "from": "utf-8", "subject": "utf-8"}),
        "envelope": json.dumps({"to": ["support@acme.example"], "from": "ana@example.com"}),
    }  # fmt: skip
    return _form({**fields, **({"html": mail.html} if mail.html else {})}, mail, "attachment1")


def _by_mailgun(mail: WrittenMail) -> Request:
    fields = {
        "recipient": "support@acme.example", "sender": "ana@example.com", "body-plain": mail.text,
        "message-headers": json.dumps([list(field) for field in mail.fields]),
    }  # fmt: skip
    return _form({**fields, **({"body-html": mail.html} if mail.html else {})}, mail, "attachment-1")


def _by_ses(mail: WrittenMail) -> Request:
    notice = {
        "notificationType": "Received",
        "mail": {"messageId": "ses-1", "source": "ana@example.com", "timestamp": "2026-11-22T10:00:05.000Z"},
        "receipt": {"recipients": ["support@acme.example"], "action": {"type": "SNS", "encoding": "UTF-8"}},
        "content": mail.raw.decode(),
    }
    return Request(json.dumps(notice).encode())


class Door(NamedTuple):
    provider: Provider
    request: Callable[[WrittenMail], Request]


DOORS: Mapping[str, Door] = MappingProxyType(
    {
        "imap": Door(IMAP, _raw),
        "smtp": Door(MIME, _raw),
        "postmark": Door(POSTMARK, _by_postmark),
        "sendgrid": Door(SENDGRID, _by_sendgrid),
        "mailgun": Door(MAILGUN, _by_mailgun),
        "ses": Door(SES, _by_ses),
    }
)


def through(door: str, mail: WrittenMail, recorded: Micros, ids: IdSpace = ACME) -> StampedEvent:
    """Return the event that a mail becomes by a door, whose connection has the door's name."""
    vendor = DOORS[door]
    settings = {"addresses": SETTINGS["addresses"]}
    if door in ("imap", "smtp"):
        settings = SETTINGS
    connection = Connection(door, ids.tenant, vendor.provider.name, settings=settings)
    (draft,) = vendor.provider.map(vendor.request(mail), connection).drafts
    source = connection_source(ids.tenant, door)
    return stamp(draft, source=source, recorded=recorded, ids=ids, writer=connection_writer(door))


def fact_of(event: StampedEvent, ids: IdSpace = ACME) -> Fact:
    return Fact(decode(event.raw), event.raw, ids)
