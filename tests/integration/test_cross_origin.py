"""Pages of other origins: who may ask, who may read, and what stands in the headers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from starlette.responses import PlainTextResponse
from tests.asking import PatientClient
from tests.patience import PATIENCE

from cx_events.errors import Fatal
from cx_hub.compose import running_hub
from cx_hub.demo.run import embedded_settings, until_ready
from cx_runtime.cors import CrossOrigin
from cx_runtime.in_flight import Held, InFlight
from cx_runtime.load_shedding import LoadShedding
from cx_runtime.metrics import Metrics
from cx_runtime.tenants import ConnectionConfig, KeyConfig, TenantConfig, Tenants, load

pytestmark = [pytest.mark.clock, pytest.mark.asyncio(loop_scope="module")]

DESK = "https://desk.acme.example"
OTHERS = "https://desk.other.example"
STRANGE = "https://desk.acme.example.evil.example"
KEYS = {"acme": "the key of acme's desk", "other": "the key of another's desk"}
CORS = (
    "access-control-allow-origin",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-expose-headers",
)


def tenants() -> Tenants:
    def tenant(name: str, *origins: str) -> TenantConfig:
        key = KeyConfig(id="desk", secret=KEYS[name], scopes=frozenset({"*"}))
        chat = {f"{name}-chat": ConnectionConfig(provider="chat/webchat", secrets=(f"a secret of {name}",))}
        return TenantConfig(id_key=f"a lasting key of {name}", keys=(key,), connections=chat, cors_origins=origins)

    return Tenants({"acme": tenant("acme", DESK, "http://localhost:5173"), "other": tenant("other", OTHERS)})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx2.AsyncClient]:
    settings = embedded_settings(tmp_path_factory.mktemp("hub"))
    async with running_hub(settings, tenants()) as hub:
        await until_ready(hub.url)
        async with PatientClient(base_url=hub.url, trust_env=False, timeout=PATIENCE) as http:
            yield http


def told(answer: httpx2.Response) -> dict[str, str]:
    return {name: answer.headers[name] for name in CORS if name in answer.headers}


def vary(answer: httpx2.Response) -> set[str]:
    return {name.strip().lower() for name in answer.headers.get("vary", "").split(",")}


async def ask(http: httpx2.AsyncClient, path: str, origin: str, key: str = "acme", **more: str) -> httpx2.Response:
    headers = {"origin": origin, "authorization": f"Bearer {KEYS.get(key, key)}", **more}
    return await http.get(path, headers=headers)


READS = ("/v1/context?identifier=email:nobody@example.com", "/v1/identity/candidates", "/v1/no-such-thing")
"""A fast route that refuses, a plain one, and none."""


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize("origin", [DESK, "http://localhost:5173"])
async def test_a_listed_page_may_read_every_answer(http: httpx2.AsyncClient, path: str, origin: str) -> None:
    answer = await ask(http, path, origin)
    assert answer.headers["access-control-allow-origin"] == origin
    exposed = answer.headers["access-control-expose-headers"].split(", ")
    assert {"etag", "retry-after"} <= set(exposed)
    assert "origin" in vary(answer)
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize("origin", [STRANGE, OTHERS, "null", "https://DESK.acme.example", f"{DESK}:8443"])
async def test_other_pages_get_no_headers(http: httpx2.AsyncClient, path: str, origin: str) -> None:
    answer = await ask(http, path, origin)
    assert told(answer) == {}
    assert "origin" in vary(answer)


async def test_answers_without_an_origin_vary_by_it(http: httpx2.AsyncClient) -> None:
    for path in READS:
        answer = await http.get(path, headers={"authorization": f"Bearer {KEYS['acme']}"})
        assert told(answer) == {}
        assert "origin" in vary(answer)


async def test_a_listed_page_reads_why_its_key_is_refused(http: httpx2.AsyncClient) -> None:
    answer = await ask(http, READS[0], DESK, "no-such-key")
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (401, DESK)


@pytest.mark.parametrize("origin", [DESK, OTHERS])
async def test_browsers_may_ask_without_a_key(http: httpx2.AsyncClient, origin: str) -> None:
    asked = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "Authorization, ce-id, ce-source, x-evil, ce-a(b)",
    }
    answer = await http.options("/v1/events", headers=asked)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == origin
    allowed = set(answer.headers["access-control-allow-headers"].split(", "))
    assert {"authorization", "content-type", "last-event-id", "if-none-match", "ce-id", "ce-source"} <= allowed
    assert "x-evil" not in allowed
    assert {"origin", "access-control-request-headers"} <= vary(answer)


async def test_browsers_of_other_pages_are_told_nothing(http: httpx2.AsyncClient) -> None:
    headers = {"origin": STRANGE, "access-control-request-method": "GET"}
    answer = await http.options("/v1/context", headers=headers)
    assert answer.status_code == 405
    assert told(answer) == {}
    assert "origin" in vary(answer)


async def test_a_stream_may_be_read_by_a_listed_page(http: httpx2.AsyncClient) -> None:
    headers = {"origin": DESK, "authorization": f"Bearer {KEYS['acme']}"}
    async with http.stream("GET", "/v1/stream?agent=ben", headers=headers) as answer:
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, DESK)
        assert {"authorization", "origin"} <= vary(answer)


async def test_a_page_may_read_what_it_sent(http: httpx2.AsyncClient) -> None:
    event = {"specversion": "1.0", "id": "e", "source": "//acme.example/page", "type": "example.page.v1"}
    headers = {"authorization": f"Bearer {KEYS['acme']}", "content-type": "application/cloudevents+json"}
    listed = await http.post("/v1/events?dry_run=true", json=event, headers={**headers, "origin": DESK})
    assert (listed.status_code, listed.headers["access-control-allow-origin"]) == (200, DESK)
    strange = await http.post("/v1/events?dry_run=true", json=event, headers={**headers, "origin": STRANGE})
    assert (strange.status_code, told(strange), vary(strange)) == (200, {}, {"origin"})


def scope() -> dict[str, Any]:
    """Return a page's request as a server hands it on."""
    headers = [(b"origin", DESK.encode())]
    return {"type": "http", "method": "GET", "path": "/v1/context", "headers": headers, "client": ("127.0.0.1", 1)}


