"""A disk that is full: readiness tells it, senders are told to come again, and what was acknowledged is there."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.patience import PATIENCE
from tests.processes import Running, running

from cx_hub.compose import running_hub
from cx_hub.demo.run import embedded_settings
from cx_hub.disk import check_room, embedded_folders
from cx_runtime.settings import Settings
from cx_runtime.tenants import load

pytestmark = pytest.mark.clock

ROOM = 24 << 20


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of 24 MB."""
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "none", str(folder)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("nothing may be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def event(number: int) -> dict[str, Any]:
    message = {"id": f"m-{number}", "text": "x" * 20_000, "content_type": "text/plain"}
    return {
        "specversion": "1.0",
        "id": f"e-{number}",
        "source": "//acme.example/chat",
        "type": "cx.message.received.v1",
        "data": {
            "channel": "chat",
            "interaction": "chat-1",
            "direction": "inbound",
            "participants": [],
            "message": message,
        },
    }


class Sender:
    def __init__(self, hub: Running, home: Path) -> None:
        key = (home / "key").read_text()
        self.http = httpx2.Client(
            base_url=hub.url, headers={"authorization": f"Bearer {key}"}, trust_env=False, timeout=PATIENCE
        )

    def send(self, number: int) -> httpx2.Response:
        """Send an event, again where it was not stored though there is room: a loaded machine's log was too slow."""
        headers = {"content-type": "application/cloudevents+json"}
        until = time.monotonic() + PATIENCE
        while True:
            answer = self.http.post("/v1/events", json=event(number), headers=headers)
            if answer.status_code != 503 or self.ready().status_code != 200 or time.monotonic() > until:
                return answer

    def ready(self) -> httpx2.Response:
        return self.http.get("/readyz")


def test_a_full_disk_is_reported_and_loses_nothing_acknowledged(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        home = disk / "home"
        settings = {"CX_HOME": str(home), "CX_MIN_FREE_BYTES": str(2 << 20)}
        with running("run channels", settings, tmp_path / "said") as hub:
            sender = Sender(hub, home)
            acknowledged, answer, number = [], sender.send(0), 0
            while answer.status_code == 202:
                acknowledged.append(f"e-{number}")
                number += 1
                assert number < 5_000
                answer = sender.send(number)
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) >= 1
            told = sender.ready()
            assert told.status_code == 503
            assert "disk" in told.json()["detail"]
            refused = sender.send(number)
            assert refused.status_code == 503
            subprocess.run(["mount", "-o", f"remount,size={4 * ROOM}", str(disk)], check=True)
            assert sender.send(number).status_code == 202
            acknowledged.append(f"e-{number}")
            assert sender.ready().status_code == 200
            hub.stop()
        assert set(acknowledged) <= ids_on(home)


def ids_on(home: Path) -> set[str]:
    import asyncio

    from tests.integration.test_composition import stored

    from cx_events.log.open import open_log

    async def read() -> set[str]:
        log = open_log(f"sqlite:///{home / 'log.db'}")
        await log.start()
        found = {each["id"] for each in await stored(log)}
        await log.stop()
        return found

    return asyncio.run(read())


async def test_low_disk_space_is_reported_early(tmp_path: Path) -> None:
    settings = embedded_settings(tmp_path).model_copy(update={"min_free_bytes": 1 << 62})
    async with running_hub(settings, load(None, tmp_path, {})) as hub:
        report = await hub.health.ready()
        assert not report.ok
        assert "bytes free" in report.parts["disk"].why


async def test_an_unwritable_folder_is_reported(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        await check_room([disk], 0)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises(Exception, match="can't be written"):
            await check_room([disk], 0)


def test_disks_of_remote_servers_are_not_checked(tmp_path: Path) -> None:
    there = Settings(
        home=tmp_path,
        log_url="kafka://kafka:9092",
        store_url="postgresql+asyncpg://x@db/x",
        blob_url=f"file://{tmp_path}/blobs",
    )
    assert embedded_folders(there) == [tmp_path / "blobs"]
    assert embedded_folders(embedded_settings(tmp_path)) == [tmp_path, tmp_path / "blobs"]
