"""The bot that a reader builds from the pages alone, in a hub with the configuration that stands beside it."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.patience import PATIENCE
from tests.processes import running
from tests.receiver import answer, receiving
from tests.recipes.story import RECIPES

from cx_hub.demo.actors import Browser
from cx_hub.demo.run import until_ready
from cx_hub.stack.processes import free_port
from cx_runtime.outbound.signatures import Signatures

pytestmark = pytest.mark.clock

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
DESK, HELPER, CHAT = "a-key-of-the-desk", "a-key-of-the-helper", "a secret of the chat"
PAGE = "https://www.acme.example"


@contextmanager
def bot(url: str, port: int, said: Path) -> Iterator[None]:
    environment = {**os.environ, "CX_URL": url, "CX_KEY": HELPER, "BOT_SECRET": SECRET, "PORT": str(port)}
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(RECIPES / "own-bot" / "bot.py")], env=environment, stderr=output
        )
    try:
        yield
    finally:
        process.kill()
        process.wait()


async def chat(url: str, visitor: dict[str, str], *texts: str) -> list[str]:
    """Return what the bot answered in one chat."""
    browser, answers = Browser(url, "acme-chat", PAGE, PATIENCE), []
    async with browser.chat(visitor) as open_chat:
        for number, text in enumerate(texts):
            await open_chat.write(f"m-{number}", text)
            answers.append((await open_chat.hear("message"))["text"])
    return [browser.interaction, *answers]


def packet_of(url: str, interaction: str, summary: str) -> Any:
    """Return the packet that an agent reads, once the bot has put this one."""

    def ask(path: str) -> Any:
        request = urllib.request.Request(url + path, headers={"authorization": f"Bearer {DESK}"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        conversation = ask(f"/v1/context/brief?interaction={interaction}")["route"]["conversation"]
        packet = ask(f"/v1/conversations/{conversation}/handoff")
        if packet["request"] is not None and packet["summary"] == summary:
            return packet
        time.sleep(0.1)
    raise TimeoutError("nobody handed over")


async def test_a_bot_tells_each_visitor_what_may_be_said(tmp_path: Path) -> None:
    port = free_port()
    settings = {
        "CX_HOME": str(tmp_path / "home"),
        "CX_CONFIG": str(RECIPES / "own-bot" / "tenants.yaml"),
        "CX_OUTBOUND_NETWORKS": "127.0.0.0/8",
        "ACME_ID_KEY": "a lasting secret of the bot's tenant",
        "HELPER_KEY": HELPER,
        "DESK_KEY": DESK,
        "CHAT_SECRET": CHAT,
        "HELPER_URL": f"http://127.0.0.1:{port}/",
        "HELPER_SECRET": SECRET,
    }
    account = "A-1001"
    signed = hmac.new(CHAT.encode(), f"account:{account}".encode(), "sha256").hexdigest()
    with running("up", settings, tmp_path / "up.txt") as hub, bot(hub.url, port, tmp_path / "bot.txt"):
        await until_ready(hub.url, PATIENCE)
        known = {"account": account, "name": "Ana", "user_hash": signed}
        hers, first, second = await chat(hub.url, known, "I was charged twice", "A person, please")
        packets = [packet_of(hub.url, hers, "A person, please")]
        theirs, refused = await chat(hub.url, {"account": account, "name": "Ana"}, "What is on my account?")
        packets.append(packet_of(hub.url, theirs, "What is on my account?"))
    assert first == "Hello Ana. It is about: I was charged twice."
    assert second == f"{first} A colleague takes over."
    assert refused == "Please log in, so that I know who you are. A colleague takes over."
    assert [packet["tried"][0] for packet in packets] == [second, refused]
    assert {packet["request"]["by"] for packet in packets} == {"bot"}


async def test_a_file_without_words_is_handed_over(tmp_path: Path) -> None:
    route = {"conversation": "0825f112-d2d1-8732-957d-07ee2e4411f3"}
    brief = json.dumps({"say": {"name": "", "known": {}}, "route": route}).encode()
    port, file = free_port(), {"name": "bill.png", "content_type": "image/png"}
    data = {"interaction": "acme-chat/1", "message": {"id": "f-1", "attachments": [file]}}
    event = json.dumps({"source": "//acme.example/chat", "id": "f-1", "data": data}).encode()
    signed = Signatures((SECRET,)).headers("f-1", event, time.time())
    async with (
        receiving(lambda _: answer(200, body=brief)) as hub,
        httpx2.AsyncClient(trust_env=False, timeout=PATIENCE) as sender,
    ):
        with bot(hub.url("").rstrip("/"), port, tmp_path / "bot.txt"):
            async with asyncio.timeout(PATIENCE):
                while not await _listens(port):
                    await asyncio.sleep(0.05)
            heard = await sender.post(f"http://127.0.0.1:{port}/", content=event, headers=signed)
            forged = await sender.post(f"http://127.0.0.1:{port}/", content=event + b" ", headers=signed)
    assert (heard.status_code, forged.status_code) == (204, 401)
    [packet] = [json.loads(got.body)["packet"] for got in hub.got if got.target.endswith("/handoffs")]
    assert packet["summary"] == "sent bill.png"


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
