"""Read a mail that a route of Mailgun's brings: raw in ``body-mime``, or taken apart into fields and files.

documentation.mailgun.com/docs/mailgun/user-manual/receive-forward-store/receive-http and .../store-retreive: texts are
UTF-8, ``message-headers`` the fields of the mail in their order, files are ``attachment-1`` and so on, or stay with
Mailgun and are named with their addresses (``store``).
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from cx_channels.email.mailgun.fields import PROOF, MailgunForm, read_form
from cx_channels.email.mailgun.legacy import pairs_of
from cx_channels.kit.json_values import first, obj, text, whole
from cx_channels.kit.mail.mapping import Envelope, MailMapping
from cx_channels.kit.mail.message.dkim import signers_of
from cx_channels.kit.mail.mime.charsets import clean
from cx_channels.kit.mail.mime.headers import MAX_FIELDS, MAX_VALUE, Headers
from cx_channels.kit.mail.mime.parse import MAX_PARTS, Mail, parse
from cx_channels.kit.mail.mime.structured_fields import parse_structured
from cx_channels.kit.mail.originals import mapped_fields, mapped_mail
from cx_channels.kit.mail.rebuilt import File, Form, file_of, rebuilt_mail
from cx_channels.kit.mail.settings import mail_settings
from cx_channels.provider import Connection, Mapped, Request
from cx_events.envelope import Attachment, Draft
from cx_events.errors import Refused

DKIM_RESULT = "x-mailgun-dkim-check-result"

# The fields of a mail that a form shows apart, for one without ``message-headers``.
_SHOWN = ("From", "To", "Cc", "Reply-To", "Subject", "Date", "Message-Id", "In-Reply-To", "References", "Received")


def map_inbound(request: Request, connection: Connection) -> Mapped:
    """Map one mail. Raise ``Refused("malformed")`` for a form without one."""
    form = request.once(read_form)
    reading, drafts = read_inbound(request, connection)
    if form.content("body-mime").strip():
        return mapped_mail(form.content("body-mime"), reading, drafts)
    stored = [_stored(each) for each in form.stored[:MAX_PARTS]]
    for draft in drafts:
        if draft.data.message is not None and stored:
            draft.data.message.attachments = [*draft.data.message.attachments, *stored]
    return mapped_fields(_kept(form), reading, drafts)


def read_inbound(request: Request, connection: Connection) -> tuple[MailMapping, list[Draft]]:
    """Return a mail as it was read, and its drafts without ``raw``."""
    form = request.once(read_form)
    raw = form.content("body-mime")
    mail = parse(raw) if raw.strip() else _mail_of(form)
    if raw.strip() and not mail.headers.fields:
        raise Refused("malformed", "this is no mail: body-mime has no header field")
    settings = mail_settings(connection.settings, by_vendor=True)
    signers = _signers(mail.headers) if connection.settings.get("dkim_check") is True else ()
    envelope = Envelope(
        sender=form.text("sender").strip() if "sender" in form.by_name else None,
        recipients=form.text("recipient")[:MAX_VALUE],
        by_vendor=True,
        signers=signers,
        told=f"{DKIM_RESULT} Pass",
    )
    reading = MailMapping(connection.id, mail, settings, envelope)
    return reading, reading.drafts()


def _signers(headers: Headers) -> tuple[str, ...]:
    """Return the domain whose signature Mailgun found valid: that of the only one, since the result names none.

    A sender may write such a field, too; Mailgun's stand above the first ``Received``, which Mailgun adds.
    """
    above: list[str] = []
    for name, value in headers.decoded():
        if name == "received":
            break
        if name == DKIM_RESULT:
            above.append(value.lower())
    else:
        return ()
    signers = signers_of(headers)
    return tuple(signers) if above == ["pass"] and len(signers) == 1 and signers[0] else ()


# --- fields to a tree of parts ---------------------------------------------------------------------------------------


def _mail_of(form: MailgunForm) -> Mail:
    headers = _headers(form)
    html = b"\n".join(form.every("body-html"))
    # Of a mail in HTML alone Mailgun makes a text, which its writer never wrote.
    is_html = parse_structured(headers.raw("content-type")).value == "text/html" and html.strip()
    plain = b"" if is_html else form.content("body-plain")
    if not plain.strip() and not html.strip():
        plain = form.content("stripped-text")
    return rebuilt_mail(headers, [Form("text/plain", plain), Form("text/html", html)], _files(form))


def _headers(form: MailgunForm) -> Headers:
    found = [
        (name.strip().lower()[:120], _line(value if isinstance(value, str) else ""))
        for name, value in pairs_of(form)[:MAX_FIELDS]
    ]
    names = {name for name, _ in found}
    shown = ((name.lower(), _line(form.text(name) or form.text(name.lower()))) for name in _SHOWN)
    found += [(name, value) for name, value in shown if value and name not in names]
    return Headers([(name, value.encode("utf-8", "replace")[:MAX_VALUE]) for name, value in found if name and value])


def _line(value: str) -> str:
    return " ".join(clean(value).split())


def _files(form: MailgunForm) -> Iterator[File]:
    ids = {text(name): cid.strip("<> ") for cid, name in obj(form.json("content-id-map")).items()}
    for part in form.files:
        yield file_of(part, content_id=ids.get(part.name, ""))


def _stored(file: dict[str, object]) -> Attachment:
    size = file.get("size")
    return Attachment(
        name=clean(text(file.get("name")))[:255],
        content_type=text(file.get("content-type"))[:120],
        bytes=whole(size),
        url=first(file.get("url")),
    )


def _kept(form: MailgunForm) -> bytes:
    """Return the fields that a retry repeats, as JSON on one line. Files are kept by their content."""
    files = {part.name for part in form.files}
    told = {
        name: clean(b"\n".join(form.every(name)).decode("utf-8", "replace"))
        for name in form.by_name
        if name not in files and name not in PROOF
    }
    return msgspec.json.encode({"form": told})
