"""``/metrics`` has a port or a key of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.patience import PATIENCE

from cx_events.errors import Fatal
from cx_hub.compose import Hub, running_hub
from cx_hub.demo.run import embedded_settings
from cx_runtime.tenants import load

pytestmark = pytest.mark.clock


async def asked(url: str, key: str = "") -> httpx2.Response:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
        return await client.get(f"{url}/metrics", headers=headers)


def hub_with(home: Path, **settings: Any) -> Any:
    return running_hub(embedded_settings(home).model_copy(update=settings), load(None, home, {}))


def port_of(hub: Hub) -> str:
    return f"http://127.0.0.1:{hub.metrics_port}"


async def test_metrics_without_a_setting_need_the_generated_key(tmp_path: Path) -> None:
    async with hub_with(tmp_path) as hub:
        made = (tmp_path / "metrics-key").read_text()
        assert (await asked(hub.url)).status_code == 401
        assert (await asked(hub.url, made + "x")).status_code == 401
        opened = await asked(hub.url, made)
        assert opened.status_code == 200
        assert "cx_intake_events" in opened.text


async def test_a_tenants_key_does_not_open_metrics(tmp_path: Path) -> None:
    async with hub_with(tmp_path) as hub:
        assert (await asked(hub.url, (tmp_path / "key").read_text())).status_code == 401


async def test_a_configured_key_opens_metrics(tmp_path: Path) -> None:
    async with hub_with(tmp_path, metrics_key="a key for scraping") as hub:
        assert (await asked(hub.url)).status_code == 401
        assert (await asked(hub.url, "a key for scraping")).status_code == 200
        assert not (tmp_path / "metrics-key").exists()


async def test_the_metrics_port_serves_metrics_alone(tmp_path: Path) -> None:
    async with hub_with(tmp_path, metrics_port=0) as hub:
        assert (await asked(port_of(hub))).status_code == 200
        assert (await asked(hub.url)).status_code == 404
        async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
            assert (await client.get(f"{port_of(hub)}/v1/me")).status_code == 404


async def test_the_metrics_port_may_require_a_key(tmp_path: Path) -> None:
    async with hub_with(tmp_path, metrics_port=0, metrics_key="a key for scraping") as hub:
        assert (await asked(port_of(hub))).status_code == 401
        assert (await asked(port_of(hub), "a key for scraping")).status_code == 200


async def test_a_tenants_key_as_metrics_key_stops_the_start(tmp_path: Path) -> None:
    load(None, tmp_path, {})
    with pytest.raises(Fatal, match="CX_METRICS_KEY"):
        async with hub_with(tmp_path, metrics_key=(tmp_path / "key").read_text()):
            pass
