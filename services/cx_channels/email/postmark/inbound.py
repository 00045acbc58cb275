"""Read a mail that Postmark received: its JSON becomes a tree of parts, which is mapped like any other mail.

Shape: postmarkapp.com/developer/webhooks/inbound-webhook and .../user-guide/inbound/parse-an-email.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec

from cx_channels.email.postmark.values import WebhookPayload, line, text
from cx_channels.kit.json_values import objects
from cx_channels.kit.mail.mapping import Envelope, MailMapping
from cx_channels.kit.mail.message.body import REPORT_TYPES, Content, content_of
from cx_channels.kit.mail.mime.addresses import MAX_ADDRESSES
from cx_channels.kit.mail.mime.headers import MAX_FIELDS, MAX_VALUE, Headers
from cx_channels.kit.mail.mime.lenient_base64 import unbase64
from cx_channels.kit.mail.mime.parse import MAX_PARTS, Mail, Part, parse, unpack
from cx_channels.kit.mail.mime.structured_fields import parse_structured
from cx_channels.kit.mail.rebuilt import make_part
from cx_channels.kit.mail.settings import MIN_TOKEN, MailSettings, Own, mail_settings
from cx_channels.provider import Mapped
from cx_events.blob.port import blob_name
from cx_events.envelope import Draft
from cx_events.errors import Refused
from cx_events.json_types import Json

MAX_INLINE_RAW = 64 << 10

INBOUND_DOMAIN = "inbound.postmarkapp.com"
"""The domain of Postmark's own addresses for its customers; nobody writes from there."""

# Any of these makes a request one about a mail; one that names its sender alone says nothing.
SAYING = ("TextBody", "HtmlBody", "StrippedTextReply", "Subject", "Attachments", "Headers", "RawEmail")

# The fields of the mail that Postmark shows beside ``Headers``: name, the field of people, the field of text.
_FIELDS = (
    ("from", "FromFull", "From"),
    ("to", "ToFull", "To"),
    ("cc", "CcFull", "Cc"),
    ("subject", "", "Subject"),
    ("date", "", "Date"),
    ("reply-to", "", "ReplyTo"),
)

_VERDICTS = ("authentication-results", "arc-", "received-spf", "x-spam", "x-postmark")
_NO_NAME = "application/octet-stream"
_MAX_TOKEN = 240


def map_inbound(payload: WebhookPayload) -> Mapped:
    """Map one mail. Raise ``Refused("malformed")`` for a request without one."""
    reading, drafts = read_inbound(payload)
    stored, blobs = _kept(payload, reading, apart=len(drafts) > 1)
    for draft in drafts:
        draft.data.raw = stored
    return Mapped(drafts=tuple(drafts), blobs=(*blobs, *reading.blobs))


def read_inbound(payload: WebhookPayload) -> tuple[MailMapping, list[Draft]]:
    """Return a mail as it was read, and its drafts without ``raw``. Raise ``Refused("malformed")`` as ``map_inbound``
    does."""
    if not (payload.message_id or any(payload.fields.get(name) for name in SAYING)):
        raise Refused("malformed", "this is no mail: it has neither a MessageID nor anything that was written")
    reading = MailMapping(payload.connection.id, mail_of(payload.fields), settings_of(payload), _envelope(payload))
    return reading, reading.drafts()


def _kept(payload: WebhookPayload, reading: MailMapping, apart: bool) -> tuple[msgspec.Raw, tuple[bytes, ...]]:
    """Return what Postmark sent: inside the event when small, else in the blob store as it came,
    once for all events."""
    omissions = reading.omissions()
    if len(payload.written) <= MAX_INLINE_RAW and not apart and not omissions:
        return payload.raw(), ()
    kept: dict[str, Any] = {"blob": blob_name(payload.body), "bytes": len(payload.body)}
    if omissions:
        kept["left_out"] = omissions
    if authentication := reading.origin.kept():
        kept["authentication"] = authentication
    return msgspec.Raw(msgspec.json.encode(kept)), (payload.body,)


def _envelope(payload: WebhookPayload) -> Envelope:
    reached = payload["OriginalRecipient"][:MAX_VALUE]
    token = payload["MailboxHash"]
    return Envelope(
        recipients=", ".join(each for each in (reached, *_people(payload.fields.get("BccFull"))) if each)[:MAX_VALUE],
        by_vendor=True,
        tokens=(token,) if MIN_TOKEN <= len(token) <= _MAX_TOKEN else (),
    )


def settings_of(payload: WebhookPayload) -> MailSettings:
    """Return the connection's settings; the address by which the mail came to Postmark is ours, too."""
    settings = mail_settings(payload.connection.settings, by_vendor=True)
    own = settings.own
    if not own.addresses and not own.domains:
        return settings  # then whoever the mail is addressed to is taken for us
    local, at, domain = payload["OriginalRecipient"].lower().rpartition("@")
    reached = {f"{local.partition('+')[0]}@{domain}"} if at else set()
    return replace(settings, own=Own(own.addresses | reached, own.domains | {INBOUND_DOMAIN}))


# --- JSON to a tree of parts -----------------------------------------------------------------------------------------


