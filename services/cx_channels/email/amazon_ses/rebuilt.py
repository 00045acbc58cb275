"""Make the notification that SES would have posted of a mail in S3, of the mail's fields. Pure.

docs.aws.amazon.com/ses/latest/dg/receiving-email-notifications-contents.html. SES's verdicts are not in it: what the
mail says of them, its sender may have written. One to the sender's harm is taken.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from cx_channels.kit.mail.mime.addresses import parse_mailboxes
from cx_channels.kit.mail.mime.headers import Headers, split_head
from cx_events.json_types import Json
from cx_events.timestamps import Micros, format_time

_MOST = 60_000
"""Characters of all fields together."""
_MOST_OF_ONE = 8_000
_BULKY = ("x-", "arc-", "dkim-", "received", "authentication-results", "domainkey-")
"""Fields that a longer list is told without: nothing here reads them."""
_TAKEN_BY_SES = re.compile(
    r"by inbound-smtp\.[a-z0-9.-]{1,60} with [A-Z]{4,8} id ([!-~]{1,200}) for <?([!-:=?-~]{1,400})>?;"
)
_HARMFUL: Mapping[str, str] = {"x-ses-spam-verdict": "spamVerdict", "x-ses-virus-verdict": "virusVerdict"}


class MailObject(NamedTuple):
    """A mail in S3. ``id``: SES's; ``at``: when it was put there; ``is_readable``: it has content that is at hand."""

    key: str
    id: str
    at: Micros
    is_readable: bool


def notification(bucket: str, prefix: str, mail: MailObject, head: bytes) -> Json:
    """Return SES's notification of the action S3. ``head``: the mail's begin."""
    headers, _ = split_head(head)
    at = format_time(mail.at)
    recipients = _recipients(headers, mail.id)
    fields = list(headers.decoded())
    is_long = sum(len(name) + len(value) for name, value in fields) > _MOST
    listed = [{"name": name, "value": value} for name, value in (_short(fields) if is_long else fields)]
    verdicts = {
        verdict: {"status": "FAIL"} for name, verdict in _HARMFUL.items() if headers.raw(name).upper() == "FAIL"
    }
    action = {"type": "S3", "bucketName": bucket, "objectKeyPrefix": prefix, "objectKey": mail.key}
    return {
        "notificationType": "Received",
        "mail": {
            "timestamp": at, "source": _source(headers), "messageId": mail.id, "destination": recipients,
            "headersTruncated": is_long, "headers": listed,
        },
        "receipt": {"timestamp": at, "recipients": recipients, **verdicts, "action": action},
    }  # fmt: skip


def in_full(told: Json, mail: bytes) -> Iterator[Json]:
    """Yield the notifications of the action SNS by which the same mail, whole, may have come. ``told``: as
    ``notification`` has it.

    What a mail's ids are made of depends on what its From is worth, and on the encoding: by UTF-8 bytes that are none
    of it are lost.
    """
    contents = [("BASE64", b64encode(mail).decode("ascii"))]
    by_utf8 = mail.decode("utf-8", "replace")
    if by_utf8.encode() != mail:
        contents.append(("UTF8", by_utf8))
    for encoding, content in contents:
        for verdict in ("PASS", "FAIL"):
            said = {"dmarcVerdict": {"status": verdict}, "action": {"type": "SNS", "encoding": encoding}}
            yield {**told, "receipt": {**told["receipt"], **said}, "content": content}


def _short(fields: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield what is told of a list that is too long."""
    left = _MOST
    for name, value in fields:
        if name.startswith(_BULKY):
            continue
        left -= len(name) + min(len(value), _MOST_OF_ONE)
        if left < 0:
            return
        yield name, value[:_MOST_OF_ONE]


def _source(headers: Headers) -> str:
    """Return the envelope's sender, which SES writes into ``Return-Path``, ``<>`` of a report; the writer without."""
    written = headers.raw("return-path")
    if written:
        return written.strip("<> ") or "<>"
    return next((each.address for each in parse_mailboxes(headers.raw("from"))), "")


def _recipients(headers: Headers, id: str) -> list[str]:
    """Return whom SES took the mail for. A field of SES's has its id of the mail, which no sender knows before."""
    found = (match for each in headers.every("received") if (match := _TAKEN_BY_SES.search(each)) is not None)
    return list(dict.fromkeys(match[2] for match in found if match[1] == id))
