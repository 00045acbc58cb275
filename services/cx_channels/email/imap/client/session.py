"""Send commands of one IMAP session: examine a folder, search, fetch, wait. Nothing is changed: mails stay unread."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from cx_channels.email.imap.client.names import date_word, folder_name
from cx_channels.email.imap.client.responses import (
    Status,
    Value,
    as_number,
    as_pairs,
    read_status,
    read_values,
    unreadable,
)
from cx_channels.email.imap.client.wire import LINE_SECONDS, Wire
from cx_events.errors import Refused, TryLater

PIECE = 1 << 20
"""Bytes of a mail that are asked for at once."""

_COME_AGAIN = frozenset({"UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG", "CONTACTADMIN", "INPROGRESS"})
"""Response codes of a refusal that is over soon (RFC 5530)."""


class NotDone(Exception):
    """The server answered a command by NO or BAD."""

    def __init__(self, status: Status) -> None:
        super().__init__(f"{status.kind} {status.text}")
        self.status = status

    @property
    def is_passing(self) -> bool:
        """Return whether the same may work later."""
        return self.status.code in _COME_AGAIN or "throttl" in self.status.text.lower() or self.status.backoff > 1

    def later(self) -> TryLater:
        """Return the error for trying again."""
        return TryLater("mail-server", self.status.text or self.status.kind, self.status.backoff)


class Selected(NamedTuple):
    """A folder as it is opened. ``validity``: 0 where the server has none. ``next_uid``: None where it tells none."""

    validity: int
    next_uid: int | None


class MailHead(NamedTuple):
    """A mail without its content. ``arrived``: its INTERNALDATE, as it is written."""

    uid: int
    size: int
    arrived: bytes


@dataclass(slots=True)
class Answer:
    """All that came before the end of a command. ``statuses``: untagged ones, of which codes tell of the folder."""

    lines: list[list[Value]] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)


class Session:
    """One session, to be used by one task. ``capabilities``: in upper case, as they were told last."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._count = 0
        self.capabilities: frozenset[str] = frozenset()
        self._has_news = False

    async def greet(self) -> Status:
        """Read the greeting. Raise ``TryLater`` where the server turns us away."""
        status = read_status((await self._wire.receive())[0].removeprefix(b"* "))
        if status is None:
            raise unreadable("it does not greet")
        if status.kind == "BYE":
            raise TryLater("mail-server", f"it turns us away: {status.text}", status.backoff)
        return status

    async def command(self, words: bytes, answers: Sequence[bytes] = ()) -> Answer:
        """Send a command and return what came. ``answers``: to continuations, in turn; an empty line to further ones.

        Raise ``NotDone`` where the server refused it, ``TryLater`` where it says goodbye.
        """
        self._count += 1
        tag = b"c%d" % self._count
        await self._wire.send(tag + b" " + words)
        waiting = list(answers)
        answer = Answer()
        while True:
            parts = await self._wire.receive()
            first = parts[0]
            if first.startswith(b"+"):
                await self._wire.send(waiting.pop(0) if waiting else b"")
            elif first.startswith(tag + b" "):
                status = read_status(first[len(tag) + 1 :])
                if status is None:
                    raise unreadable("a command ends without a status")
                answer.statuses.append(status)
                if status.kind != "OK":
                    raise NotDone(status)
                return answer
            else:
                self._add(parts, answer)

    def _add(self, parts: list[bytes], answer: Answer) -> None:
        if not parts[0].startswith(b"* "):
            raise unreadable("a line has neither a tag nor a star")
        rest = parts[0][2:]
        status = read_status(rest)
        if status is None:
            answer.lines.append(read_values([rest, *parts[1:]]))
            self._has_news = self._has_news or _is_news(parts[0])
        elif status.kind == "BYE":
            raise TryLater("mail-server", f"it says goodbye: {status.text}", status.backoff)
        else:
            answer.statuses.append(status)

    async def learn_capabilities(self) -> None:
        """Ask what the server can do; it may be more once we have logged in."""
        answer = await self.command(b"CAPABILITY")
        for line in answer.lines:
            if line and line[0] == b"CAPABILITY":
                self.capabilities = frozenset(
                    word.decode("ascii", "replace").upper() for word in line[1:] if isinstance(word, bytes)
                )

    async def start_tls(self) -> None:
        """Ask for TLS; the wire is to be wrapped at once. ``Refused`` where the server has none."""
        if "STARTTLS" not in self.capabilities:
            raise Refused("no-tls", "the mail server offers no STARTTLS, and nothing is said in clear text")
        try:
            await self.command(b"STARTTLS")
        except NotDone as error:
            raise error.later() from None
        self.capabilities = frozenset()  # what was said in clear text counts no more (RFC 9051, section 6.2.1)

    async def examine(self, folder: str) -> Selected:
        """Open a folder to read alone. ``Refused`` where it can't be opened."""
        try:
            answer = await self.command(b"EXAMINE " + folder_name(folder))
        except NotDone as error:
            if error.is_passing:
                raise error.later() from None
            detail = f"the folder {folder!r} can't be opened: {error.status.text}"
            raise Refused("no-such-folder", detail) from None
        self._has_news = False  # what the folder holds was told just now
        numbers = {each.code: as_number(each.argument) for each in answer.statuses}
        return Selected(numbers.get("UIDVALIDITY") or 0, numbers.get("UIDNEXT"))

    async def search(self, *, lowest_uid: int = 1, since: date | None = None) -> list[int]:
        """Return the UIDs from one on, or of what arrived since a day."""
        words = b"SINCE " + date_word(since) if since is not None else b"UID %d:*" % lowest_uid
        answer = await self._asked(b"UID SEARCH " + words)
        found = [line[1:] for line in answer.lines if line and line[0] == b"SEARCH"]
        numbers = [number for line in found for word in line if (number := as_number(word)) is not None]
        return sorted({number for number in numbers if since is not None or number >= lowest_uid})

    async def heads(self, uids: Sequence[int]) -> list[MailHead]:
        """Return sizes and dates of mails; those that are gone by now are left out."""
        listed = ",".join(map(str, uids)).encode()
        answer = await self._asked(b"UID FETCH " + listed + b" (UID RFC822.SIZE INTERNALDATE)")
        found: dict[int, MailHead] = {}
        for item in _fetched(answer):
            uid, size = as_number(item.get(b"UID")), as_number(item.get(b"RFC822.SIZE"))
            arrived = item.get(b"INTERNALDATE")
            if uid is not None and size is not None:
                found[uid] = MailHead(uid, size, arrived if isinstance(arrived, bytes) else b"")
        return [found[uid] for uid in uids if uid in found]

    async def piece(self, uid: int, begin: int, count: int) -> bytes | None:
        """Return so many bytes of a mail, fewer at its end; None where it is gone."""
        answer = await self._asked(b"UID FETCH %d (UID BODY.PEEK[]<%d.%d>)" % (uid, begin, count))
        for item in _fetched(answer):
            content = next((value for name, value in item.items() if name.startswith(b"BODY[]")), None)
            if as_number(item.get(b"UID")) == uid and isinstance(content, bytes):
                return content
        return None

    async def wait(self, seconds: float) -> None:
        """Wait until the server tells of news, or so long. Without IDLE, just wait.

        News that came with another command's answer are not told again: then don't wait at all.
        """
        if self._has_news:
            return
        if "IDLE" not in self.capabilities:
            await asyncio.sleep(seconds)
            await self._asked(b"NOOP")
            return
        self._count += 1
        tag = b"c%d" % self._count
        await self._wire.send(tag + b" IDLE")
        has_news = False
        while not (first := (await self._wire.receive())[0]).startswith(b"+"):
            if first.startswith(tag):  # it does not idle just now
                if not has_news:
                    await asyncio.sleep(seconds)
                return
            if not first.startswith(b"* "):
                raise unreadable("IDLE is not begun")
            has_news = _is_news(first) or has_news  # it came as we asked
        try:
            async with asyncio.timeout(seconds):
                while not has_news and not _is_news((await self._wire.receive(seconds + LINE_SECONDS))[0]):
                    pass
        except TimeoutError:
            pass
        await self._wire.send(b"DONE")
        while not (await self._wire.receive())[0].startswith(tag + b" "):
            pass

    async def _asked(self, words: bytes) -> Answer:
        try:
            return await self.command(words)
        except NotDone as error:
            raise error.later() from None


def _fetched(answer: Answer) -> list[dict[bytes, Value]]:
    lines = (line for line in answer.lines if len(line) > 2 and line[1] == b"FETCH")
    return [as_pairs(line[2]) for line in lines]


def _is_news(line: bytes) -> bool:
    """Return whether a folder has something new. Raise ``TryLater`` for a goodbye."""
    status = read_status(line.removeprefix(b"* "))
    if status is not None and status.kind == "BYE":
        raise TryLater("mail-server", f"it says goodbye: {status.text}", status.backoff)
    return line.endswith((b" EXISTS", b" RECENT"))
