"""Stand in for the outside world, and speak to the hub as it does: over a socket, signed webhooks, SMTP, HTTP.

Each does what the hub asks of every sender: what was not acknowledged is sent again, the same as before.
"""

from __future__ import annotations

import asyncio
import hmac
import smtplib
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import uuid4

import httpx2
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException

from cx_events.errors import Refused, TryLater
from cx_events.json_types import Json
from cx_hub.client import Client

T = TypeVar("T")

PATIENCE = 15.0
"""Seconds that anything of the story may take."""
AGAIN = 0.1
"""Seconds before something is sent again."""


async def insist(ask: Callable[[], Awaitable[T]], patience: float) -> T:
    """The answer, asked for again while the hub can't be reached or says: later. Then that is what is raised."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return await ask()
        except (TryLater, OSError, httpx2.HTTPError) as error:
            if time.monotonic() > deadline:
                raise (
                    error if isinstance(error, TryLater) else TryLater("hub", str(error) or type(error).__name__)
                ) from error
        await asyncio.sleep(AGAIN)


def next_second() -> datetime:
    """Now, on a clock that ticks in whole seconds, as vendors' do: the next one, so that nothing seems to come before
    what it answers. An event can't be later than its receipt."""
    return datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)


class Browser:
    """A visitor's browser with the web chat in it. ``origin``: of the page that it is on."""

    def __init__(self, url: str, connection: str, origin: str, patience: float = PATIENCE) -> None:
        self.url = f"{url.replace('http', 'ws', 1)}/v1/chat/{connection}"
        self.origin = origin
        self.patience = patience
        self.session = ""
        self.interaction = ""

    @asynccontextmanager
    async def chat(self, visitor: Mapping[str, str]) -> AsyncIterator[Chat]:
        """An open chat, a new one or the one before."""
        chat = Chat(self, visitor)
        try:
            await chat.open()
            yield chat
        finally:
            await chat.close()


class WebSite:
    """The business's own web site, which knows who is logged in and signs it for the chat (docs/providers.md)."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def signs(self, *identifiers: str) -> str:
        """Return the ``user_hash`` over these, each ``KIND:VALUE``."""
        return hmac.digest(self._secret.encode(), "\n".join(identifiers).encode(), "sha256").hex()


class Chat:
    """A chat that outlives its socket: where one breaks, it goes on in the next."""

    def __init__(self, browser: Browser, visitor: Mapping[str, str]) -> None:
        self._browser = browser
        self._visitor = visitor
        self._socket: ClientConnection | None = None
        self._last = ""

    async def open(self) -> None:
        await self._going_on(lambda _: asyncio.sleep(0))

    async def close(self) -> None:
        if self._socket is not None:
            await self._socket.close()
            self._socket = None

    async def hear(self, kind: str) -> Json:
        """The next message of a kind; others are passed over."""
        return await self._going_on(lambda socket: self._hear(socket, kind))

    async def write(self, id: str, text: str) -> Json:
        """Say something; the hub's acknowledgement, which means that it is durable."""
        return await self.ask({"type": "message", "id": id, "text": text}, "ack")

    async def ask(self, message: Json, kind: str) -> Json:
        """Say something; the answer of this kind."""

        async def ask(socket: ClientConnection) -> Json:
            await _say(socket, message)
            return await self._hear(socket, kind)

        return await self._going_on(ask)

    async def _going_on(self, talk: Callable[[ClientConnection], Awaitable[T]]) -> T:
        async def once() -> T:
            try:
                self._socket = self._socket or await self._connected()
                async with asyncio.timeout(PATIENCE):
                    return await talk(self._socket)
            except InvalidStatus as error:
                await self.close()
                if error.response.status_code < 500:
                    raise Refused("no-chat", str(error), error.response.status_code) from None
                raise TryLater("chat", str(error)) from None
            except (WebSocketException, TryLater, OSError) as error:  # a timeout is an OSError
                await self.close()
                raise TryLater("chat", str(error) or type(error).__name__) from None

        return await insist(once, self._browser.patience)

    async def _connected(self) -> ClientConnection:
        """A socket that has said hello and was welcomed."""
        browser = self._browser
        socket = await connect(browser.url, additional_headers={"origin": browser.origin})
        try:
            hello = {"type": "hello", "visitor": self._visitor, "page": f"{browser.origin}/help"}
            await _say(socket, {**hello, "session": browser.session, "last": self._last} if browser.session else hello)
            async with asyncio.timeout(PATIENCE):
                welcome = await self._hear(socket, "welcome")
        except BaseException:
            await socket.close()
            raise
        browser.session, browser.interaction = welcome["session"], welcome["interaction"]
        return socket

    async def _hear(self, socket: ClientConnection, kind: str) -> Json:
        async for text in socket:
            message: Json = msgspec.json.decode(text)
            if message["type"] == kind:
                self._last = message["id"] if kind == "message" else self._last
                return message
            if message["type"] == "error":
                if "retry_after" in message:
                    raise TryLater("chat", message["detail"])
                raise Refused(message["reason"], message["detail"])
        raise TryLater("chat", f"the hub hung up before it said {kind!r}")


