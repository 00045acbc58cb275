"""A hub on the embedded parts and what its ``/metrics`` have."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from prometheus_client.parser import text_string_to_metric_families
from tests.asking import PatientClient
from tests.patience import PATIENCE

from cx_hub.compose import Hub, running_hub
from cx_hub.demo.run import embedded_settings
from cx_runtime.tenants import Tenants, load

EVENT = {
    "specversion": "1.0",
    "id": "m-1",
    "source": "//shop.example/chat",
    "type": "cx.message.received.v1",
    "data": {
        "channel": "chat",
        "interaction": "chat-1",
        "direction": "inbound",
        "participants": [{"role": "customer", "identifiers": [{"kind": "email", "value": "ana@example.com"}]}],
        "message": {"id": "m-1", "text": "I was charged twice"},
    },
}
STRUCTURED = {"content-type": "application/cloudevents+json"}

Labels = tuple[tuple[str, str], ...]


@asynccontextmanager
async def asked_hub(home: Path, **more: Any) -> AsyncIterator[tuple[Hub, httpx2.AsyncClient]]:
    """A hub on the embedded parts, ready, and a client with its key of all scopes. ``more``: of its tenant's
    configuration."""
    tenants = Tenants({name: each.model_copy(update=more) for name, each in load(None, home, {}).by_name.items()})
    async with running_hub(embedded_settings(home).model_copy(update={"metrics_port": 0}), tenants) as hub:
        headers = {"authorization": f"Bearer {(home / 'key').read_text()}"}
        async with PatientClient(base_url=hub.url, headers=headers, trust_env=False, timeout=PATIENCE) as client:
            while (await client.get("/readyz")).status_code != 200:
                await asyncio.sleep(0.05)
            yield hub, client


async def samples(hub: Hub) -> Mapping[tuple[str, Labels], float]:
    """Return all samples that ``/metrics`` has, by name and sorted labels."""
    async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
        text = (await client.get(f"http://127.0.0.1:{hub.metrics_port}/metrics")).text
    return {
        (each.name, tuple(sorted(each.labels.items()))): each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
    }


def labels(**found: str) -> Labels:
    return tuple(sorted(found.items()))
