"""Read what mail services send by Anymail: the readers of ``vendor_models`` for mail.

Anymail is no vendor's own, but reads what four of them send, and their own libraries have no models of it. Each reader
takes a request and the connection that it is for. A mail's words are left out: ours are without what is quoted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from email.utils import parseaddr
from functools import cache
from importlib import import_module
from typing import Any

from tests.clients.vendor_readers import Told, micros

from cx_channels.provider import Connection, Request
from cx_events.strict_json import is_json

_KEYS = {"MAILGUN_API_KEY": "a key", "MAILGUN_WEBHOOK_SIGNING_KEY": "a key", "WEBHOOK_SECRET": "a:secret"}


@cache
def django_requests() -> Any:
    """Return what makes requests as Django has them."""
    settings: Any = import_module("django.conf").settings
    if not settings.configured:
        settings.configure(ANYMAIL=_KEYS, DATA_UPLOAD_MAX_MEMORY_SIZE=None)
    return import_module("django.test").RequestFactory()


def django_request(request: Request, **headers: str) -> Any:
    """Return a request as Django has it."""
    return django_requests().post(
        "/", request.body, content_type=request.headers["content-type"], headers=headers
    )  # fmt: skip


def sendgrid(request: Request, _connection: Connection) -> Iterator[Told]:
    yield from _read("SendGrid", request, tracking=is_json(request.content_type))


def mailgun(request: Request, _connection: Connection) -> Iterator[Told]:
    form = () if is_json(request.content_type) else django_request(request).POST
    is_mail = "body-plain" in form or "body-mime" in form  # such a mail may hold its sender's own field "event"
    yield from _read("Mailgun", request, tracking=not form or ("event" in form and not is_mail))


def postmark(request: Request, _connection: Connection) -> Iterator[Told]:
    yield from _read("Postmark", request, tracking="RecordType" in json.loads(request.body))


def amazon_ses(request: Request, _connection: Connection) -> Iterator[Told]:
    told = json.loads(request.body)
    if told.get("Type") != "Notification":
        return
    notice = json.loads(told["Message"])
    is_mail = notice.get("notificationType") == "Received"
    told_by_sns = _read("AmazonSES", request, tracking=not is_mail, x_amz_sns_message_type="Notification")
    # Anymail's time is that of SNS, ours that of what happened
    yield from (each._replace(at=None) for each in told_by_sns)


_MODULES = {"SendGrid": "sendgrid", "Mailgun": "mailgun", "Postmark": "postmark", "AmazonSES": "amazon_ses"}


def _read(name: str, request: Request, *, tracking: bool, **headers: str) -> Iterator[Told]:
    module: Any = import_module(f"anymail.webhooks.{_MODULES[name]}")
    posted = django_request(request, **{key.replace("_", "-"): value for key, value in headers.items()})
    view = getattr(module, f"{name}{'Tracking' if tracking else 'Inbound'}WebhookView")()
    for event in view.parse_events(posted):
        yield _notice(event) if tracking else _mail(event.message)


def _notice(event: Any) -> Told:
    id = (event.message_id or "").strip("<>") or None
    if "anymail_id" in event.esp_event or event.event_type in ("subscribed", "unsubscribed"):
        id = None  # an argument of the sender's own, who is Anymail; and who leaves is told of no mail
    return Told(event.event_type, id, parseaddr(event.recipient or "")[1] or None, at=micros(event.timestamp))


def _mail(message: Any) -> Told:
    id = (message["Message-ID"] or "").strip().strip("<>") or None
    sender = message.from_email.addr_spec if message.from_email else None
    answers = (message["In-Reply-To"] or "").strip().strip("<>") or None
    return Told("mail", id, sender, answers=answers, subject=message.subject or "")
