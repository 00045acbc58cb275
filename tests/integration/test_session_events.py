"""Test that the hub's own pages send events where intake and the desktop are processes of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.asking import PatientClient
from tests.faults.ground import all_records
from tests.integration.test_sessions import KEYS, Browser, signed_in, tenants
from tests.patience import PATIENCE

from cx_hub.compose import Hub, running_hub
from cx_hub.demo.run import embedded_settings, until_ready

pytestmark = [pytest.mark.clock, pytest.mark.asyncio(loop_scope="module")]

PATH = "/v1/session/events"
ANSWER: dict[str, Any] = {
    "specversion": "1.0",
    "id": "answer-1",
    "source": "/desk",
    "type": "cx.message.sent.v1",
    "data": {
        "channel": "chat",
        "interaction": "acme-chat/c-1",
        "direction": "outbound",
        "participants": [{"role": "agent", "id": "ben"}],
        "message": {"text": "We are on it", "content_type": "text/plain"},
    },
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desktop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hub]:
    """A process of the desktop alone, as containers have it."""
    folder: Path = tmp_path_factory.mktemp("desktop")
    async with running_hub(embedded_settings(folder), tenants(), services=frozenset({"desktop"})) as hub:
        await until_ready(hub.url)
        yield hub


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http(desktop: Hub) -> AsyncIterator[PatientClient]:
    async with PatientClient(base_url=desktop.url, trust_env=False, timeout=PATIENCE) as http:
        yield http


async def test_a_page_sends_an_event_in_its_session(desktop: Hub, http: PatientClient) -> None:
    browser: Browser = await signed_in(http, "decider", agent="ben")
    answer = await browser.ask("POST", PATH, json=ANSWER, content_type="application/cloudevents+json")
    assert (answer.status_code, answer.json()["accepted"]) == (202, [{"source": "/desk", "id": "answer-1"}])
    (record,) = [record async for record in all_records(desktop.log)]
    assert b"We are on it" in record.value


async def test_session_events_are_checked_like_all_others(http: PatientClient) -> None:
    browser: Browser = await signed_in(http, "decider", agent="ben")
    structured = {"content_type": "application/cloudevents+json"}
    answer = await browser.ask("POST", PATH, json=ANSWER, token=None, **structured)
    assert (answer.status_code, answer.json()["reason"]) == (403, "bad-csrf-token")
    other = {**ANSWER, "data": {**ANSWER["data"], "participants": [{"role": "agent", "id": "mia"}]}}
    answer = await browser.ask("POST", PATH, json=other, **structured)
    assert (answer.status_code, answer.json()["reason"]) == (403, "other-agent")
    reader: Browser = await signed_in(http, "reader")
    answer = await reader.ask("POST", PATH, json=ANSWER, **structured)
    assert (answer.status_code, answer.json()["reason"]) == (403, "missing-scope")
    nobody = await http.post(PATH, json=ANSWER, headers={"content-type": "application/cloudevents+json"})
    assert nobody.status_code == 401
    by_key = await http.post(
        f"{PATH}?dry_run=true",
        json=ANSWER,
        headers={"content-type": "application/cloudevents+json", "authorization": f"Bearer {KEYS['decider']}"},
    )
    assert by_key.status_code == 200
