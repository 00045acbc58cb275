"""Whatever a client sends, the fault is named as the client's: requests made up from the OpenAPI document."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.api import KEYS, running_api
from tests.patience import PATIENCE
from tests.sse import following

from cx_context_api.openapi.description import description
from cx_events.ids import text_of
from cx_events.testing.builders import ACME, HOUR, START, an_event
from cx_runtime.openapi.document import document

ANA = ACME.profile("email", "", "ana@example.com")
DOCUMENT = document([description()])
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = {
    f"{one.ok().method.upper()} {one.ok().path}": one.ok()
    for one in SCHEMA.get_all_operations()
    if isinstance(one, Ok) and not one.ok().path.endswith("stream")
}
STREAMS = [path for path in DOCUMENT["paths"] if path.endswith("stream")]
HISTORY = (
    an_event(id="m-1", email="ana@example.com", interaction="chat-42", text="I was charged twice"),
    an_event("cx.interaction.started.v1", id="c-1", at=START + HOUR, email="ana@example.com", interaction="call-1"),
    an_event("cx.interaction.started.v1", id="n-1", interaction="call-9"),
    an_event(id="s-1", email="ana@example.com", phone="+15550100199"),
    an_event(id="s-2", email="bob@example.com", phone="+15550100199"),
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[str]]]:
    """A running service in a thread of its own, and ids that mean something there."""
    folder: Path = tmp_path_factory.mktemp("api")
    ready, done = threading.Event(), threading.Event()
    told: dict[str, Any] = {}

    async def serve() -> None:
        async with running_api(folder) as hub:
            await hub.happen(*HISTORY)
            threads = [c["id"] for c in (await hub.body("email:ana@example.com"))["conversations"]]
            told["url"], told["ids"] = hub.url, [text_of(ANA), *threads]
            ready.set()
            while not done.is_set():
                await asyncio.sleep(0.05)
                await hub.projector.catch_up()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(PATIENCE)
        yield told["url"], told["ids"]
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("path", STREAMS)
async def test_no_stream_request_causes_a_server_error(service: tuple[str, list[str]], path: str) -> None:
    url, ids = service
    whole = [path.replace("{id}", id) for id in (*ids, "no-id", "%00")] if "{id}" in path else [path]
    queries = (
        "",
        "from=0",
        "from=%00",
        "from=1&from=2",
        "body=none",
        "agent=%F0%9F%92%A9",
        "queue=%00",
        "a=1",
        "agent",
    )
    lasts = ("", "x", "AAAA", "=" * 300, "%00", "A" * 9000)
    known = DOCUMENT["paths"][path]["get"]["responses"]
    for each in whole:
        for query in queries:
            for last in lasts:
                async with following(url, f"{each}?{query}", KEYS["all"], last) as answer:
                    assert str(answer.status) in known, (each, query, last)
                    assert answer.status < 500


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_answer_follows_the_openapi_document(service: tuple[str, list[str]], name: str) -> None:
    url, ids = service
    operation = OPERATIONS[name]

    @settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(), id=st.sampled_from([*ids, ""]))
    def run(case: schemathesis.Case, id: str) -> None:
        if id and "id" in case.path_parameters:
            case.path_parameters["id"] = id
        if "wait" in case.query:
            case.query["wait"] = "10ms"
        headers = {"Authorization": f"Bearer {KEYS['all']}"}
        while (response := case.call(base_url=url, headers=headers, timeout=PATIENCE)).status_code == 503:
            pass  # the time of a loaded machine ran out
        assert response.status_code < 500 or response.status_code == 504, response.text
        case.validate_response(
            response,
            checks=[status_code_conformance, content_type_conformance, response_schema_conformance],
        )

    run()
