"""What every provider must do, tested over all that the registry finds: a new folder needs no edit here.

What a folder holds is described in ``provider_cases``; what must be true of it stands in ``signature_checks`` and
``mapping_checks``, and ``test_provider_mutations`` shows that these catch faulty providers.

``CX_UPDATE_GOLDEN=1 ./cx test tests/contract/test_providers.py`` writes the golden files anew. Read every changed line
before it is committed: they are the contract with everybody who reads the events.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract import mapping_checks, signature_checks
from tests.contract.mapping_checks import UPDATE, check_event, events_of, write_golden_files
from tests.contract.provider_cases import (
    RECORDINGS_FOLDER,
    Case,
    cases_of,
    connection_of,
    fixtures_of,
    folder_of,
    readable_requests,
    recording_folders,
    with_keys,
)

from cx_channels.dry_run import DEMO_NOW, dry_run, outcome_of
from cx_channels.provider import Mapped, Provider, Request
from cx_channels.published_keys import KeyUnknown
from cx_channels.registry import providers
from cx_events.codec import decode
from cx_events.errors import Refused
from cx_events.weights import linking_identifiers

SLOW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
EVERY = pytest.mark.parametrize("provider", [pytest.param(p, id=name) for name, p in providers().items()])
EVERY_SIGNED = pytest.mark.parametrize(
    "provider", [pytest.param(p, id=name) for name, p in providers().items() if p.verify is not None]
)


def all_cases() -> Iterator[Any]:
    for name, provider in providers().items():
        for case in cases_of(provider):
            yield pytest.param(provider, case, id=f"{name}/{case.name}")


def all_recordings() -> Iterator[Any]:
    for provider in providers().values():
        for folder in recording_folders(provider):
            files = sorted(path for path in (RECORDINGS_FOLDER / folder).rglob("*") if path.is_file())
            for path in files or [RECORDINGS_FOLDER / folder]:
                yield pytest.param(provider, path, id=f"{folder}/{path.name if files else 'none'}")


EVERY_CASE = pytest.mark.parametrize(("provider", "case"), list(all_cases()))


# --- the folder ------------------------------------------------------------------------------------------------------


@EVERY
def test_a_provider_has_readme_kinds_and_fixtures(provider: Provider) -> None:
    folder = folder_of(provider)
    assert (folder / "README.md").read_text(encoding="utf-8").strip()
    assert (folder / "mapping.py").is_file()
    assert provider.kinds
    assert all(kind and becomes for kind, becomes in provider.kinds.items())
    assert fixtures_of(provider)


def test_the_kit_knows_no_provider() -> None:
    kit = Path(str(import_module("cx_channels.kit").__file__)).parent
    known = re.compile(r"cx_channels\.(?:voice|chat|email|social)\b")
    assert not [path for path in kit.rglob("*.py") if known.search(path.read_text(encoding="utf-8"))]


# --- what is mapped --------------------------------------------------------------------------------------------------


@EVERY
def test_golden_files_are_written_anew_where_asked(provider: Provider) -> None:
    if os.environ.get(UPDATE):
        write_golden_files(provider)


@EVERY
@pytest.mark.parametrize("check", [pytest.param(c, id=name) for name, c in mapping_checks.CHECKS.items()])
def test_a_mapping_keeps_the_contract(provider: Provider, check: Callable[[Provider], None]) -> None:
    check(provider)


@EVERY_CASE
def test_no_identifier_gets_more_than_its_provider_states(provider: Provider, case: Case) -> None:
    """The type of an event lends a weight to what has none (``cx.identity.asserted`` asserts): that is for clients."""
    connection = case.connection(provider)
    try:
        mapped = provider.map(case.request(provider), connection)
    except Refused:
        return
    for draft, event in zip(mapped.drafts, events_of(mapped, connection), strict=True):
        stated = [each.weight or ("proved" if each.verified else "claimed") for each in linking_identifiers(draft.data)]
        assert stated == [each.weight for each in linking_identifiers(event.data)]


def test_a_provider_that_forgets_a_weight_fails_this_suite() -> None:
    provider = providers()["chat/webchat"]
    case = next(case for case in cases_of(provider) if case.name == "identified-by-proof.json")
    result = outcome_of(provider, case.request(provider), case.connection(provider))
    event = decode(result.events[0].raw)
    check_event(provider, event)
    for weights in ({}, {**provider.weights, "account": {"claimed": "anybody can type one"}}):
        with pytest.raises(AssertionError, match="thought about"):
            check_event(replace(provider, weights=weights), event)


# --- who may send ----------------------------------------------------------------------------------------------------


@EVERY
def test_a_provider_declares_what_its_signature_covers(provider: Provider) -> None:
    signature_checks.check_declared(provider)


@EVERY_SIGNED
@pytest.mark.parametrize("check", [pytest.param(c, id=name) for name, c in signature_checks.CHECKS.items()])
def test_a_signature_keeps_the_contract(provider: Provider, check: Callable[[Provider], None]) -> None:
    check(provider)


class Watched(Request):
    """A request that remembers whether its URL was looked at."""

    seen: ClassVar[set[str]] = set()

    def __getattribute__(self, name: str) -> Any:
        if name == "url":
            Watched.seen.add(name)
        return super().__getattribute__(name)


@EVERY
def test_a_check_that_reads_the_url_declares_it(provider: Provider) -> None:
    """Else it would be checked for whatever the sender's Host header says, or for no host at all."""
    Watched.seen = set()
    for case, request in readable_requests(provider):
        connection = with_keys(provider, case.connection(provider))
        if provider.sign is not None:
            request = provider.sign(request, connection, connection.secrets[0])
        for method in sorted({request.method, *provider.methods}):
            watched = Watched(request.body, method, request.url, request.query, request.headers, request.received)
            for check in (provider.challenge, provider.verify):
                try:
                    if check is not None:
                        check(watched, connection)
                except (Refused, KeyUnknown):
                    pass
    assert bool(Watched.seen) is provider.signs_url


