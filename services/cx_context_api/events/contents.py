"""Read the content of an attachment: from the blob store, else from the mail that it came in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from hashlib import sha256
from typing import Any

import msgspec

from cx_context_api.events.originals import Original, is_blob, original_of
from cx_events.blob import Blobs
from cx_events.envelope import Attachment, Event
from cx_events.errors import TryLater
from cx_runtime.answer_deadline import within
from cx_runtime.fair_queue import FairQueue
from cx_runtime.in_flight import hold
from cx_vcon.content import IN_BODY, bytes_of

PartAt = Callable[[bytes, str], bytes | None]
"""Returns the content of a part of a raw mail by its number (``2.1``), decoded; None if there is none."""


class Contents:
    """Reads contents of all tenants, each within its own.

    ``blobs``: where the channels keep large originals and attachments. ``part_at`` finds a mail's parts; without it
    only the blob store is read. Raises ``TryLater`` if the blob store does not answer.
    """

    def __init__(self, blobs: Blobs | None, part_at: PartAt | None) -> None:
        self._blobs = blobs
        self._part_at = part_at

    async def of_file(
        self, tenant: str, event: Event, file: Attachment, heavy: FairQueue | None = None
    ) -> bytes | None:
        """Return the content of an attachment of this event, None if the hub has not got it (any more).

        ``heavy``: the queue for parsing a mail; None if the caller has a turn already.
        """
        content = await self.of_blob(tenant, file.blob) if is_blob(file.blob) else None
        if content is not None or not file.part:
            return content
        if file.part == IN_BODY:
            return await self._body_of_piece(tenant, event, file)
        if self._part_at is None:
            return None
        async with heavy.turn(tenant) if heavy is not None else nullcontext():
            return await self._part_of_mail(tenant, event, file)

    async def of_original(self, tenant: str, original: Original) -> bytes | None:
        """Return the content of an event's original, None if its blob is gone."""
        return await self.of_blob(tenant, original.blob) if original.blob else original.content

    async def of_blob(self, tenant: str, name: str) -> bytes | None:
        """Return the content of a blob, None if it is gone."""
        if self._blobs is None:
            raise TryLater("blobs", "this process was given none: CX_BLOB_URL must be that of the channels")
        content = await within(self._blobs.get(tenant, name), "blobs")
        if content is not None:
            hold(len(content))
        return content

    async def _part_of_mail(self, tenant: str, event: Event, file: Attachment) -> bytes | None:
        """Return a part of the event's mail, if it has the digest that was recorded at intake."""
        original = original_of(event)
        mail = await self.of_original(tenant, original) if original is not None and original.is_mail else None
        if mail is None or self._part_at is None:
            return None
        return _as_recorded(await asyncio.to_thread(self._part_at, mail, file.part), file)

    async def _body_of_piece(self, tenant: str, event: Event, file: Attachment) -> bytes | None:
        """Return the body of an imported vCon's piece, which the event keeps as its original."""
        original = original_of(event)
        piece = await self.of_original(tenant, original) if original is not None else None
        if piece is None:
            return None
        return _as_recorded(await asyncio.to_thread(_body, piece), file)


def _body(piece: bytes) -> bytes | None:
    try:
        return bytes_of(msgspec.json.decode(piece, type=dict[str, Any]))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _as_recorded(content: bytes | None, file: Attachment) -> bytes | None:
    digest = file.sha256 or file.blob.removeprefix("sha256:")
    if content is None or sha256(content).hexdigest() != digest:
        return None
    hold(len(content))
    return content
