"""A broker that is not there is told in a few lines, by services and by commands, however often they ask for it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from tests.commands import printed
from tests.patience import PATIENCE
from tests.processes import bare_environment

from cx_hub.stack.processes import free_port

pytestmark = pytest.mark.clock

REQUESTS = 40
LINES = 8
"""Of a whole hub: where it listens, what is not ready, which part is away; once each, and once more after a minute."""


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    return {"CX_HOME": str(tmp_path / "home"), "CX_LOG_URL": f"kafka://127.0.0.1:{free_port()}"}


@pytest.fixture
def hub(settings: dict[str, str], tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A hub that waits for its broker: its URL, and the file that it logs to."""
    port, said = free_port(), tmp_path / "said"
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "cx_hub", "up", "--port", str(port)],
            env=bare_environment() | settings | {"CX_SMTP_PORT": "0"},
            stderr=output,
        )
    try:
        yield f"http://127.0.0.1:{port}", said
    finally:
        process.kill()
        process.wait()


def test_a_hub_tells_of_it_in_few_lines(hub: tuple[str, Path], tmp_path: Path) -> None:
    url, said = hub
    until = time.monotonic() + PATIENCE
    statuses: list[int] = []
    with httpx2.Client(base_url=url, trust_env=False, timeout=PATIENCE) as client:
        while len(statuses) < REQUESTS:
            assert time.monotonic() < until, said.read_text()
            try:
                key = (tmp_path / "home" / "key").read_text()
                headers = {"authorization": f"Bearer {key}", "content-type": "application/cloudevents+json"}
                statuses.append(client.post("/v1/events", content=EVENT, headers=headers).status_code)
            except (OSError, httpx2.TransportError):
                time.sleep(0.05)
    assert set(statuses) == {503}
    lines = said.read_text().splitlines()
    assert len(lines) <= LINES, "\n".join(lines)
    assert any("part=log" in line for line in lines)
    assert not re.search(r"aiokafka|Traceback", "\n".join(lines))


EVENT = b"""{"specversion": "1.0", "id": "m-1", "source": "//acme.example/chat", "type": "cx.message.received.v1",
"data": {"channel": "chat", "interaction": "chat-1", "message": {"id": "m-1", "text": "hello"}}}"""


@pytest.mark.parametrize(
    "command", ["lag", "log tail", "log tail -f", "verify", "topics plan", "replay plan --target x.jsonl"]
)
def test_a_command_tells_of_it_in_one_line(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    for name in [each for each in os.environ if each.startswith("CX_")]:
        monkeypatch.delenv(name)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    told = printed(command.split())
    assert (told.code, told.out) == (1, "")
    (line,) = told.err.strip().splitlines()
    assert settings["CX_LOG_URL"].removeprefix("kafka://") in line
    assert "no broker answers" in line
