"""A hub for the story: all services in this process, on embedded parts in a home of its own, on free ports."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from cx_context.store import Store
from cx_events.errors import TryLater
from cx_events.log import Log
from cx_hub.client import connected
from cx_hub.demo.actors import PATIENCE, Browser, Desktop, MailServer, PhoneCompany, SocialNetwork, Software
from cx_hub.demo.stage import Stage
from cx_hub.demo.story import BEN, World, tell
from cx_identity.rules import DEFAULT
from cx_projectors.apply import Tenancy
from cx_projectors.verify import verify
from cx_runtime.settings import Settings
from cx_runtime.tenants import Tenants

TENANT = "acme"
_MICROS = 1_000_000


def embedded_settings(home: Path, port: int = 0, smtp_port: int = 0) -> Settings:
    """Settings of a hub on files alone, whatever the environment says."""
    return Settings(
        home=home,
        log_url=f"sqlite:///{home.absolute() / 'log.db'}",
        store_url=f"sqlite+aiosqlite:///{home.absolute() / 'store.db'}",
        blob_url=f"file://{home.absolute() / 'blobs'}",
        config=None,
        host="127.0.0.1",
        port=port,
        smtp_port=smtp_port,
        public_url="",
        topic_prefix="",
        workers=1,
    )


@contextmanager
def home_folder(given: Path | None) -> Iterator[Path]:
    """The folder that is given, or one that is gone afterwards."""
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="throughline-demo-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@dataclass(frozen=True, slots=True)
class Doors:
    """Where a hub is reached: all its services at one address, or each at its own."""

    channels: str
    api: str
    smtp_port: int
    tenants: Tenants


async def play(doors: Doors, stage: Stage) -> None:
    """Tell the story to a hub that runs; what was checked stands in the stage."""
    tenant = doors.tenants.by_name[TENANT]
    secrets = {id: connection.secrets for id, connection in tenant.connections.items()}
    key = tenant.keys[0].secret
    hooks = f"{doors.channels}/v1/hooks"
    async with (
        connected(doors.channels, key) as writer,
        connected(doors.api, key) as reader,
        httpx2.AsyncClient(timeout=PATIENCE, trust_env=False) as outside,
    ):
        world = World(
            browser=Browser(doors.channels, "acme-chat"),
            phone=PhoneCompany(outside, f"{hooks}/acme-calls", secrets["acme-calls"][0]),
            social=SocialNetwork(outside, f"{hooks}/acme-social", secrets["acme-social"][0]),
            mail=MailServer(doors.smtp_port),
            bot=Software(writer, "//acme.example/bot"),
            crm=Software(writer, "//acme.example/crm"),
            login=Software(writer, "//acme.example/login"),
            desk=Desktop(reader, BEN),
        )
        await tell(stage, world)


async def hold_against_the_log(stage: Stage, tenants: Tenants, store: Store, log: Log) -> None:
    """The proof at the end: the whole log read again, and every context made anew."""
    known = {
        name: (Tenancy(tenants.ids(name), DEFAULT), tenant.threading.window * _MICROS)
        for name, tenant in tenants.by_name.items()
    }
    findings = await verify(store, log, known)
    stage.step("proof", "The whole log is read again, and every context made anew from its definition.")
    stage.says(f"{findings.events} events, {findings.customers} customer, {len(findings.wrong)} differences")
    for sentence in findings.wrong:
        stage.says(sentence)
    stage.check("what was kept up to date equals what the log says, byte for byte", not findings.wrong)


async def until_ready(url: str, seconds: float = PATIENCE) -> None:
    """Wait until a service says that it is ready; ``TryLater`` with what is missing."""
    missing = "no answer"
    deadline = time.monotonic() + seconds
    async with httpx2.AsyncClient(timeout=5.0, trust_env=False) as http:
        while time.monotonic() < deadline:
            try:
                answer = await http.get(f"{url}/readyz")
            except httpx2.HTTPError as error:
                missing = str(error) or type(error).__name__
            else:
                if answer.is_success:
                    return
                missing = answer.json().get("detail", answer.text)
            await asyncio.sleep(0.05)
    raise TryLater("hub", f"{url} did not get ready within {seconds:.0f} s: {missing}")
