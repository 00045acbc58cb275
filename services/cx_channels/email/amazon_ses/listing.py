"""List the mails that SES put into buckets, as the notifications that told of them.

docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html: a list is in the order of keys, which here are SES's
ids, so all of it is read for what came lately. The key ends in the id that the notification would have had, so that a
mail which the hub has is not read again. One that came in full, in the notification, has other ids, made of what it
says.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterator
from functools import partial

from cx_channels.catch_up.listing import Named, Page, ReadObject, Span
from cx_channels.email.amazon_ses.buckets import MailFolder, mail_folders
from cx_channels.email.amazon_ses.inbound import ids_of_fields
from cx_channels.email.amazon_ses.notice import SETUP
from cx_channels.email.amazon_ses.rebuilt import MailObject, in_full, notification
from cx_channels.kit.listed import Get, listed_json
from cx_channels.kit.safe_xml import Element, read_xml
from cx_channels.kit.times import iso_time
from cx_channels.provider import Connection
from cx_events.errors import Refused, TryLater

HEAD = 256 << 10
"""Bytes of a mail that are read: its fields stand there."""

MOST_IN_FULL = 160 << 10
"""Bytes of a mail that a notification may hold: SES takes 150 KB (docs.aws.amazon.com/ses/latest/dg,
receiving-email-action-sns)."""

_LISTED = "1000"
_AT_ONCE = 50
"""Mails of one page. Each that the hub lacks is a request of its own."""
_ID = re.compile(r"[A-Za-z0-9._-]{16,200}")
_AWAY = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""Classes of storage from which an object has to be restored before it can be read."""


def open_listing(connection: Connection, get: Get) -> Mails:
    """Return the lists of a connection. Raise ``Fatal`` for settings that can't be meant."""
    return Mails(connection, get)


class Mails:
    """The mails in each place, by the time at which SES put them there. SNS tries for an hour at most to deliver."""

    settle = 3600.0
    overlap = 600.0

    def __init__(self, connection: Connection, get: Get) -> None:
        self._folders = {folder.name: folder for folder in mail_folders(connection)}
        self._get = get

    async def names(self) -> AsyncGenerator[str, None]:
        for name in self._folders:
            yield name

    async def pages(self, name: str, span: Span) -> AsyncGenerator[Page, None]:
        folder = self._folders[name]
        async for listed in self._listed(folder):
            inside = [each for each in listed if span.since <= each.at <= span.until]
            inside.sort(key=lambda each: each.at)
            for begin in range(0, max(len(inside), 1), _AT_ONCE):
                yield tuple(
                    Named(ids_of_fields(each.id), partial(self._read, folder, each))
                    for each in inside[begin : begin + _AT_ONCE]
                )

    async def _listed(self, folder: MailFolder) -> AsyncGenerator[list[MailObject], None]:
        query = {"list-type": "2", "max-keys": _LISTED, "prefix": folder.prefix}
        seen = set[str]()
        while True:
            content = await self._get.content(folder.login, partial(folder.bucket.get, "", query))
            if content is None:
                raise Refused("not-there", f"S3 has no bucket {folder.bucket.name}")
            root = _list_in(content)
            yield list(_mails(root, folder))
            if root.words("IsTruncated") != "true":
                return
            token = root.words("NextContinuationToken")
            if not token or token in seen:
                raise TryLater("vendor", f"S3's list of {folder.name} does not go on, and has not ended")
            seen.add(token)
            query = {**query, "continuation-token": token}

    async def _read(self, folder: MailFolder, mail: MailObject) -> ReadObject | None:
        """Return a mail's notification, None where it is gone. Of one that can't be read now it has no fields, which is
        a dead letter."""
        head: bytes | None = b""
        if mail.is_readable:
            try:
                ask = partial(folder.bucket.get, mail.key, {}, first=HEAD)
                head = await self._get.content(folder.login, ask)
            except Refused as refused:
                raise Refused(refused.reason, f"{folder.bucket.name}/{mail.key}: {refused.detail}") from None
        if head is None:
            return None
        told = notification(folder.bucket.name, folder.prefix, mail, head)
        twins = in_full(told, head) if 0 < len(head) <= MOST_IN_FULL else ()
        return ReadObject(listed_json(told), tuple(map(listed_json, twins)))


def _list_in(content: bytes) -> Element:
    try:
        root = read_xml(content)
    except Refused as refused:
        raise TryLater("vendor", f"S3's answer is no list: {refused.detail}") from None
    if root.name != "ListBucketResult":
        raise TryLater("vendor", "S3's answer is no list of objects")
    return root


def _mails(root: Element, folder: MailFolder) -> Iterator[MailObject]:
    """Yield the objects that SES named: by its id, below the prefix, which it may set apart by a slash."""
    for each in root.all("Contents"):
        key, at = each.words("Key"), iso_time(each.words("LastModified"))
        id = key.removeprefix(folder.prefix).removeprefix("/") if key.startswith(folder.prefix) else ""
        if _ID.fullmatch(id) and id != SETUP and at is not None:
            is_readable = each.words("Size") != "0" and each.words("StorageClass") not in _AWAY
            yield MailObject(key, id, at, is_readable)