@pytest.mark.parametrize("bound", ["requests", "connections"])
async def test_a_page_reads_that_the_hub_is_full(bound: str) -> None:
    load = InFlight(Metrics(), max_requests=1)
    rules = CrossOrigin(tenants())
    door = LoadShedding(PlainTextResponse("open"), load, rules.wrap)
    app = rules.wrap(door) if bound == "requests" else door.overfull(load.busy("too-many-connections", "x"))
    told: list[Any] = []

    async def send(message: Any) -> None:
        told.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    held = Held.begin(load, scope())
    await app(scope(), receive, send)
    held.end()
    assert told[0]["status"] in (429, 503)
    assert (b"access-control-allow-origin", DESK.encode()) in told[0]["headers"]
    assert b"retry-after" in dict(told[0]["headers"])


async def test_the_web_chat_keeps_its_own_rules(http: httpx2.AsyncClient) -> None:
    asked = {"origin": DESK, "access-control-request-method": "PUT"}
    answer = await http.options("/v1/chat/acme-chat/files/f-1", headers=asked)
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]
    assert "origin" not in vary(answer)
    widget = await http.get("/v1/chat/widget.js", headers={"origin": DESK})
    assert told(widget) == {}


async def test_webhooks_and_health_have_no_pages(http: httpx2.AsyncClient) -> None:
    for path in ("/v1/hooks/acme-chat", "/healthz", "/metrics"):
        answer = await http.get(path, headers={"origin": DESK})
        assert told(answer) == {}


CONFIG = """
tenants:
  acme:
    id_key: a lasting key of acme
    cors_origins: ["{origin}"]
"""


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        ("*", "list each origin"),
        ("null", "is no origin"),
        ("https://desk.acme.example/", "without a path"),
        ("https://desk.acme.example/app", "without a path"),
        ("https://Desk.acme.example", "in lower case"),
        ("https://desk.acme.example:443", "leave out :443"),
        ("http://desk.acme.example:80", "leave out :80"),
        ("desk.acme.example", "is no origin"),
        ("https://*.acme.example", "list each origin"),
        ("https://ana@acme.example", "is no origin"),
    ],
)
async def test_an_origin_that_no_browser_sends_is_refused(origin: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "cx.yaml"
    file.write_text(CONFIG.replace("{origin}", origin))
    with pytest.raises(Fatal, match=r"tenants\.acme\.cors_origins") as fatal:
        load(file, tmp_path, {})
    assert said in str(fatal.value)


@pytest.mark.parametrize("origin", ["https://a.example:8443", "http://[::1]:5173", "tauri://localhost"])
async def test_an_origin_that_browsers_send_is_taken(origin: str, tmp_path: Path) -> None:
    file = tmp_path / "cx.yaml"
    file.write_text(CONFIG.replace("{origin}", origin))
    assert load(file, tmp_path, {}).by_name["acme"].cors_origins == (origin,)