async def _say(socket: ClientConnection, message: Json) -> None:
    await socket.send(msgspec.json.encode(message).decode())


class Hook:
    """A connection's webhook, as a provider calls it."""

    def __init__(self, http: httpx2.AsyncClient, url: str, patience: float = PATIENCE) -> None:
        self._http = http
        self.url = url
        self._patience = patience

    async def post(self, content: str | bytes, headers: Mapping[str, str]) -> int:
        """The status that the hub answers with, once it is no 5xx."""

        async def once() -> int:
            status = (await self._http.post(self.url, content=content, headers=headers)).status_code
            if status >= 500:
                raise TryLater("hub", f"{self.url} answers {status}")
            return status

        return await insist(once, self._patience)


class PhoneCompany:
    """Twilio: form-encoded callbacks, signed with HMAC-SHA1 over the URL and the sorted fields
    (twilio.com/docs/usage/security). ``signed_url``: as the hub knows itself to be reached."""

    def __init__(self, hook: Hook, secret: str, signed_url: str) -> None:
        self._hook = hook
        self._secret = secret
        self._signed_url = signed_url

    async def calls_back(self, **fields: str) -> int:
        """The status that the hub answers with."""
        signed = self._signed_url + "".join(f"{name}{fields[name]}" for name in sorted(fields))
        signature = b64encode(hmac.digest(self._secret.encode(), signed.encode(), "sha1")).decode()
        headers = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature}
        return await self._hook.post(urlencode(fields), headers)

    async def forges(self, **fields: str) -> int:
        """Send the request with a signature made without the secret."""
        headers = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": "bm90IGl0"}
        return await self._hook.post(urlencode(fields), headers)


class SocialNetwork:
    """Meta: JSON signed with HMAC-SHA256 (developers.facebook.com/docs/graph-api/webhooks/getting-started)."""

    def __init__(self, hook: Hook, secret: str) -> None:
        self._hook = hook
        self._secret = secret

    async def delivers(self, page: str, change: Json) -> int:
        notice = {"object": "page", "entry": [{"id": page, "time": int(time.time()), "changes": [change]}]}
        body = msgspec.json.encode(notice)
        signature = hmac.digest(self._secret.encode(), body, "sha256").hex()
        headers = {"content-type": "application/json", "x-hub-signature-256": f"sha256={signature}"}
        return await self._hook.post(body, headers)


class MailServer:
    """A server that hands mail on by SMTP."""

    def __init__(self, host: str, port: int, patience: float = PATIENCE) -> None:
        self._host = host
        self._port = port
        self._patience = patience

    async def delivers(
        self, *, id: str, sender: str, to: str, subject: str, text: str, answers: Sequence[str] = (), recipient: str
    ) -> str:
        """``recipient``: of the envelope. What the hub answers after DATA."""
        mail = EmailMessage()
        mail["Message-ID"] = f"<{id}>"
        mail["From"], mail["To"], mail["Subject"] = sender, to, subject
        mail["Date"] = format_datetime(next_second())
        if answers:
            mail["In-Reply-To"] = f"<{answers[-1]}>"
            mail["References"] = " ".join(f"<{each}>" for each in answers)
        mail.set_content(text)
        content = mail.as_bytes()
        return await insist(lambda: asyncio.to_thread(self._send, sender, recipient, content), self._patience)

    def _send(self, sender: str, recipient: str, content: bytes) -> str:
        with smtplib.SMTP(self._host, self._port, timeout=PATIENCE) as server:
            server.ehlo("mx.example.com")
            server.mail(sender)
            server.rcpt(recipient)
            code, words = server.data(content)
        if 400 <= code < 500:
            raise TryLater("mail", f"{code} {words.decode()}")
        return f"{code} {words.decode()}"