# --- bad input -------------------------------------------------------------------------------------------------------


def survives(provider: Provider, request: Request, fixture: Path | None = None) -> None:
    """Maps, or refuses by name; what it maps to is sound. Anything else raised fails the test."""
    connection = connection_of(provider, fixture)
    try:
        mapped = provider.map(request, connection)
    except Refused as refused:
        assert refused.reason
        assert refused.detail
        assert 400 <= refused.status < 500
        mapped = Mapped()
    for event in events_of(mapped, connection):
        check_event(provider, event)
    for lost in mapped.unmapped:
        assert lost.reason
        assert lost.id
        assert lost.original
    answer = provider.answer(mapped, request)
    assert 200 <= answer.status < 300


CONTENT_TYPES = (
    "",
    "application/json",
    "application/x-www-form-urlencoded",
    "message/rfc822",
    "multipart/form-data; boundary=b",
)


@EVERY
@SLOW
@given(data=st.data())
def test_random_bytes_are_mapped_or_refused_by_name(provider: Provider, data: st.DataObject) -> None:
    body = data.draw(st.binary(max_size=400))
    content_type = data.draw(st.sampled_from(CONTENT_TYPES))
    methods = sorted(provider.methods)
    method = data.draw(st.sampled_from(methods))
    survives(provider, Request(body, method, "https://hub.example.com/", (), {"content-type": content_type}, DEMO_NOW))


@EVERY
@SLOW
@given(data=st.data())
def test_a_damaged_fixture_is_mapped_or_refused_by_name(provider: Provider, data: st.DataObject) -> None:
    """Cut short, a piece doubled, or some bits turned over."""
    path = data.draw(st.sampled_from(fixtures_of(provider)))
    content = bytearray(path.read_bytes())
    how = data.draw(st.sampled_from(["cut", "double", "flip"]))
    place = data.draw(st.integers(0, max(len(content) - 1, 0)))
    if how == "cut":
        del content[place:]
    elif how == "double":
        content[place:place] = content[place : place + data.draw(st.integers(1, 40))]
    else:
        for _ in range(data.draw(st.integers(1, 8))):
            if content:
                at = data.draw(st.integers(0, len(content) - 1))
                content[at] ^= 1 << data.draw(st.integers(0, 7))
    try:
        request = Case(path, path.name, bytes(content)).request(provider)
    except Refused:
        return
    survives(provider, request, path)


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


