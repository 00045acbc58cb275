"""Write one visitor's chat onto the log: for the socket and for files, which come by HTTP."""

from __future__ import annotations

import msgspec

from cx_channels.chat.webchat import mapping
from cx_channels.chat.webchat.session import LIFETIME_SECONDS, Session, issue
from cx_channels.chat.webchat.visitors import Visitor
from cx_channels.intake import Intake
from cx_channels.provider import Connection, Request
from cx_events.errors import Refused
from cx_events.timestamps import Micros, format_time

WEBCHAT = "chat/webchat"

CODE_SECONDS = 600
"""How long a code counts with which a visitor goes on elsewhere."""


def chat_for_page(intake: Intake, connection_id: str, origin: str) -> Connection:
    """Return the connection of a web chat that pages of this origin may use. Raises ``Refused``: ``unknown-connection``
    or ``no-chat`` (404), ``bad-origin`` (403)."""
    connection, provider = intake.connection(connection_id)
    if provider.name != WEBCHAT:
        raise Refused("no-chat", f"the connection {connection.id!r} is not a web chat", 404)
    origins = connection.settings.get("origins")
    if origins and origin not in origins:
        raise Refused("bad-origin", "this chat is not open to pages of that origin", 403)
    return connection


class Chat:
    """One visitor's chat, as who serves it knows it. ``begun``: known to be on the log. ``token``: the id of a
    continuity token that is to be recorded with it. ``code``: the one that its visitor was given last, good until
    ``code_until``."""

    def __init__(self, connection: Connection, session: Session, *, resumed: bool) -> None:
        self.connection = connection
        self.session = session
        self.known = session.known
        self.resumed = resumed
        self.begun = session.begun
        self.token = ""
        self.code = ""
        self.code_until: Micros = 0

    @property
    def interaction(self) -> str:
        return f"{self.connection.id}/{self.session.id}"

    @property
    def heard_of(self) -> bool:
        """Return whether a chat may be on the log: it may have begun in an earlier socket."""
        return self.begun or self.resumed

    def stated(self, now: Micros) -> Visitor:
        """The visitor as an event of this moment names them."""
        return self.known.stated(self.connection, now)

    def issued(self, now: Micros) -> str:
        """The session's token."""
        expires = now // 1_000_000 + LIFETIME_SECONDS
        known = self.known if self.begun else self.session.known
        return issue(
            msgspec.structs.replace(self.session, expires=expires, known=known, begun=self.begun), self.connection
        )


class ChatLog:
    """Records what happens in chats. Everything is durable on return; ``TryLater`` where it may not be."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    async def begin(self, chat: Chat) -> None:
        """Record that the chat began, if that was not done here: only once somebody shows to be there, since anybody
        can open sockets by the hundred. After a reconnect it is the same event again."""
        if not chat.begun:
            now = self._intake.now()
            visitor, first = chat.stated(now), chat.session.known.stated(chat.connection, now)
            started = mapping.Started(interaction=chat.interaction, visitor=first, page=chat.session.page)
            await self.record(chat, started)
            if visitor.identifiers != first.identifiers:
                await self.record(chat, identified(chat, visitor, now))
            chat.begun = True
        if chat.token:
            visitor = chat.stated(self._intake.now())
            await self.record(chat, mapping.Continued(interaction=chat.interaction, visitor=visitor, token=chat.token))
            chat.token = ""

    async def code(self, chat: Chat) -> tuple[str, Micros]:
        """Return a code with which the visitor goes on elsewhere, and until when it does; the same one while it is good
        for another half of its time."""
        await self.begin(chat)
        now = self._intake.now()
        if chat.code_until - now < CODE_SECONDS * 500_000:
            people = [mapping.customer(chat.stated(now))]
            chat.code = await self._intake.issue_code(chat.connection, chat.interaction, people, CODE_SECONDS)
            chat.code_until = now + CODE_SECONDS * 1_000_000
        return chat.code, chat.code_until

    async def identify(self, chat: Chat, claimed: Visitor, now: Micros) -> None:
        """Record who the visitor is where that changes, or where a proof that had run out is given again."""
        known = chat.known.with_claims(claimed, now)
        visitor = known.stated(chat.connection, now)
        if visitor.identifiers != chat.stated(now).identifiers:
            await self.record(chat, identified(chat, visitor, now))
        chat.known = known

    async def record(self, chat: Chat, note: mapping.Note) -> None:
        """Record one note."""
        request = Request(
            body=mapping.write(note),
            method="MESSAGE",
            headers={"content-type": "application/json"},
            received=self._intake.now(),
        )
        await self._intake.receive(request, chat.connection)


def identified(chat: Chat, visitor: Visitor, now: Micros) -> mapping.Identified:
    return mapping.Identified(interaction=chat.interaction, visitor=visitor, at=format_time(now))
