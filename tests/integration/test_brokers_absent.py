"""A broker that is not there is told in a few lines, by services and by commands, however often they ask for it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from tests import parts
from tests.commands import printed
from tests.patience import PATIENCE
from tests.processes import bare_environment

from cx_hub import stack
from cx_hub.stack.processes import free_port

pytestmark = pytest.mark.clock

REQUESTS = 40
LINES = 20
"""Of a whole hub: where it listens, what is not ready, which part is away; once each, and once more after a minute."""


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    return {"CX_HOME": str(tmp_path / "home"), "CX_LOG_URL": f"kafka://127.0.0.1:{free_port()}"}


@pytest.fixture
def hub(settings: dict[str, str], tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A hub that waits for its broker: its URL, and the file that it logs to."""
    with running(settings, tmp_path / "said") as url:
        yield url, tmp_path / "said"


@contextmanager
def running(settings: dict[str, str], said: Path) -> Iterator[str]:
    """A hub that logs to the file: its URL."""
    port = free_port()
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "cx_hub", "up", "--port", str(port)],
            env=bare_environment() | settings | {"CX_SMTP_PORT": "0"},
            stderr=output,
        )
    try:
        yield f"http://127.0.0.1:{port}"
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


AWAY_SECONDS = 5.0
"""Long enough for a client that tells each of its tries, 25 times a second, to fill pages."""

LINES_OF_AN_OUTAGE = 20
"""That a part does not answer, that it answers again, what is begun anew then; on a loaded machine once or twice more,
since a broker that comes back is slow. Told at each try it would be hundreds."""


@pytest.mark.kafka
@pytest.mark.fault
@pytest.mark.timeout(300)
def test_a_killed_broker_is_told_once(breakable_home: Path, tmp_path: Path) -> None:
    """A hub at work, asked all the time; the broker is killed and comes back."""
    kafka = parts.start_or_skip(breakable_home, "kafka").kafka_url
    settings = {"CX_HOME": str(tmp_path / "home"), "CX_LOG_URL": kafka, "CX_TOPIC_PREFIX": f"test-{uuid4().hex[:12]}."}
    said = tmp_path / "said"
    with running(settings, said) as url, httpx2.Client(base_url=url, trust_env=False, timeout=PATIENCE) as client:
        wait_for(lambda: client.get("/readyz").status_code == 200, said)
        headers = {
            "authorization": f"Bearer {(tmp_path / 'home' / 'key').read_text()}",
            "content-type": "application/cloudevents+json",
        }
        before = len(said.read_text().splitlines())
        stack.kill(breakable_home, "kafka")
        over, statuses = time.monotonic() + AWAY_SECONDS, set()
        while time.monotonic() < over:
            statuses.add(client.post("/v1/events", content=EVENT, headers=headers).status_code)
            time.sleep(0.02)
        stack.start(breakable_home, {"kafka"})
        wait_for(lambda: "a part answers again" in said.read_text(), said)
        wait_for(lambda: client.post("/v1/events", content=EVENT, headers=headers).status_code == 202, said)
    lines = said.read_text().splitlines()[before:]
    assert statuses == {503}
    assert len(lines) <= LINES_OF_AN_OUTAGE, "\n".join(lines)
    assert any("a part does not answer" in line and "part=log" in line for line in lines)
    assert not re.search(r"aiokafka|Traceback", "\n".join(lines))


def wait_for(holds: Callable[[], bool], said: Path) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            if holds():
                return
        except (OSError, httpx2.TransportError):
            pass  # it does not listen yet
        assert time.monotonic() < until, said.read_text()
        time.sleep(0.05)


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