STRANGE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 10**30, -(10**30), 1e308, 2**63, 253402300800000, -62135596800001,
    "", " ", "x", "\0", "\n", "\ud800", "é" * 300, "x" * 5000, "1e999", "٣", "=?utf-8?q?=00?=",
    [], {}, [None], [[]], [{}], {"": ""}, {"id": None}, {"id": {}}, {"id": 0}, nested(60), nested(300),
)  # fmt: skip


def places_in(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places_in(item, (*at, key))


def with_at(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    if not place:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = with_at(copy[place[0]], place[1:], new)
    return copy


@EVERY
@SLOW
@given(data=st.data())
def test_a_fixture_with_any_changed_value_is_handled(provider: Provider, data: st.DataObject) -> None:
    """A value of a JSON or form fixture is replaced, or left out."""
    paths = [path for path in fixtures_of(provider) if path.suffix in (".json", ".form", ".query")]
    if not paths:
        return
    path = data.draw(st.sampled_from(paths))
    strange = data.draw(st.sampled_from(STRANGE))
    if path.suffix == ".json":
        try:
            document = json.loads(path.read_bytes())
        except ValueError:
            return
        for _ in range(data.draw(st.integers(1, 3))):
            place = data.draw(st.sampled_from(list(places_in(document))))
            document = with_at(document, place, strange)
        content = json.dumps(document).encode()
    else:
        pairs = parse_qsl(path.read_text(encoding="utf-8").strip(), keep_blank_values=True)
        at = data.draw(st.integers(0, len(pairs) - 1))
        pairs[at] = (pairs[at][0], str(strange).encode("utf-8", "replace").decode())
        if data.draw(st.booleans()):
            pairs.append((pairs[at][0], data.draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))))
        content = urlencode(pairs).encode()
    survives(provider, Case(path, path.name, content).request(provider), path)


@EVERY
@pytest.mark.parametrize(
    "body", [b"", b"[", b"{}", b"[]", b"null", b"0", b"[" * 100_000, b'{"a":' * 50_000, b"\xff\xfe"]
)
def test_an_empty_or_huge_body_is_mapped_or_refused(provider: Provider, body: bytes) -> None:
    for content_type in CONTENT_TYPES:
        survives(provider, Request(body, "POST", "", (), {"content-type": content_type}, DEMO_NOW))


# --- recordings of real requests -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("provider", "path"), list(all_recordings()))
def test_a_recorded_request_is_mapped_ignored_or_refused(provider: Provider, path: Path) -> None:
    if not path.is_file():
        assert not os.environ.get("CI"), f"the recordings {path} are missing"
        pytest.skip("the recordings are not here")
    connection = connection_of(provider)
    result = dry_run(
        provider.name,
        path.read_bytes(),
        filename=path.name,
        headers=Case(path, path.name, b"").headers,
        settings=connection.settings,
        region=connection.region,
    )
    assert result.events or result.ignored or result.unmapped or result.refused is not None
    for each in result.events:
        check_event(provider, decode(each.raw))
    for ignored in result.ignored:
        assert ignored.kind
        assert ignored.why
    if result.refused is not None:
        assert result.refused.reason
        assert result.refused.detail


# --- the dry run itself ----------------------------------------------------------------------------------------------


def test_a_dry_run_of_an_unknown_provider_is_refused() -> None:
    result = dry_run("voice/nobody", b"")
    assert result.refused is not None
    assert result.refused.reason == "unknown-provider"
    assert result.exit_code == 2


@EVERY
def test_an_oversized_dry_run_is_refused(provider: Provider) -> None:
    result = dry_run(provider.name, b"x" * (provider.max_bytes + 1))
    assert result.refused is not None
    assert (result.refused.reason, result.refused.status) == ("too-large", 413)
