"""Read a recording through the mapping that takes its like from the vendor."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any
from urllib.parse import quote

import yaml
from tests.readings.describing import lines_of_unmapped, told_event

from cx_channels.dry_run import DEMO_IDS, DEMO_NOW, DEMO_TENANT, DryRunResult, dry_run
from cx_channels.registry import providers
from cx_channels.vcon_import import read_request
from cx_events.client_events import accept
from cx_events.errors import Refused
from cx_events.facts import vcon_source
from cx_events.http_binding import STRUCTURED, read
from cx_events.stamp import stamp
from cx_events.strict_json import Limits
from cx_vcon.importing import event_drafts
from cx_vcon.reading import MEDIA_TYPE

Settings = Mapping[str, Any]
Door = Callable[[Path, Settings], list[str]]

NO_REQUEST = "no request: nothing of it arrives at the door"
_BYTES = Limits(max_bytes=16 << 20)


def _provider(name: str) -> Door:
    def became(path: Path, settings: Settings) -> list[str]:
        found: list[str] = []
        for case, content in requests_in(path):
            given = dict(settings)
            region = given.pop("region", None)
            headers = given.pop("headers", {}).items()
            result = dry_run(name, content, filename=path.name, headers=headers, settings=given, region=region)
            found += [f"{case}: {line}" if case else line for line in _outcomes(result)]
        return found

    return became


_PAGE = b"From: ana@example.com\nTo: support@acme.example\nContent-Type: text/html; charset=utf-8\n\n"


def requests_in(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the requests in a file, each with its name: one, unless it is a JSON object of named deliveries of Meta's.

    A recorded page is no mail, but what mailers write as one: it is read as the HTML of a mail.
    """
    content = path.read_bytes()
    if path.suffix == ".html":
        yield "", _PAGE + content
        return
    try:
        value = json.loads(content) if path.suffix == ".json" else None
    except ValueError:
        value = None
    cases: dict[str, Any] = value if isinstance(value, dict) else {}
    if not cases or not all(isinstance(each, dict) and "entry" in each for each in cases.values()):
        yield "", content
        return
    for case, delivery in cases.items():
        yield case, json.dumps(delivery).encode()


def _outcomes(result: DryRunResult) -> Iterator[str]:
    yield from map(told_event, result.events)
    for ignored in result.ignored:
        yield f"ignored: {ignored.kind}: {ignored.why}"
    yield from lines_of_unmapped(result.unmapped)
    if result.refused is not None:
        yield _refusal(result.refused)


def _refusal(refused: Refused) -> str:
    return f"refused: {refused.reason} ({refused.status}): {refused.detail}"


def _vcon(path: Path, _settings: Settings) -> list[str]:
    """As ``POST /v1/vcons`` reads it."""
    try:
        taken = read_request(path.read_bytes(), MEDIA_TYPE, b"", _BYTES.max_bytes)
        stamped = [
            stamp(draft, source=vcon_source(DEMO_TENANT), recorded=DEMO_NOW, ids=DEMO_IDS)
            for draft in event_drafts(taken)
        ]
    except Refused as refused:
        return [_refusal(refused)]
    return [told_event(each) for each in stamped]


# --- CloudEvents -----------------------------------------------------------------------------------------------------


def _cloud_events(path: Path, _settings: Settings) -> list[str]:
    """As ``POST /v1/events`` reads it, with a key that may write."""
    name = path.name
    if name.endswith(".json.txt"):
        # Several events, printed one below the other: each is sent by itself.
        texts = path.read_text(encoding="utf-8").split("\n\n")
        return [line for text in texts for line in _posted(text.encode(), [("content-type", STRUCTURED)])]
    if path.suffix == ".json":
        return _posted(path.read_bytes(), [("content-type", STRUCTURED)])
    if path.suffix == ".txt":
        headers, body = _http(path.read_text(encoding="utf-8"))
        return _posted(body, headers)
    if name == "http-protocol-binding.feature":
        return [
            line for headers, body in _scenarios(path.read_text(encoding="utf-8")) for line in _posted(body, headers)
        ]
    if path.suffix == ".yaml":
        cases = yaml.safe_load_all(path.read_text(encoding="utf-8"))
        return [line for case in cases for line in _conformance(case)]
    return [NO_REQUEST]


def _posted(body: bytes, headers: Iterable[tuple[str, str]]) -> list[str]:
    found: list[str] = []
    try:
        values = read(body, headers, Limits())
    except Refused as refused:
        return [_refusal(refused)]
    for value in values:
        try:
            found.append(_told(accept(value, ids=DEMO_IDS, recorded=DEMO_NOW, scopes=("events:write",)).raw))
        except Refused as refused:
            found.append(_refusal(refused))
    return found


def _told(raw: bytes) -> str:
    """An event as it lies on the log, without what the hub stamps."""
    event = json.loads(raw)
    ours = ("specversion", "tenantid", "recordedtime", "partitionkey")
    return "accepted: " + json.dumps({n: v for n, v in event.items() if n not in ours}, ensure_ascii=False)


def _http(text: str) -> tuple[list[tuple[str, str]], bytes]:
    """The headers and the body of a message; a start line is passed over."""
    head, _, body = text.lstrip("\n").partition("\n\n")
    fields = (line.partition(":") for line in head.splitlines() if ": " in line)
    return [(name.strip().lower(), value.strip()) for name, _, value in fields], body.strip("\n").encode()


def _scenarios(text: str) -> Iterator[tuple[list[tuple[str, str]], bytes]]:
    """The requests of a feature file, each with every content type of its examples."""
    for scenario in text.split("Scenario Outline:")[1:]:
        request = dedent(scenario.split('"""')[1]).strip("\n")
        for example in re.findall(r"^ *\| *(application/[^|]*?) *\|", scenario.partition("Examples:")[2], re.MULTILINE):
            yield _http(request.replace("<contentType>", example))


def _conformance(case: dict[str, Any]) -> list[str]:
    """A case of the conformance suite, in the mode that it names; binary where it names none."""
    attributes = dict(case["ContextAttributes"])
    attributes |= attributes.pop("Extensions", {})
    attributes = {name: _attribute(value) for name, value in attributes.items()}
    content_type = str(attributes.get("datacontenttype", "application/json"))
    data = case["Data"].strip("\n")
    if case.get("Mode") == "structured":
        value = {**attributes, "data": json.loads(data)}
        return _posted(json.dumps(value).encode(), [("content-type", STRUCTURED)])
    # Section 3.1.3.2 of the HTTP binding: a quote, a blank and a percent sign are escaped, and all beyond ASCII.
    attributes = {name: quote(value, safe="!#$&'()*+,-./:;<=>?@[]^_`{|}~") for name, value in attributes.items()}
    headers = [(f"ce-{name}", value) for name, value in attributes.items() if name != "datacontenttype"]
    return _posted(data.encode(), [*headers, ("content-type", content_type)])


def _attribute(value: Any) -> str:
    """YAML reads ``1.0`` and a time as what they look like."""
    if hasattr(value, "isoformat"):
        return str(value.isoformat().replace("+00:00", "Z"))
    return str(value).strip()


DOORS: Mapping[str, Door] = {
    **{name: _provider(name) for name in providers()},
    "vcon": _vcon,
    "events": _cloud_events,
}
