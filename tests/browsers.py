"""The web chat's socket as a page uses it, and an agent's answers, for tests that go through the real door."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.asking import PatientClient
from tests.channels import IMPORTER, WRITER, Hub
from tests.patience import PATIENCE
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed


class Browser:
    """A page's end of the socket."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._said: dict[str, Any] = {}

    async def say(self, **message: Any) -> None:
        self._said = message
        await self.socket.send(json.dumps(message))

    async def hear(self, type: str) -> dict[str, Any]:
        """The next message, which must be of this type; an answer's time that ran out is no message, and asked for
        again."""
        async with asyncio.timeout(PATIENCE):
            heard: dict[str, Any] = json.loads(await self.socket.recv())
            while heard.get("reason") == "try-later" and type != "error":
                await asyncio.sleep(0.2)
                await self.say(**self._said)
                heard = json.loads(await self.socket.recv())
        assert heard["type"] == type, heard
        return heard

    async def closed(self) -> int:
        """The code that the hub closes with."""
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(ConnectionClosed) as caught:
                while True:
                    await self.socket.recv()
        assert caught.value.rcvd is not None
        return caught.value.rcvd.code


@asynccontextmanager
async def browser(hub: Hub, connection: str = "acme-chat", **options: Any) -> AsyncIterator[Browser]:
    async with connect(
        f"ws://127.0.0.1:{hub.port}/v1/chat/{connection}", ping_interval=None, open_timeout=PATIENCE, **options
    ) as socket:
        yield Browser(socket)


@asynccontextmanager
async def chat(hub: Hub, **hello: Any) -> AsyncIterator[tuple[Browser, dict[str, Any]]]:
    async with browser(hub) as page:
        await page.say(type="hello", **hello)
        yield page, await page.hear("welcome")


async def happened(hub: Hub, interaction: str, id: str, type: str, **data: Any) -> None:
    """An event in a chat, as software with every scope tells the hub of it."""
    data = {"channel": "chat", "interaction": interaction, **data}
    await answered(hub, interaction, id, IMPORTER, type=type, data=data)


async def answered(hub: Hub, interaction: str, id: str, key: str = WRITER, **changes: Any) -> None:
    """An agent's answer, the way that any client sends it."""
    event = {
        "specversion": "1.0", "id": id, "source": "//acme.example/desk", "type": "cx.message.sent.v1",
        "data": {
            "channel": "chat", "interaction": interaction, "direction": "outbound",
            "participants": [{"role": "agent", "name": "Ben"}],
            "message": {"id": f"message-{id}", "text": f"answer {id}"},
        },
    }  # fmt: skip
    async with PatientClient(base_url=hub.url, timeout=PATIENCE) as client:
        headers = {"authorization": f"Bearer {key}", "content-type": "application/cloudevents+json"}
        response = await client.post("/v1/events", content=json.dumps({**event, **changes}).encode(), headers=headers)
        assert response.status_code == 202
