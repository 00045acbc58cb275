"""Do what a visitor asks for in an open chat: each act is recorded, then answered."""

from __future__ import annotations

from cx_channels.chat.webchat import mapping, protocol
from cx_channels.chat.webchat.offers import check_offered
from cx_channels.chat.webchat.server.chat_log import WEBCHAT, Chat, ChatLog
from cx_channels.chat.webchat.server.chat_socket import NORMAL, Line
from cx_channels.chat.webchat.server.deliveries import Address
from cx_channels.chat.webchat.server.typing import TypingBoard
from cx_channels.chat.webchat.visitors import visitor_of
from cx_channels.intake import Intake
from cx_events.continuity_tokens import looks_like_code
from cx_events.errors import Refused, TooFast
from cx_events.timestamps import format_time
from cx_runtime.metrics import Metrics


class VisitorActs:
    """Does what browsers ask. What is answered is durable."""

    def __init__(self, intake: Intake, log: ChatLog, typing: TypingBoard, metrics: Metrics) -> None:
        self._intake = intake
        self._log = log
        self._typing = typing
        self._metrics = metrics

    async def take(self, message: protocol.ClientMessage, line: Line, chat: Chat) -> bool:
        """Do what the browser asks; False ends the chat. Raises ``Refused``, ``TryLater``."""
        match message:
            case protocol.Say() | protocol.Ask():
                said = self._said(message, chat)
                await self._log.begin(chat)
                await self._log.record(chat, said)
                self._typing.ends(address_of(chat))
                await line.say({"type": "ack", "id": message.id, "at": format_time(self._intake.now())})
            case protocol.Read() | protocol.Delivered():
                if chat.heard_of:
                    await self._log.record(chat, self._seen(message, chat))
            case protocol.Code():
                check_offered("code", chat.connection)
                code, until = await self._log.code(chat)
                await line.say({"type": "code", "code": f"{code[:4]} {code[4:]}", "until": format_time(until)})
            case protocol.Redeem():
                await self.redeem(line, chat, message.code)
            case protocol.Identify():
                await self._identify(message, line, chat)
            case protocol.End():
                if chat.heard_of:
                    visitor = chat.stated(self._intake.now())
                    await self._log.record(chat, mapping.Ended(interaction=chat.interaction, visitor=visitor))
                await line.say({"type": "ended"})
                line.close(NORMAL, "ended")
                return False
            case protocol.Ping():
                await line.say({"type": "pong"})
            case protocol.Typing():
                if chat.begun:
                    self._typing.types(address_of(chat))
                else:  # nobody can look at a chat that is not there
                    self._metrics.ignored(WEBCHAT, "typing")
            case protocol.Hello():
                raise Refused("bad-message", "hello was said already")
        return True

    async def redeem(self, line: Line, chat: Chat, token: str) -> None:
        """Take a continuity token. One that is none is said to be so, and the chat goes on without it. A signed one
        shows that somebody is there; a code may be any eight digits, and is kept until something is said."""
        known = chat.stated(self._intake.now()).proved
        try:
            id = self._intake.recognise_token(token, chat.connection, chat.interaction, known=bool(known))
        except Refused as refused:
            self._metrics.refused(WEBCHAT, refused.reason)
            later = refused.retry_after if isinstance(refused, TooFast) else None
            await line.say(protocol.refusal(refused.reason, refused.detail, retry_after=later))
            return
        chat.token = id
        if not looks_like_code(token):
            await self._log.begin(chat)
        await line.say({"type": "continued"})

    async def reopen(self, line: Line, chat: Chat) -> None:
        """Record that the visitor came back to a chat that had ended."""
        now = self._intake.now()
        visitor = chat.stated(now)
        await self._log.record(
            chat, mapping.Resumed(interaction=chat.interaction, visitor=visitor, at=format_time(now))
        )
        await line.say({"type": "reopened"})

    async def _identify(self, message: protocol.Identify, line: Line, chat: Chat) -> None:
        now = self._intake.now()
        claimed = visitor_of(message.visitor, chat.connection, now)
        chat.known.with_claims(claimed, now)  # what it refuses leaves nothing on the log
        await self._log.begin(chat)
        await self._log.identify(chat, claimed, now)
        await line.say({"type": "identified", "session": chat.issued(self._intake.now())})

    def _said(self, message: protocol.Say | protocol.Ask, chat: Chat) -> mapping.Note:
        visitor, id = chat.stated(self._intake.now()), message.id
        if isinstance(message, protocol.Say):
            return mapping.Said(
                interaction=chat.interaction, visitor=visitor, id=id, text=message.text, page=message.page
            )
        check_offered(message.way, chat.connection)
        phone, when = message.phone.strip(), message.when.strip()
        return mapping.Asked(
            interaction=chat.interaction, visitor=visitor, id=id, way=message.way, phone=phone, when=when
        )

    def _seen(self, message: protocol.Read | protocol.Delivered, chat: Chat) -> mapping.Note:
        now = self._intake.now()
        visitor = chat.stated(now)
        if isinstance(message, protocol.Delivered):
            return mapping.Delivered(interaction=chat.interaction, visitor=visitor, message=message.message)
        at = "" if message.message else format_time(now)
        return mapping.Seen(interaction=chat.interaction, visitor=visitor, message=message.message, at=at)


def address_of(chat: Chat) -> Address:
    """Return where a chat's answers come from."""
    return Address(chat.connection.tenant, chat.interaction)


def id_of(message: protocol.ClientMessage) -> str:
    """The id that a message gives itself, for the answer to name it."""
    return message.id if isinstance(message, protocol.Say | protocol.Ask) else ""