def mail_of(fields: Json) -> Mail:
    """Return the mail as if it had come raw.

    A report (of delivery, abuse or reading) is read from ``RawEmail`` where that is sent: its parts are for machines,
    and the JSON need not show them. Any other mail is read from the fields, so that the events do not depend on whether
    the account sends ``RawEmail``, a text in which bytes that are no UTF-8 are lost; it only fills in missing fields.
    """
    original = text(fields.get("RawEmail"))
    raw = parse(original.encode("utf-8", "replace")) if original else None
    if raw is not None and raw.root.media_type == "multipart/report":
        return raw
    omissions: set[str] = set()
    content = None if raw is None else content_of(raw.root)
    parts = [*_written(fields, content), *_attached(fields, omissions)]
    if content is not None and not objects(fields.get("Attachments")):
        parts += map(_without_place, content.attached)
        omissions.update(raw.omissions if raw is not None else ())
    kind = "multipart/report" if any(part.media_type in REPORT_TYPES for part in parts) else "multipart/mixed"
    root = make_part(kind, b"", parts=parts, headers=_headers(fields, raw, omissions))
    return Mail(root, tuple(sorted(omissions)))


def _without_place(part: Part) -> Part:
    """Return a part of ``RawEmail`` without its number, which means nothing where the request is what is kept."""
    return replace(part, place="")


def _headers(fields: Json, raw: Mail | None, omissions: set[str]) -> Headers:
    """Return the fields of the mail: those in ``Headers`` in their order, then those that Postmark shows apart.

    ``raw`` fills in what is missing, except verdicts: there nobody can tell who wrote them.
    """
    shown = {name: value for name, full, plain in _FIELDS if (value := _field(fields, full, plain))}
    others = [
        (line(each.get("Name")).lower()[:120], line(each.get("Value"))) for each in objects(fields.get("Headers"))
    ]
    if raw is not None:
        names = {name for name, _, _ in _FIELDS}
        filled = [(name, line(value)) for name, value in raw.headers.decoded() if not name.startswith(_VERDICTS)]
        shown = {**{name: value for name, value in reversed(filled) if name in names and value}, **shown}
        others = others or [(name, value) for name, value in filled if name not in names]
    found = [(name, value) for name, value in others if name and name not in shown]
    if len(found) + len(shown) > MAX_FIELDS:
        omissions.add("headers")
        found = found[: MAX_FIELDS - len(shown)]
    encoded = [(name, value.encode("utf-8", "replace")) for name, value in (*found, *shown.items())]
    if any(len(value) > MAX_VALUE for _, value in encoded):
        omissions.add("headers")
    return Headers([(name, value[:MAX_VALUE]) for name, value in encoded])


def _field(fields: Json, full: str, plain: str) -> str:
    people = fields.get(full) if full else None
    listed = _people(people if isinstance(people, list) else [people])
    return ", ".join(listed) or line(fields.get(plain))


def _people(value: Any) -> list[str]:
    """Return ``{Email, Name, MailboxHash}`` as a field of a mail names each person."""
    named = [(line(each.get("Name")), line(each.get("Email"))) for each in objects(value)[:MAX_ADDRESSES]]
    return [_person(name, address) for name, address in named if address]


def _person(name: str, address: str) -> str:
    name = name.replace("\\", "\\\\").replace('"', '\\"')
    address = f"<{address.strip('<>')}>"
    return f'"{name}" {address}' if name else address


def _written(fields: Json, raw: Content | None) -> Iterator[Part]:
    """Yield the text, as the forms of one text.

    ``raw``: the text of ``RawEmail``, where it was sent. ``StrippedTextReply`` counts where nothing else was sent.
    """
    plain, html = text(fields.get("TextBody")), text(fields.get("HtmlBody"))
    if raw is not None and not plain.strip() and not html.strip():
        plain, html = raw.text(), "\n".join(section.markup() for section in raw.sections) if raw.has_html() else ""
    plain = plain or ("" if html else text(fields.get("StrippedTextReply")))
    forms = [
        make_part(kind, said.encode("utf-8", "replace"), {"charset": "utf-8"})
        for kind, said in (("text/plain", plain), ("text/html", html))
        if said.strip()
    ]
    if forms:
        yield make_part("multipart/alternative", b"", parts=forms)


def _attached(fields: Json, omissions: set[str]) -> Iterator[Part]:
    """Yield the attachments ``{Name, Content, ContentType, ContentLength, ContentID}``; the button "Check" calls the
    content ``Data``."""
    given = objects(fields.get("Attachments"))
    if len(given) > MAX_PARTS:
        omissions.add("parts")
    for each in given[:MAX_PARTS]:
        content = text(each.get("Content")) or text(each.get("Data"))
        if not content and each.get("ContentLength") not in (0, "0", None):
            omissions.add("attachments")
        kind = parse_structured(line(each.get("ContentType")))
        media_type = kind.value if kind.value.count("/") == 1 else _NO_NAME
        part = make_part(media_type, _unbase64(content, omissions), kind.parameters, file_name=line(each.get("Name")))
        if content_id := line(each.get("ContentID")):
            part.headers = Headers([("content-id", content_id.encode("utf-8", "replace"))])
        omissions |= unpack(part)
        yield part


def _unbase64(content: str, omissions: set[str]) -> bytes:
    """Return the attached bytes, as many as can be decoded; note an omission where that is not all."""
    letters = "".join(content.split()).encode("utf-8", "replace")
    try:
        return binascii.a2b_base64(letters, strict_mode=True)
    except ValueError:
        omissions.add("attachments")
        return unbase64(letters)
