"""A rebuild on a disk that is full stops with the reason; what can't be right is refused, and nothing is touched."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx2
import msgspec
import pytest
from tests.api import KEYS, running_api
from tests.integration.test_full_disk import small_disk
from tests.integration.test_rebuild import CLEO, OPERATOR, damage, history, rebuild_of, stored_body, wrong

from cx_events.errors import TryLater
from cx_events.ids import text_of
from cx_events.log import INTERACTIONS, Log, Partition
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import START, an_event
from cx_hub.cli import run
from cx_ops.http_routes.documented import OpsRoutes
from cx_ops.http_routes.rebuild_routes import RebuildRoutes
from cx_ops.rebuild import control
from cx_ops.rebuild import run as rebuild_run
from cx_ops.rebuild.audit import REBUILT
from cx_ops.rebuild.ownership import Ownership
from cx_projectors import catch_up
from cx_runtime.fast_routes import FastRouteApp
from cx_runtime.metrics import Metrics
from cx_runtime.tenants import Tenants

pytestmark = pytest.mark.clock

REFUSED = 2


async def test_a_full_disk_stops_it_and_readers_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (catch_up, rebuild_run):
        monkeypatch.setattr(module, "PATIENCE", 0.0)
    with small_disk(tmp_path / "disk") as disk:
        async with running_api(tmp_path, f"sqlite+aiosqlite:///{disk / 'store.db'}") as hub:
            await hub.happen(*history(), *(long_word(number) for number in range(100)))
            body = await stored_body(hub, CLEO)
            padding = disk / "padding"
            room = os.statvfs(disk)
            padding.write_bytes(bytes(max(room.f_bavail * room.f_frsize - (3 << 20), 0)))
            with pytest.raises(TryLater, match="full"):
                await rebuild_of(hub, await control.begin(hub.store, OPERATOR, review=False)).run()
            assert await stored_body(hub, CLEO) == body
            padding.unlink()
            found = await control.status(hub.store)
            assert found is not None
            assert found.phase == "filling"
            await damage(hub, "UPDATE rebuilds SET leased_until = 0")  # its end could not be written either
            own = await rebuild_of(hub, await control.resume(hub.store, OPERATOR)).run()
            assert own.phase == "switched"
            assert await stored_body(hub, CLEO) == body
            assert await wrong(hub) == []


@pytest.mark.parametrize("sentence", ["comparing", "switched"])
async def test_a_step_without_its_server_is_done_again(store_url: str, tmp_path: Path, sentence: str) -> None:
    """The store goes away amid the comparison, or once the switch is committed and before anybody could say so."""
    told: list[str] = []

    def tell(said: str) -> None:
        told.append(said)
        if said.startswith(sentence) and sum(each.startswith(sentence) for each in told) == 1:
            raise TryLater("store", "the connection is gone")

    async with running_api(tmp_path, store_url) as hub:
        await hub.happen(*history())
        body = await stored_body(hub, CLEO)
        done = await rebuild_of(hub, await control.begin(hub.store, OPERATOR, review=False), tell=tell).run()
        assert (done.phase, [act.what for act in done.record.acts]) == ("switched", ["begin", "switched"])
        found = await control.status(hub.store)
        assert found is not None
        assert (found.phase, found.owner, found.record) == ("switched", "", done.record)
        assert await stored_body(hub, CLEO) == body
        assert await wrong(hub) == []
    assert any("once that is back" in each for each in told)


async def test_an_act_is_told_once_the_log_is_back(tmp_path: Path) -> None:
    begun: list[Ownership] = []
    errands: list[Callable[[], Awaitable[None]]] = []
    async with running_api(tmp_path) as hub:
        await hub.happen(*history())
        tenants = Tenants({"acme": hub.tenants.by_name["acme"]})
        spaces = {"acme": tenants.ids("acme")}
        routes = OpsRoutes()
        RebuildRoutes(
            hub.log, hub.store, tenants, spaces, "here", lambda own, _: begun.append(own),
            lambda _, errand: errands.append(errand),
        ).add_to(routes)  # fmt: skip
        app = FastRouteApp(Metrics(), title="test")
        app.include_router(routes)
        transport, key = httpx2.ASGITransport(app), {"Authorization": f"Bearer {KEYS['all']}"}
        async with httpx2.AsyncClient(transport=transport, base_url="http://hub", headers=key) as client:
            hub.log.broken = True
            answer = await client.post("/v1/ops/rebuilds/context/start?why=a%20new%20fold")
        assert answer.status_code == 202, answer.text
        assert (answer.json()["phase"], len(begun), len(errands)) == ("filling", 1, 1)
        with pytest.raises(TryLater):
            await errands[0]()  # its supervisor begins it again
        hub.log.broken = False
        await errands[0]()
        assert await acts_told(hub.log) == ["start"]


async def acts_told(log: Log) -> list[str]:
    reader = log.reader()
    reader.assign({Partition(INTERACTIONS, number): 0 for number in range(await log.partitions(INTERACTIONS))})
    told = []
    while records := await reader.read(1_000, wait=0.05):
        told += [msgspec.json.decode(record.value) for record in records]
    await reader.close()
    return [each["data"]["attributes"]["act"] for each in told if each["type"] == REBUILT]


def long_word(number: int) -> StampedEvent:
    return an_event(
        id=f"long-{number}", email="dora@example.com", interaction="chat-long", text=f"{number} " * 10_000, at=START
    )


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Commands run in an empty home, whatever the environment says."""
    for name in list(os.environ):
        if name.startswith("CX_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CX_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--tenant", "nobody"), "no tenant 'nobody' is configured"),
        (("--customer", text_of(CLEO)), "nobody has or had the id"),
        (("--customer", "cleo"), "cleo"),
        (("--from", "2999-01-01T00:00:00Z"), "in the future"),
        (("--from", "yesterday"), "yesterday"),
        (("--customer", text_of(CLEO), "--from", "2h"), "leave --from out"),
        (("--tenant", "acme", "--workers", "2"), "a rebuild of everything"),
    ],
)
def test_what_cannot_be_right_is_refused(
    home: Path, capfd: pytest.CaptureFixture[str], options: tuple[str, ...], told: str
) -> None:
    assert run(["rebuild", "context", *options]) == REFUSED
    assert told in capfd.readouterr().err


@pytest.mark.parametrize("act", ["pause", "resume", "cancel", "undo", "drop"])
def test_an_act_without_a_rebuild_is_refused(home: Path, capfd: pytest.CaptureFixture[str], act: str) -> None:
    assert run(["rebuild", act]) == REFUSED
    assert "nothing was ever rebuilt here" in capfd.readouterr().err