class Software:
    """A system of the business that sends CloudEvents: a bot, a CRM, a login."""

    def __init__(self, client: Client, source: str, patience: float = PATIENCE) -> None:
        self._client = client
        self._patience = patience
        self.source = source

    async def tells(self, type: str, id: str, data: Json) -> tuple[int, str]:
        """The status, and the event's name for ``at_least``."""
        event = {
            "specversion": "1.0",
            "id": id,
            "source": self.source,
            "type": type,
            "time": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "data": data,
        }
        status, answer = await insist(lambda: self._client.send([event]), self._patience)
        if answer["rejected"]:
            raise Refused("rejected", str(answer["rejected"][0]))
        return status, f"{self.source}#{id}"


class AssuredBot:
    """A bot that talks to customers by itself: of a contact it reads what the hub calls proved, or nothing."""

    def __init__(self, client: Client, patience: float = PATIENCE) -> None:
        self._client = client
        self._patience = patience

    async def reads(self, interaction: str) -> tuple[str, Json]:
        """Return the hub's answer in words, and the context; an empty one where the hub refuses."""
        query = {"interaction": interaction, "assurance": "proved"}
        try:
            document = await insist(lambda: self._client.get("/v1/context", **query), self._patience)
        except Refused as refused:
            return f"{refused.status} {refused.reason}", {}
        return "200", document


class Desktop:
    """An agent's desktop: reads contexts, and writes down what the agent decides."""

    def __init__(self, client: Client, agent: Mapping[str, str], patience: float = PATIENCE) -> None:
        self._client = client
        self._patience = patience
        self.agent = dict(agent)

    async def looks_up(
        self, identifier: str | Json, *, at_least: Sequence[str] = (), until: Callable[[Json], bool] = lambda _: True
    ) -> Json:
        """The context of whoever has an identifier, once it holds these events and ``until`` is content with it.

        Where that never comes true the last context is given back, for the story's checks to complain about.
        """
        return await self._reads({"identifier": identifier}, at_least, until)

    async def takes(self, interaction: str, *, until: Callable[[Json], bool]) -> Json:
        """Return, as ``looks_up``, the context for somebody in this contact; ``meta.contact`` says how sure that is."""
        return await self._reads({"interaction": interaction}, (), until)

    async def _reads(self, target: Json, at_least: Sequence[str], until: Callable[[Json], bool]) -> Json:
        query = [("at_least", name) for name in at_least] + [("wait", "5s")]
        found: list[Json] = []

        async def look() -> Json:
            try:
                answer = await self._client.ask("POST", "/v1/context/lookup", params=query, json=target)
            except Refused as error:
                if error.status != 404:
                    raise
                raise TryLater("hub", error.detail) from None  # what names them is on its way
            document: Json = answer.json()
            found.append(document)
            if not until(document["body"]):
                raise TryLater("hub", "the context is not yet what the story needs")
            return document

        try:
            return await insist(look, self._patience)
        except TryLater:
            if not found:
                raise
            return found[-1]

    async def opens(self, customer: str) -> Json:
        """The context under any id that ever was the customer's."""
        found: Json = await insist(lambda: self._client.get(f"/v1/customers/{customer}/context"), self._patience)
        return found

    async def reads_packet(self, conversation: str, interaction: str, until: Callable[[Json], bool]) -> Json:
        """Return what a contact's handoff tells who takes over, once ``until`` is content. Raises ``TryLater``."""

        async def look() -> Json:
            path = f"/v1/conversations/{conversation}/handoff"
            packet: Json = await self._client.get(path, interaction=interaction)
            if not until(packet):
                raise TryLater("hub", "the packet is not there yet")
            return packet

        return await insist(look, self._patience)

    async def decides(self, conversation: str, what: str, **said: Any) -> Json:
        path, body, key = f"/v1/conversations/{conversation}/{what}", {**said, "agent": self.agent}, uuid4().hex
        done = await insist(
            lambda: self._client.ask("POST", path, json=body, headers={"idempotency-key": key}), self._patience
        )
        answer: Json = done.json()
        return answer
