"""Fetch mails from a mailbox: a round over the folders, then IDLE until there is more.

A mail is known by its content (``cx_channels.kit.mail``), so one that is fetched twice is one event: after a fault,
from another folder, under another UIDVALIDITY, and by SMTP where ``delivers_as`` names that connection.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import date
from hashlib import blake2b

from cx_channels.email.imap.client.login import connect, log_in
from cx_channels.email.imap.client.names import internal_date, micros_of
from cx_channels.email.imap.client.session import PIECE, MailHead, Selected, Session
from cx_channels.email.imap.cursor import TAIL, Cursor, FolderPlace, read_cursor
from cx_channels.email.imap.settings import MailboxSettings, mailbox_settings
from cx_channels.pollers.source import Delivery, SourcePorts, Step
from cx_channels.provider import FETCHED, Connection, Request, Unmapped
from cx_events.timestamps import format_time

IDLE_SECONDS = 290
"""IDLE is begun anew after it: a firewall forgets a connection on which nothing is said."""
KEPT_WHOLE = 4
"""A mail of up to so many times the largest that is mapped is kept whole as a dead letter; of others, as much."""
HEADS = 50
"""Mails whose sizes are asked for at once."""


def open_source(connection: Connection, ports: SourcePorts) -> Mailbox:
    """Return the source of a connection. Raise ``Fatal`` for settings that can't be meant."""
    return Mailbox(connection, mailbox_settings(connection), ports)


class Mailbox:
    """The mailbox of one connection, read without changing it."""

    def __init__(self, connection: Connection, settings: MailboxSettings, ports: SourcePorts) -> None:
        self.silence = IDLE_SECONDS + settings.poll_seconds + 300.0
        self._connection = connection
        self._settings = settings
        self._ports = ports
        self._cursor = Cursor()

    async def steps(self, cursor: bytes) -> AsyncGenerator[Step, None]:
        """Log in, and yield a step for each new mail, with the folders' places after it."""
        self._cursor = read_cursor(cursor)
        wire, session = await connect(self._settings, PIECE + 1024)
        try:
            await log_in(session, self._settings, self._connection.secrets)
            while True:
                for folder in self._settings.folders:
                    async for step in self._round(session, folder):
                        yield step
                yield Step()
                await self._wait(session)
        finally:
            wire.close()

    async def _wait(self, session: Session) -> None:
        folders = self._settings.folders
        if len(folders) > 1:
            await session.examine(folders[0])
        can_idle = len(folders) == 1 and "IDLE" in session.capabilities
        await session.wait(IDLE_SECONDS if can_idle else self._settings.poll_seconds)

    async def _round(self, session: Session, folder: str) -> AsyncGenerator[Step, None]:
        """Fetch what is new in a folder."""
        selected = await session.examine(folder)
        place = self._cursor.folders.get(folder)
        if place is None or place.validity != selected.validity:
            place, uids = await self._begun(session, selected, place)
            yield self._moved(folder, place)
        else:
            uids = place.wanted(await session.search(lowest_uid=place.first_wanted))
        for at in range(0, len(uids), HEADS):
            some = uids[at : at + HEADS]
            heads = {head.uid: head for head in await session.heads(some)}
            for uid in some:
                async for step in self._mail(session, folder, uid, heads.get(uid)):
                    yield step

    async def _begun(
        self, session: Session, selected: Selected, before: FolderPlace | None
    ) -> tuple[FolderPlace, list[int]]:
        """Return the place in a folder that is read for the first time, or was made anew, and the UIDs to fetch."""
        day = before.day if before is not None else self._today()
        lowest = max(selected.next_uid - TAIL, 1) if selected.next_uid is not None else 1
        present = await session.search(lowest_uid=lowest)  # asked first: what arrives from here on is not passed over
        if before is not None or self._settings.since != "now":
            uids = await session.search(since=self._first_day(before))
            if uids:
                return FolderPlace.before(selected.validity, uids[0], day), uids
        return FolderPlace(selected.validity, day=day).handled(present), []

    def _first_day(self, before: FolderPlace | None) -> date | None:
        """Return the day from which on mails are fetched, None for all."""
        again = before.again_since() if before is not None else None
        if again is None and self._settings.since not in ("now", "beginning"):
            return date.fromisoformat(self._settings.since)
        return again

    async def _mail(self, session: Session, folder: str, uid: int, head: MailHead | None) -> AsyncGenerator[Step, None]:
        """Yield empty steps while a mail is fetched, piece by piece, then one with it. One that is gone counts."""
        content, most = bytearray(), KEPT_WHOLE * self._ports.max_bytes
        while head is not None and len(content) < most:
            wanted = min(PIECE, most - len(content))
            piece = await session.piece(uid, len(content), wanted)
            if piece is None and not (content and await session.heads([uid])):
                head = None
            content += piece or b""
            if len(piece or b"") < wanted:
                break
            yield Step()
        if head is None:
            yield self._moved(folder, self._cursor.folders[folder].handled([uid]))
            return
        arrived = internal_date(head.arrived)
        day = arrived.date().isoformat() if arrived is not None else ""
        step = self._moved(folder, self._cursor.folders[folder].handled([uid], day))
        lag = max(self._ports.now() - micros_of(arrived), 0) / 1_000_000 if arrived is not None else None
        yield Step((self._delivery(bytes(content), folder, head),), step.cursor, lag)

    def _moved(self, folder: str, place: FolderPlace) -> Step:
        self._cursor = self._cursor.moved(folder, place)
        return Step(cursor=self._cursor.stored())

    def _delivery(self, content: bytes, folder: str, head: MailHead) -> Delivery:
        validity = self._cursor.folders[folder].validity
        headers = {
            "content-type": "message/rfc822",
            "x-mailbox-folder": folder,
            "x-mailbox-uid": f"{validity}/{head.uid}",
            "x-mailbox-arrived": head.arrived.decode("ascii", "replace"),
        }
        request = Request(content, FETCHED, headers=headers, received=self._ports.now())
        return Delivery(request, self._too_large(content, head), self._settings.delivers_as)

    def _too_large(self, content: bytes, head: MailHead) -> Unmapped | None:
        if len(content) <= self._ports.max_bytes:
            return None
        kept = "all" if len(content) >= head.size else f"the first {len(content)}"
        reason = (
            f"too-large: the mail has {head.size} bytes, CX_MAX_MAIL allows {self._ports.max_bytes}; {kept} are kept"
        )
        return Unmapped(blake2b(content, digest_size=16).hexdigest(), reason, content)

    def _today(self) -> str:
        return format_time(self._ports.now())[:10]
