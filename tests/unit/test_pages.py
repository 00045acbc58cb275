"""The front page and the API's reference: complete, whole, and with nothing from another host."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser
from starlette.testclient import TestClient
from tests.openapi_files import documents, hub_app

from cx_hub.app import compose_app
from cx_hub.pages.api_reference import api_reference
from cx_hub.pages.front_page import Process, environment_of, links_of
from cx_hub.pages.routes import wants_json
from cx_runtime.health import Health
from cx_runtime.metrics import Metrics
from cx_runtime.settings import Settings

HUB = documents()["hub"]


@pytest.fixture(scope="module")
def reference() -> LexborHTMLParser:
    return LexborHTMLParser(api_reference(HUB).decode())


def attributes(page: LexborHTMLParser, name: str) -> list[str]:
    return [str(node.attributes[name]) for node in page.css(f"[{name}]")]


def test_the_reference_has_every_operation_and_schema(reference: LexborHTMLParser) -> None:
    ids = attributes(reference, "id")
    assert len(ids) == len(set(ids))
    operations = {each["operationId"] for methods in HUB["paths"].values() for each in methods.values()}
    assert operations <= set(ids)
    assert {f"schema-{name}" for name in HUB["components"]["schemas"]} <= set(ids)


def test_every_link_of_the_reference_leads_somewhere(reference: LexborHTMLParser) -> None:
    ids = set(attributes(reference, "id"))
    links = attributes(reference, "href")
    assert {each for each in links if each.startswith("#") and each[1:] not in ids} == set()
    assert {each for each in links if not each.startswith("#")} == {"/", "/openapi.json", "/docs/pages.css"}


@pytest.mark.parametrize("name", documents())
def test_every_document_has_a_page_that_is_well_formed(name: str) -> None:
    opened: list[str] = []

    class Balance(HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            if tag not in ("meta", "link"):
                opened.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert opened.pop() == tag

    Balance().feed(api_reference(documents()[name]).decode())
    assert opened == []


def test_what_a_document_says_is_never_markup() -> None:
    hostile = "</code><script>alert(1)</script>`<b>`"
    text = json.dumps(documents()["ops"]).replace("How far each partition's projector is behind", hostile)
    page = LexborHTMLParser(api_reference(json.loads(text)).decode())
    assert page.css("script, b") == []
    assert "alert(1)" in page.body.text()  # type: ignore[union-attr]


def test_pages_load_nothing_from_another_host() -> None:
    client = TestClient(hub_app())
    for path in ("/", "/docs", "/docs/pages.css"):
        answer = client.get(path, headers={"accept": "text/html"})
        assert answer.status_code == 200
        assert answer.headers["content-security-policy"].startswith("default-src 'self'")
        assert not re.search(r"(src|href|url\(|@import)\W*(https?:)?//", answer.text)
        assert "<script" not in answer.text
        assert "style=" not in answer.text


def settings_of(**more: str) -> Settings:
    return Settings(_env_file=None, **more)  # type: ignore[arg-type, call-arg]


def test_the_front_page_says_what_runs_here() -> None:
    secret = "postgresql+asyncpg://someone:a-secret@db.internal:5432/hub"
    settings = settings_of(log_url="kafka://broker.internal:9092", store_url=secret, blob_url="file:///var/blobs")
    process = Process(("api",), environment_of(settings), links_of(["api"], with_metrics=False), "1.2.3")
    client = TestClient(compose_app([], Health(), Metrics(), None, process=process))
    told = client.get("/", headers={"accept": "application/json"})
    assert told.headers["content-type"] == "application/json"
    assert told.json() == {
        "product": "throughline",
        "version": "1.2.3",
        "services": ["api"],
        "environment": {"log": "Kafka", "store": "PostgreSQL", "blobs": "folder"},
        "links": links_of(["api"], with_metrics=False),
        "guides": told.json()["guides"],
    }
    page = client.get("/", headers={"accept": "text/html,application/xhtml+xml"})
    text = LexborHTMLParser(page.text).body.text()  # type: ignore[union-attr]
    for word in ("1.2.3", "api", "Kafka", "PostgreSQL", "/docs", "/readyz", "/mcp", "docs/integrating.md"):
        assert word in text
    for answer in (told, page):
        assert "internal" not in answer.text
        assert "a-secret" not in answer.text
        assert answer.headers["vary"] == "accept"


def test_every_link_of_the_front_page_is_served() -> None:
    app = hub_app()
    served = {getattr(route, "path", "") for route in app.router.routes}
    assert set(links_of(["api"], with_metrics=True)) <= served


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", False),
        ("*/*", False),
        ("application/json", True),
        ("application/json, text/plain, */*", True),
        ("text/html,application/xhtml+xml,*/*;q=0.8", False),
        ("text/html, application/json", False),
        (" Application/JSON ; q=1", True),
        ("," * 9000, False),
    ],
)
def test_json_is_for_those_who_ask(accept: str, expected: bool) -> None:
    assert wants_json(accept) is expected
