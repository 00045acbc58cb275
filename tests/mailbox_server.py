"""A mail server for faults: as much of IMAP as the client uses, over TLS, in this process. Dovecot is the faithful one.

A message is late, under ``reorder``, as on servers whose transactions end out of order: one with a higher UID is seen
before it. Under ``repeat`` the folder is made anew for each session: another UIDVALIDITY, other UIDs.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from base64 import b64decode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme
from tests.polled import Faults

from cx_channels.email.imap import PROVIDER
from cx_channels.email.imap.poller import Mailbox, open_source
from cx_channels.pollers.source import SourcePorts
from cx_channels.provider import Connection

USER, PASSWORD, TOKEN = "support@acme.example", "mailbox password", "ya29.EXAMPLE"
_NUMBER = re.compile(r"n-(\d+)@example\.com")
_PIECE = re.compile(rb"UID FETCH (\d+) \(UID BODY\.PEEK\[\]<(\d+)\.(\d+)>\)")


def mail(number: int, text: str = "Hello") -> bytes:
    """Return a mail that has a number."""
    return (
        f"From: Ana <ana@example.com>\r\nTo: {USER}\r\nMessage-ID: <n-{number}@example.com>\r\n"
        f"Date: Sun, 22 Nov 2026 10:02:11 +0000\r\nSubject: {number}\r\n\r\n{text} {number}\r\n"
    ).encode()


@dataclass
class MailServer:
    """A ``Vendor``. ``capabilities``: after the login. ``refusal``: what a refused login is told. ``before_tls``: what
    somebody on the way adds in clear text after the server's answer to STARTTLS. ``commands``: all that were read.
    ``answered``: called with each command once its answer is complete. ``delivered``: mails that ever arrived.
    ``tells_early``: of those, before it agrees to idle, and then no more."""

    settings: dict[str, Any]
    faults: Faults = field(default_factory=Faults)
    provider: Any = PROVIDER
    secrets: tuple[str, ...] = (PASSWORD,)
    asked: int = 0
    capabilities: bytes = b"IMAP4rev1 IDLE AUTH=PLAIN AUTH=XOAUTH2"
    refusal: bytes = b"NO [AUTHENTICATIONFAILED] Authentication failed."
    validity: int = 7
    mails: dict[int, bytes] = field(default_factory=dict)
    refuses_folder: bool = False
    commands: list[bytes] = field(default_factory=list)
    silence: float = 2.0
    _hidden: set[int] = field(default_factory=set)
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    delivered: int = 0
    tells_early: bool = False
    answered: Callable[[bytes], None] = lambda _: None

    def open_source(self, connection: Connection, ports: SourcePorts) -> Mailbox:
        source = open_source(connection, ports)
        source.silence = self.faults.silence(self.silence)
        return source

    def say(self, number: int) -> None:
        self.deliver(mail(number))

    def deliver(self, content: bytes) -> int:
        """Put a mail into the folder and return its UID."""
        uid = max(self.mails, default=0) + 1
        self.mails[uid] = content
        if self.faults.reorder and uid % 2:
            self._hidden.add(uid)
        else:
            self._hidden.clear()
        self.delivered += 1
        return uid

    def number_of(self, event: dict[str, Any]) -> int:
        found = _NUMBER.search(event["data"]["message"]["id"])
        assert found
        return int(found[1])

    def cut(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    def visible(self) -> list[int]:
        return sorted(uid for uid in self.mails if uid not in self._hidden)

    def renew(self) -> None:
        """Make the folder anew, with other UIDs."""
        self.validity += 1
        self.mails = {uid + 10: content for uid, content in sorted(self.mails.items())}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        self._open.add(writer)
        try:
            if self.faults.repeat:
                self.renew()
            await _Session(self, reader, writer).run()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()


class _Session:
    def __init__(self, server: MailServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server, self.reader, self.writer = server, reader, writer
        self.given = 0
        self.told = 0

    async def say(self, line: bytes) -> None:
        self.writer.write(line + b"\r\n")
        await self.writer.drain()

    async def run(self) -> None:
        await self.say(b"* OK ready")
        while line := (await self.reader.readline()).strip():
            self.server.commands.append(line)
            tag, _, words = line.partition(b" ")
            await self.answer(tag, words)
            self.server.answered(words)

    async def answer(self, tag: bytes, words: bytes) -> None:
        server, faults = self.server, self.server.faults
        if words == b"CAPABILITY":
            await self.say(b"* CAPABILITY " + server.capabilities)
        elif words.startswith((b"AUTHENTICATE", b"LOGIN")):
            await self.log_in(tag, words)
            return
        elif words.startswith(b"EXAMINE"):
            if server.refuses_folder:
                await self.say(tag + b" NO [NONEXISTENT] Mailbox doesn't exist")
                return
            self.told = server.delivered
            await self.say(b"* %d EXISTS" % len(server.visible()))
            await self.say(b"* OK [UIDVALIDITY %d] valid" % server.validity)
            await self.say(b"* OK [UIDNEXT %d] next" % (max(server.mails, default=0) + 1))
        elif words.startswith(b"UID SEARCH"):
            uids = server.visible()
            if words.startswith(b"UID SEARCH UID "):
                lowest = int(words.split()[3].partition(b":")[0])
                # "*" is the highest there is, also where that is lower (RFC 9051, section 9).
                uids = [uid for uid in uids if uid >= lowest] or uids[-1:]
            await self.say(b"* SEARCH " + b" ".join(b"%d" % uid for uid in uids))
        elif piece := _PIECE.fullmatch(words):
            await self.give(*map(int, piece.groups()))
        elif words.startswith(b"UID FETCH"):
            uids = [int(each) for each in words.split()[2].split(b",")]
            for uid in reversed(uids) if faults.reorder else uids:
                if uid in server.mails:
                    size = len(server.mails[uid])
                    arrived = b'"22-Nov-2026 10:02:12 +0000"'
                    await self.say(b"* 1 FETCH (UID %d RFC822.SIZE %d INTERNALDATE %s)" % (uid, size, arrived))
        elif words == b"IDLE":
            await self.idle()
        await self.say(tag + b" OK done")

    async def log_in(self, tag: bytes, words: bytes) -> None:
        wanted = {b"PLAIN": f"\0{USER}\0{PASSWORD}", b"XOAUTH2": f"user={USER}\x01auth=Bearer {TOKEN}\x01\x01"}
        method = words.split()[1] if words.startswith(b"AUTHENTICATE") else b""
        if method:
            await self.say(b"+ ")
            is_right = b64decode((await self.reader.readline()).strip()) == wanted[method].encode()
            if not is_right and method == b"XOAUTH2":
                await self.say(b"+ eyJzdGF0dXMiOiI0MDAifQ==")
                assert not (await self.reader.readline()).strip()
        else:
            is_right = words == f'LOGIN "{USER}" "{PASSWORD}"'.encode()
        is_let_in = is_right and not self.server.faults.refuse
        await self.say(tag + b" " + (b"OK in" if is_let_in else self.server.refusal))

    async def give(self, uid: int, begin: int, count: int) -> None:
        faults, content = self.server.faults, self.server.mails.get(uid)
        if content is None:
            return
        piece = content[begin : begin + count]
        if faults.drop and self.given >= faults.drop:
            self.writer.write(b"* 1 FETCH (UID %d BODY[]<%d> {%d}\r\n" % (uid, begin, len(piece)) + piece[:20])
            raise ConnectionResetError
        if faults.stall and self.given >= faults.stall:
            await asyncio.sleep(60.0)
        self.given += 1
        await self.say(b"* 1 FETCH (UID %d BODY[]<%d> {%d}\r\n%s)" % (uid, begin, len(piece), piece))

    async def idle(self) -> None:
        """Tell of mails until the client ends it, also of those that came since the folder was opened."""
        if self.server.tells_early and self.told != self.server.delivered:
            self.told = self.server.delivered
            await self.say(b"* %d EXISTS" % len(self.server.mails))
        await self.say(b"+ idling")
        done = asyncio.create_task(self.reader.readline())
        try:
            while not done.done():
                if self.told != self.server.delivered:
                    self.told = self.server.delivered
                    await self.say(b"* %d EXISTS" % len(self.server.mails))
                await asyncio.wait([done], timeout=0.01)
        finally:
            done.cancel()
        if done.done() and not done.cancelled() and not done.result():
            raise ConnectionResetError


class Authority:
    """Certificates for servers of tests. ``ca_file``: what a client trusts."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        issued = authority.issue_cert("127.0.0.1")
        self.ca_file, self.cert, self.key = folder / "ca.pem", folder / "server.pem", folder / "server.key"
        self.ca_file.write_bytes(authority.cert_pem.bytes())
        self.cert.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        self.key.write_bytes(issued.private_key_pem.bytes())

    def server(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.cert, self.key)
        return context


@asynccontextmanager
async def mail_serving(authority: Authority, **settings: Any) -> AsyncIterator[MailServer]:
    """A mail server that is there until the block ends. ``settings``: of the connection, besides where it is."""
    found = {"host": "127.0.0.1", "user": USER, "ca_file": str(authority.ca_file), "addresses": [USER], **settings}
    served = MailServer(found)
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0, ssl=authority.server())
    found["port"] = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
        served.cut()
