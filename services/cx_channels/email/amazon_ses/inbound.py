"""Map a mail that SES received: whole where the notification holds it, else by its fields.

The verdicts are SES's own (``receipt``): only DMARC is about the address in From. ``spfVerdict`` is about the envelope,
``dkimVerdict`` about whichever domain signed.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import msgspec

from cx_channels.email.amazon_ses.notice import Notice
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, obj, objects, text, texts
from cx_channels.kit.mail.mapping import Envelope, MailMapping
from cx_channels.kit.mail.message.origin import vendor_verdict
from cx_channels.kit.mail.mime.headers import MAX_FIELDS, MAX_VALUE
from cx_channels.kit.mail.mime.parse import Mail, parse
from cx_channels.kit.mail.settings import mail_settings
from cx_channels.provider import Mapped, Unmapped
from cx_events.blob.port import blob_name
from cx_events.envelope import Attachment, Draft
from cx_events.json_types import Json

MAX_INLINE_RAW = 64 << 10
_VERDICTS = ("spamVerdict", "virusVerdict", "spfVerdict", "dkimVerdict", "dmarcVerdict")
_NAME = re.compile(r"[!-9;-~]{1,100}")
_OF_CONTENT = ("content-type", "content-transfer-encoding", "content-disposition")


def map_content(notice: Notice) -> Mapped:
    """Map a mail whose raw form is in the notification."""
    raw = _content(notice)
    mail = parse(raw) if raw is not None else None
    if mail is None or not mail.headers.fields:
        return Mapped(unmapped=(notice.lost("malformed: the content is no mail"),))
    reading = _reading(notice, mail)
    drafts = reading.drafts()
    stored, blobs = _kept(notice, reading, apart=len(drafts) > 1)
    for draft in drafts:
        draft.data.raw = msgspec.Raw(stored)
        _judge(notice, draft)
    if _failed(notice, "virusVerdict"):
        return Mapped(drafts=tuple(drafts), blobs=blobs)  # what carries a virus is offered to nobody
    return Mapped(drafts=tuple(drafts), blobs=(*blobs, *reading.blobs))


def map_fetched(notice: Notice, raw: bytes) -> Mapped:
    """Map a mail that was fetched from S3, with what SES's notification says of it."""
    mail = parse(raw)
    if not mail.headers.fields:
        return Mapped(unmapped=(notice.lost("malformed: what lies in S3 is no mail"),))
    reading = _reading(notice, mail)
    drafts = reading.drafts()
    for draft in drafts:
        draft.data.raw = msgspec.Raw(notice.raw)
        _judge(notice, draft)
    return Mapped(drafts=tuple(drafts), blobs=tuple(reading.blobs))


def map_fields(notice: Notice) -> Mapped:
    """Map a mail of which the notification has the fields alone, and perhaps where in S3 the whole lies."""
    outcome = _of_fields(notice)
    if isinstance(outcome, Unmapped):
        return Mapped(unmapped=(outcome,))
    return Mapped(drafts=(outcome,))


def _of_fields(notice: Notice) -> Draft | Unmapped:
    mail = parse(b"".join(_fields(notice.mail)) + b"\r\n")
    if not notice.message_id or not mail.headers.fields:
        return notice.lost("malformed: it names no mail, or none of its fields")
    reading = _reading(notice, mail)
    draft = reading.as_message()
    draft.id = f"ses/{notice.message_id}/{draft.type.split('.')[2]}"
    draft.data.raw = msgspec.Raw(notice.raw)
    assert draft.data.message is not None
    draft.data.message.content_type = ""
    draft.data.message.attachments = list(_in_s3(notice))
    _judge(notice, draft)
    return draft


def ids_of_fields(message_id: str) -> frozenset[str]:
    """Return the ids of which an event has one that is made of a mail's fields. ``message_id``: SES's of the mail."""
    return frozenset(f"ses/{id_part(message_id)}/{what}" for what in ("received", "sent"))


