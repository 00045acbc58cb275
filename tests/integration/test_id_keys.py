"""Over what was stored under another ``id_key`` nothing starts: it would be ready, and know nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.commands import printed
from tests.patience import PATIENCE
from tests.projection import in_partitions, workers

from cx_context.store import Store, open_store
from cx_context.store.id_keys import check_id_keys, hold_id_keys
from cx_events.errors import Fatal
from cx_events.ids import IdSpace
from cx_events.testing.builders import ACME, an_event
from cx_hub.compose import running_hub
from cx_hub.compose.hub import Service
from cx_hub.demo.run import embedded_settings
from cx_runtime.tenants import TenantConfig, Tenants

pytestmark = pytest.mark.clock

OTHER = IdSpace("acme", b"another lasting key of acme")
ANOTHER_KEY = "another id_key of the tenant 'acme'"


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    store = open_store(store_url)
    await store.start()
    yield store
    await store.stop()


async def fill(store: Store) -> None:
    (worker,) = await workers(store, in_partitions([an_event(id="m-1", email="ana@example.com")], 1), 1)
    while worker.behind:
        await worker.step(3)


async def test_a_store_stays_under_its_key(store: Store) -> None:
    await hold_id_keys(store, {"acme": ACME})
    await fill(store)
    await hold_id_keys(store, {"acme": ACME, "other": IdSpace("other", b"a lasting key of another")})
    assert await check_id_keys(store, {"acme": ACME})
    for look in (hold_id_keys, check_id_keys):
        with pytest.raises(Fatal, match=ANOTHER_KEY) as refused:
            await look(store, {"acme": OTHER})
        assert "tenants.acme.id_key" in str(refused.value)


async def test_a_store_filled_before_keys_were_noted(store: Store) -> None:
    await fill(store)
    with pytest.raises(Fatal, match=ANOTHER_KEY):
        await hold_id_keys(store, {"acme": OTHER})
    assert not await check_id_keys(store, {"acme": ACME})
    await hold_id_keys(store, {"acme": ACME})
    assert await check_id_keys(store, {"acme": ACME})


async def test_a_key_binds_once_something_is_stored(store: Store) -> None:
    await hold_id_keys(store, {"acme": OTHER})
    await hold_id_keys(store, {"acme": ACME})
    await fill(store)
    with pytest.raises(Fatal, match=ANOTHER_KEY):
        await hold_id_keys(store, {"acme": OTHER})


def tenants(id_key: str) -> Tenants:
    return Tenants({"acme": TenantConfig(id_key=id_key)})


async def filled(home: Path) -> None:
    """Leave what a hub of ``ACME`` stored in the files of a home."""
    store = open_store(embedded_settings(home).resolved_store_url())
    await store.start()
    await hold_id_keys(store, {"acme": ACME})
    await fill(store)
    await store.stop()


EACH: list[frozenset[Service]] = [
    frozenset({"channels", "projectors", "api", "ops"}),
    frozenset({"channels"}),
    frozenset({"projectors"}),
    frozenset({"api"}),
    frozenset({"ops"}),
]


@pytest.mark.parametrize("services", EACH, ids=lambda services: "+".join(sorted(services)))
async def test_no_process_starts_under_another_key(tmp_path: Path, services: frozenset[Service]) -> None:
    await filled(tmp_path)
    async with running_hub(embedded_settings(tmp_path), tenants("another lasting key of acme"), services) as hub:
        await asyncio.wait_for(hub.supervisor.stopping.wait(), PATIENCE)
        assert ANOTHER_KEY in str(hub.supervisor.fatal)
        assert not hub.log.opened.is_set(), "nothing could be appended under that key"


async def test_channels_look_once_the_store_is_there(tmp_path: Path) -> None:
    channels: frozenset[Service] = frozenset({"channels"})
    async with running_hub(embedded_settings(tmp_path), tenants("another lasting key of acme"), channels) as hub:
        await asyncio.wait_for(hub.log.opened.wait(), PATIENCE)
        assert hub.supervisor.fatal is None
        await filled(tmp_path)
        await asyncio.wait_for(hub.supervisor.stopping.wait(), PATIENCE)
        assert ANOTHER_KEY in str(hub.supervisor.fatal)


async def test_the_same_key_starts_again(tmp_path: Path) -> None:
    await filled(tmp_path)
    async with running_hub(embedded_settings(tmp_path), tenants("acme example key")) as hub:
        await asyncio.wait_for(hub.store_opened.wait(), PATIENCE)
        assert hub.supervisor.fatal is None


def test_commands_refuse_another_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asyncio.run(filled(tmp_path))
    config = tmp_path / "tenants.yaml"
    config.write_text('tenants: {acme: {id_key: "another lasting key of acme"}}')
    for name, value in (("CX_HOME", tmp_path), ("CX_CONFIG", config)):
        monkeypatch.setenv(name, str(value))
    for name in ("CX_LOG_URL", "CX_STORE_URL"):
        monkeypatch.delenv(name, raising=False)
    for command in (["verify"], ["rebuild", "context"], ["dlq", "retry", "x"]):
        told = printed(command)
        assert told.code == 1, told
        assert "another id_key of the tenant 'acme'" in " ".join(told.err.split()), told
