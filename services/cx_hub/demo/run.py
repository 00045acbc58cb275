"""A hub for the story: all services in this process, on embedded parts in a home of its own, on free ports."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
from rich.console import Console

from cx_events.errors import TryLater
from cx_hub.client import connected
from cx_hub.compose import Hub, running_hub
from cx_hub.demo.actors import PATIENCE, Browser, Desktop, MailServer, PhoneCompany, SocialNetwork, Software
from cx_hub.demo.stage import Stage
from cx_hub.demo.story import BEN, World, tell
from cx_identity.rules import DEFAULT
from cx_projectors.apply import Tenancy
from cx_projectors.verify import verify
from cx_runtime.settings import Settings

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


async def play(hub: Hub, out: Console) -> Stage:
    """Tell the story with a hub that runs; what was checked stands in the stage."""
    stage = Stage(out)
    await until_ready(hub)
    connections = hub.tenants.by_name[TENANT].connections
    key = hub.tenants.by_name[TENANT].keys[0].secret
    async with connected(hub.url, key) as client, httpx2.AsyncClient(timeout=PATIENCE, trust_env=False) as outside:
        world = World(
            browser=Browser(hub.url, "acme-chat"),
            phone=PhoneCompany(outside, f"{hub.url}/v1/hooks/acme-calls", connections["acme-calls"].secrets[0]),
            social=SocialNetwork(outside, f"{hub.url}/v1/hooks/acme-social", connections["acme-social"].secrets[0]),
            mail=MailServer(hub.smtp_port),
            bot=Software(client, "//acme.example/bot"),
            crm=Software(client, "//acme.example/crm"),
            login=Software(client, "//acme.example/login"),
            desk=Desktop(client, BEN),
        )
        await tell(stage, world)
    await _hold_against_the_log(stage, hub)
    stage.ending()
    return stage


async def _hold_against_the_log(stage: Stage, hub: Hub) -> None:
    tenant = hub.tenants.by_name[TENANT]
    tenancy = Tenancy(hub.tenants.ids(TENANT), DEFAULT)
    findings = await verify(hub.store, hub.log, {TENANT: (tenancy, tenant.threading.window * _MICROS)})
    stage.step("proof", "The whole log is read again, and every context made anew from its definition.")
    stage.says(f"{findings.events} events, {findings.customers} customers, {len(findings.wrong)} differences")
    for sentence in findings.wrong:
        stage.says(sentence)
    stage.check("what was kept up to date equals what the log says, byte for byte", not findings.wrong)


async def until_ready(hub: Hub) -> None:
    """``TryLater`` with what is missing."""
    async with asyncio.timeout(PATIENCE):
        while not (report := await hub.health.ready()).ok:
            if hub.supervisor.stopping.is_set():
                missing = "; ".join(f"{name}: {part.why}" for name, part in report.parts.items() if not part.ok)
                raise TryLater("hub", f"it did not get ready: {missing}")
            await asyncio.sleep(0.05)


__all__ = ["embedded_settings", "home_folder", "play", "running_hub", "until_ready"]
