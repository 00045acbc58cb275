"""What stands outside the hub, and speaks to it as the real thing does: over a socket, signed webhooks, SMTP, HTTP."""

from __future__ import annotations

import asyncio
import hmac
import smtplib
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

import httpx2
import msgspec
from websockets.asyncio.client import ClientConnection, connect

from cx_events.errors import Refused, TryLater
from cx_hub.client import Client

Json = dict[str, Any]

PATIENCE = 15.0
"""Seconds that anything of the story may take."""


def next_second() -> datetime:
    """Now, on a clock that ticks in whole seconds, as vendors' do: the next one, so that nothing seems to come before
    what it answers. An event can't be later than its receipt."""
    return datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)


class Browser:
    """A visitor's browser with the web chat in it."""

    def __init__(self, url: str, connection: str) -> None:
        self._url = f"{url.replace('http', 'ws', 1)}/v1/chat/{connection}"
        self.session = ""
        self.interaction = ""

    @asynccontextmanager
    async def chat(self, visitor: Mapping[str, str]) -> AsyncIterator[Chat]:
        """An open socket, in a new chat or in the one before."""
        async with connect(self._url) as socket:
            chat = Chat(socket)
            hello = {"type": "hello", "visitor": visitor, "page": "https://www.acme.example/help"}
            await chat.say({**hello, "session": self.session} if self.session else hello)
            welcome = await chat.hear("welcome")
            self.session, self.interaction = welcome["session"], welcome["interaction"]
            yield chat


class Chat:
    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def say(self, message: Json) -> None:
        await self._socket.send(msgspec.json.encode(message).decode())

    async def hear(self, kind: str) -> Json:
        """The next message of a kind; others are passed over."""
        async with asyncio.timeout(PATIENCE):
            async for text in self._socket:
                message: Json = msgspec.json.decode(text)
                if message["type"] == kind:
                    return message
                if message["type"] == "error":
                    raise Refused(message["reason"], message["detail"])
        raise TryLater("chat", f"the hub hung up before it said {kind!r}")

    async def write(self, id: str, text: str) -> Json:
        """Say something; the hub's acknowledgement, which means that it is durable."""
        await self.say({"type": "message", "id": id, "text": text})
        return await self.hear("ack")


class PhoneCompany:
    """Twilio: form-encoded callbacks, signed with HMAC-SHA1 over the URL and the sorted fields
    (twilio.com/docs/usage/security)."""

    def __init__(self, http: httpx2.AsyncClient, url: str, secret: str) -> None:
        self._http = http
        self._url = url
        self._secret = secret

    async def calls_back(self, **fields: str) -> int:
        """The status that the hub answers with."""
        signed = self._url + "".join(f"{name}{fields[name]}" for name in sorted(fields))
        signature = b64encode(hmac.digest(self._secret.encode(), signed.encode(), "sha1")).decode()
        headers = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature}
        return (await self._http.post(self._url, content=urlencode(fields), headers=headers)).status_code

    async def forges(self, **fields: str) -> int:
        """As somebody would who does not have the secret."""
        headers = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": "bm90IGl0"}
        return (await self._http.post(self._url, content=urlencode(fields), headers=headers)).status_code


class SocialNetwork:
    """Meta: JSON signed with HMAC-SHA256 (developers.facebook.com/docs/graph-api/webhooks/getting-started)."""

    def __init__(self, http: httpx2.AsyncClient, url: str, secret: str) -> None:
        self._http = http
        self._url = url
        self._secret = secret

    async def delivers(self, page: str, change: Json) -> int:
        notice = {"object": "page", "entry": [{"id": page, "time": int(time.time()), "changes": [change]}]}
        body = msgspec.json.encode(notice)
        signature = hmac.digest(self._secret.encode(), body, "sha256").hex()
        headers = {"content-type": "application/json", "x-hub-signature-256": f"sha256={signature}"}
        return (await self._http.post(self._url, content=body, headers=headers)).status_code


class MailServer:
    """A server that hands mail on by SMTP."""

    def __init__(self, port: int) -> None:
        self._port = port

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
        return await asyncio.to_thread(self._send, sender, recipient, mail.as_bytes())

    def _send(self, sender: str, recipient: str, content: bytes) -> str:
        with smtplib.SMTP("127.0.0.1", self._port, timeout=PATIENCE) as server:
            server.ehlo("mx.example.com")
            server.mail(sender)
            server.rcpt(recipient)
            code, words = server.data(content)
        return f"{code} {words.decode()}"


class Software:
    """A system of the business that sends CloudEvents: a bot, a CRM, a login."""

    def __init__(self, client: Client, source: str) -> None:
        self._client = client
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
        status, answer = await self._client.send([event])
        if answer["rejected"]:
            raise Refused("rejected", str(answer["rejected"][0]))
        return status, f"{self.source}#{id}"


class Desktop:
    """An agent's desktop: reads contexts, and writes down what the agent decides."""

    def __init__(self, client: Client, agent: Mapping[str, str]) -> None:
        self._client = client
        self.agent = dict(agent)

    async def looks_up(
        self, identifier: str | Json, *, at_least: Sequence[str] = (), until: Callable[[Json], bool] = lambda _: True
    ) -> Json:
        """The context of whoever has an identifier, once it holds these events and ``until`` is content with it.

        Where that never comes true the last context is given back, for the story's checks to complain about.
        """
        deadline = time.monotonic() + PATIENCE
        query = [("at_least", name) for name in at_least] + [("wait", "5s")]
        while True:
            found = await self._client.ask("POST", "/v1/context/lookup", params=query, json={"identifier": identifier})
            document: Json = found.json()
            if until(document["body"]) or time.monotonic() > deadline:
                return document
            await asyncio.sleep(0.05)

    async def opens(self, customer: str) -> Json:
        """The context under any id that ever was the customer's."""
        found: Json = await self._client.get(f"/v1/customers/{customer}/context")
        return found

    async def decides(self, conversation: str, what: str, **said: Any) -> Json:
        body = {**said, "agent": self.agent}
        done: Json = await self._client.post(f"/v1/conversations/{conversation}/{what}", body)
        return done