def _content(notice: Notice) -> bytes | None:
    """Return the raw mail. ``encoding``: as the rule's action says; by UTF-8 bytes that are none of it are lost."""
    written = text(notice.value.get("content"))
    if text(obj(obj(notice.value.get("receipt")).get("action")).get("encoding")).upper() != "BASE64":
        return written.encode("utf-8", "replace")
    try:
        return b64decode("".join(written.split()), validate=True)
    except ValueError:
        return None


def _reading(notice: Notice, mail: Mail) -> MailMapping:
    receipt = obj(notice.value.get("receipt"))
    told = "; ".join(f"{name}={said}" for name in _VERDICTS if (said := _verdict(notice, name)))
    verdict = vendor_verdict(mail.headers, passed_dmarc=_verdict(notice, "dmarcVerdict") == "PASS", statement=told)
    source = text(notice.mail.get("source"))
    envelope = Envelope(
        sender=source if source and source != "<>" else "<>",
        recipients=", ".join(texts(receipt.get("recipients")))[:MAX_VALUE],
        by_vendor=True,
        verdict=verdict,
    )
    return MailMapping(notice.connection.id, mail, mail_settings(notice.connection.settings, by_vendor=True), envelope)


def _verdict(notice: Notice, name: str) -> str:
    return text(obj(obj(notice.value.get("receipt")).get(name)).get("status"))[:40].upper()


def _failed(notice: Notice, name: str) -> bool:
    return _verdict(notice, name) == "FAIL"


def _judge(notice: Notice, draft: Draft) -> None:
    """Say of a message that SES found a virus in it, or took it for spam."""
    message = draft.data.message
    if message is None or draft.data.reason:
        return
    if _failed(notice, "virusVerdict"):
        draft.data.reason = "virus"
        for each in message.attachments:
            each.blob = ""
    elif _failed(notice, "spamVerdict"):
        draft.data.reason = "spam"


def _kept(notice: Notice, reading: MailMapping, apart: bool) -> tuple[bytes, tuple[bytes, ...]]:
    """Return the notification as it is kept: inside the event when small, else in the blob store."""
    raw = notice.raw
    omissions = reading.omissions()
    if len(raw) <= MAX_INLINE_RAW and not apart and not omissions:
        return raw, ()
    kept: dict[str, Any] = {"blob": blob_name(raw), "bytes": len(raw)}
    if omissions:
        kept["left_out"] = omissions
    if authentication := reading.origin.kept():
        kept["authentication"] = authentication
    return msgspec.json.encode(kept), (raw,)


def _fields(mail: Json) -> Iterator[bytes]:
    """Yield the fields of a mail as lines; ``commonHeaders`` where the list was left out of the notification."""
    listed = [(text(each.get("name")), text(each.get("value"))) for each in objects(mail.get("headers"))]
    if not listed:
        common = obj(mail.get("commonHeaders"))
        listed = [
            (name, first(common.get(key), ", ".join(texts(common.get(key)))))
            for name, key in (
                ("From", "from"), ("To", "to"), ("Cc", "cc"), ("Reply-To", "replyTo"), ("Date", "date"),
                ("Message-ID", "messageId"), ("Subject", "subject"),
            )
        ]  # fmt: skip
    for name, value in listed[:MAX_FIELDS]:
        if value and _NAME.fullmatch(name) and name.lower() not in _OF_CONTENT:
            yield f"{name}: {' '.join(value.split())[:MAX_VALUE]}\r\n".encode("utf-8", "replace")


def _in_s3(notice: Notice) -> Iterator[Attachment]:
    """Yield where the whole mail lies, as a file of the message: whoever may read the bucket fetches it."""
    action = obj(obj(notice.value.get("receipt")).get("action"))
    bucket, key = text(action.get("bucketName")), text(action.get("objectKey"))
    if bucket and key and not _failed(notice, "virusVerdict"):
        yield Attachment(name="message.eml", content_type="message/rfc822", url=f"s3://{bucket}/{key}"[:2_048])
