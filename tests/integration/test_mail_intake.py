"""From an SMTP client to the log: listener, workers, intake and the embedded parts, all of them real."""

from __future__ import annotations

import asyncio
import os
import signal
import smtplib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.channels import BreakableLog
from tests.patience import PATIENCE

from cx_channels.intake import Intake, wall_clock
from cx_channels.mapping_pool import MappingPool
from cx_channels.provider import Connection
from cx_channels.registry import providers
from cx_channels.smtp.listener import SmtpListener, by_recipient
from cx_events.blob.folder import FolderBlobs
from cx_events.dead_letters import decode_dead_letter
from cx_events.log import DEAD_LETTERS, INTERACTIONS, Partition
from cx_events.log.sqlite import SqliteLog
from cx_runtime.metrics import Metrics
from cx_runtime.tenants import ConnectionConfig, TenantConfig, Tenants

pytestmark = pytest.mark.clock

SETTINGS = {"addresses": ["support@acme.example"]}
MAIL = (
    b"From: Ana <ana@example.com>\r\nTo: support@acme.example\r\nMessage-ID: <m-1@example.com>\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello\r\n"
    b"--b\r\nContent-Type: application/pdf; name=a.pdf\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--b--\r\n"
)


@dataclass
class MailHub:
    listener: SmtpListener
    workers: MappingPool
    log: BreakableLog
    blobs: FolderBlobs

    async def send(self, mail: bytes) -> None:
        def run() -> None:
            with smtplib.SMTP(
                "127.0.0.1", self.listener.port, local_hostname="client.example.com", timeout=PATIENCE
            ) as client:
                client.sendmail("ana@example.com", ["support@acme.example"], mail)

        await asyncio.to_thread(run)

    async def stored(self, topic: str) -> list[bytes]:
        reader = self.log.reader()
        reader.assign({Partition(topic, number): 0 for number in await self.log.log.end_offsets(topic)})
        found = [record.value for record in await reader.read(1000, wait=0.05)]
        await reader.close()
        return found

    async def events(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(raw) for raw in await self.stored(INTERACTIONS)]


@asynccontextmanager
async def mail_hub(folder: Path, deadline: float = PATIENCE) -> AsyncIterator[MailHub]:
    log = BreakableLog(SqliteLog(folder / "log.db", 4))
    blobs = FolderBlobs(folder / "blobs")
    config = ConnectionConfig(provider="email/mime", settings=SETTINGS)
    tenants = Tenants({"acme": TenantConfig(id_key="a lasting key of acme", connections={"acme-mail": config})})
    workers = MappingPool(1, deadline=deadline)
    intake = Intake(log, blobs, tenants, providers(), Metrics(), mapper=workers.mapper)
    find = by_recipient([Connection("acme-mail", "acme", "email/mime", settings=SETTINGS)])
    listener = SmtpListener("127.0.0.1", 0, find, intake.receive, clock=wall_clock)
    for part in (log, blobs, workers, listener):
        await part.start()
    try:
        yield MailHub(listener, workers, log, blobs)
    finally:
        for part in (listener, workers, blobs, log):
            await part.stop()


async def test_an_acknowledged_mail_is_on_the_log_with_attachments(tmp_path: Path) -> None:
    async with mail_hub(tmp_path) as hub:
        await hub.send(MAIL)
        (event,) = await hub.events()
        assert event["id"].startswith("m-1@example.com/")
        assert event["source"] == "//throughline/acme/connections/acme-mail"
        (attachment,) = event["data"]["message"]["attachments"]
        assert await hub.blobs.get("acme", attachment["blob"]) == b"hello"


async def test_a_log_that_is_down_makes_mail_senders_retry(tmp_path: Path) -> None:
    async with mail_hub(tmp_path) as hub:
        hub.log.broken = True
        with pytest.raises(smtplib.SMTPDataError) as caught:
            await hub.send(MAIL)
        assert caught.value.smtp_code == 451
        hub.log.broken = False
        await hub.send(MAIL)
        assert [event["data"]["message"]["id"] for event in await hub.events()] == ["m-1@example.com"]


async def test_a_large_original_is_kept_whole_beside_the_event(tmp_path: Path) -> None:
    large = MAIL + b"x\r\n" * 1_000_000
    async with mail_hub(tmp_path) as hub:
        await hub.send(large)
        (event,) = await hub.events()
        assert event["data"]["raw"]["bytes"] == len(large)
        assert await hub.blobs.get("acme", event["data"]["raw"]["blob"]) == large


async def test_a_mail_that_hangs_its_worker_becomes_a_letter(tmp_path: Path) -> None:
    async with mail_hub(tmp_path, deadline=0.3) as hub:
        (worker,) = hub.workers.pids
        os.kill(worker, signal.SIGSTOP)
        await hub.send(MAIL)
        (letter,) = [decode_dead_letter(raw) for raw in await hub.stored(DEAD_LETTERS)]
        assert letter.reason == "took-too-long"
        assert letter.content == MAIL
        assert letter.headers["x-envelope-to"] == "support@acme.example"
        assert await hub.events() == []


async def test_a_malformed_mail_is_accepted_as_a_dead_letter(tmp_path: Path) -> None:
    async with mail_hub(tmp_path) as hub:
        await hub.send(b"just words\r\n")
        (letter,) = [decode_dead_letter(raw) for raw in await hub.stored(DEAD_LETTERS)]
        assert (letter.reason, letter.content) == ("malformed", b"just words\r\n")
