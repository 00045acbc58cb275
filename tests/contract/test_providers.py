"""What every provider must do, tested over all that the registry finds: a new folder needs no edit here.

A provider's ``fixtures/`` hold requests in the vendor's documented shape, its ``golden/`` what each becomes, as
``cx map`` prints it: ``golden/NAME.jsonl`` for ``fixtures/NAME``. Beside a fixture may stand ``NAME.headers`` (``Name:
value``, a line each), and ``connection.json`` may give all of them ``{"region": ..., "settings": {...}}``, to which
``NAME.connection`` adds settings for one.

``CX_UPDATE_GOLDEN=1 pytest tests/contract/test_providers.py`` writes the golden files anew. Read every changed line
before it is committed: they are the contract with everybody who reads the events.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar
from unicodedata import category
from urllib.parse import parse_qsl, urlencode

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cx_channels.dry_run import DEMO_NOW, DEMO_TENANT, TrialResult, recorded_request, stamped, trial
from cx_channels.provider import Connection, Mapped, Provider, Request
from cx_channels.registry import providers
from cx_events.catalogue import catalogue, missing_fields
from cx_events.codec import decode
from cx_events.envelope import Event
from cx_events.errors import Refused
from cx_events.weights import linking_identifiers

RECORDINGS_FOLDER = Path(__file__).parents[2].parent / "shared" / "fixtures"

# Which recordings are of requests that a provider takes.
RECORDINGS = {
    "voice/twilio": ("voice/twilio",),
    "social/meta": ("social/meta-messenger", "social/meta-instagram"),
    "email/mime": (
        "email/mime-anymail",
        "email/mime-cpython",
        "email/mime-mail-gem",
        "email/mime-mail-parser",
        "email/mime-stalwart",
        "email/bounce-sisimai",
        "email/talon-replies",
    ),
    "email/postmark": ("email/postmark",),
    "chat/intercom": ("chat/intercom",),
}

UPDATE = "CX_UPDATE_GOLDEN"
SLOW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FOLDERS = {
    name: Path(str(import_module(f"cx_channels.{name.replace('/', '.')}").__file__)).parent for name in providers()
}


def fixtures_of(name: str) -> list[Path]:
    folder = FOLDERS[name] / "fixtures"
    return sorted(
        path
        for path in folder.glob("*")
        if path.is_file() and path.suffix not in (".headers", ".connection") and path.name != "connection.json"
    )


def all_fixtures() -> Iterator[Any]:
    for name in providers():
        for path in fixtures_of(name):
            yield pytest.param(name, path, id=f"{name}/{path.name}")


def all_recordings() -> Iterator[Any]:
    for name, folders in RECORDINGS.items():
        for folder in folders if name in providers() else ():
            files = sorted(path for path in (RECORDINGS_FOLDER / folder).rglob("*") if path.is_file())
            for path in files:
                yield pytest.param(name, path, id=f"{folder}/{path.name}")
            if not files:
                yield pytest.param(name, RECORDINGS_FOLDER / folder, id=f"{folder}/none")


EVERY = pytest.mark.parametrize("provider", [pytest.param(p, id=name) for name, p in providers().items()])
EVERY_FIXTURE = pytest.mark.parametrize(("name", "path"), list(all_fixtures()))


@cache
def connection_of(name: str, folder: Path, fixture: str = "") -> Connection:
    path = folder / "fixtures" / "connection.json"
    given = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    own = folder / "fixtures" / f"{fixture}.connection"
    more = json.loads(own.read_text(encoding="utf-8")) if fixture and own.exists() else {}
    return Connection(
        id="try",
        tenant=DEMO_TENANT,
        provider=name,
        secrets=("a secret", "another secret"),
        region=given.get("region"),
        settings=given.get("settings", {}) | more.get("settings", {}),
    )


def headers_of(path: Path) -> list[tuple[str, str]]:
    beside = path.with_name(path.name + ".headers")
    lines = beside.read_text(encoding="utf-8").splitlines() if beside.exists() else []
    return [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines if line.strip())]


def tried(name: str, path: Path, **changes: Any) -> TrialResult:
    connection = connection_of(name, FOLDERS[name], path.name)
    return trial(
        name,
        path.read_bytes(),
        filename=path.name,
        headers=headers_of(path),
        settings=connection.settings,
        region=connection.region,
        **changes,
    )


def request_of(provider: Provider, path: Path, content: bytes | None = None) -> Request:
    body = path.read_bytes() if content is None else content
    return recorded_request(provider, body, filename=path.name, headers=headers_of(path))


def events_of(mapped: Mapped, connection: Connection) -> list[Event]:
    """The drafts as they would lie on the log, read back from there."""
    return [decode(each.raw) for each in stamped(mapped, connection, DEMO_NOW)]


def check_event(provider: Provider, event: Event) -> None:
    """What must hold of each event that a provider makes, whatever it was given."""
    assert event.id
    assert len(event.id) <= 1024
    assert not any(category(character) == "Cc" for character in event.id), "CloudEvents 1.0, section 3.1, String"
    known = catalogue()[event.type]
    assert missing_fields(event, known.needs) == []
    assert event.data.channel == provider.channel
    assert not event.data.interaction or event.data.interaction.startswith("try/")
    assert isinstance(event.data.raw, msgspec.Raw)
    assert b"\n" not in bytes(event.data.raw), "an event is one line"
    customers = [p for p in event.data.participants if p.role == "customer"]
    others = [p for p in event.data.participants if p.role != "customer"]
    named = {(i.kind, i.scope, i.value) for p in customers for i in p.identifiers}
    assert not named & {(i.kind, i.scope, i.value) for p in others for i in p.identifiers}, "nobody is both"
    assert weights_of(event) <= declared(provider), (
        "each weight of a customer's identifier is one that was thought about"
    )


def weights_of(event: Event) -> set[tuple[str, str]]:
    """The kinds of a customer's identifiers in an event, and in its links, with their weights."""
    return {(each.kind, each.weight) for each in linking_identifiers(event.data)}


def declared(provider: Provider) -> set[tuple[str, str]]:
    return {(kind, weight) for kind, weights in provider.weights.items() for weight in weights}


# --- each has its papers ---------------------------------------------------------------------------------------------


@EVERY
def test_a_provider_has_a_readme_a_table_of_kinds_and_fixtures(provider: Provider) -> None:
    folder = FOLDERS[provider.name]
    assert (folder / "README.md").read_text(encoding="utf-8").strip()
    assert (folder / "mapping.py").is_file()
    assert provider.kinds
    assert all(kind and becomes for kind, becomes in provider.kinds.items())
    assert fixtures_of(provider.name)


@EVERY
def test_every_golden_file_is_of_a_fixture(provider: Provider) -> None:
    golden = {path.name for path in (FOLDERS[provider.name] / "golden").glob("*")}
    assert golden <= {f"{path.name}.jsonl" for path in fixtures_of(provider.name)}


# --- what fixtures become --------------------------------------------------------------------------------------------


@EVERY_FIXTURE
def test_a_fixture_becomes_its_golden_file_byte_for_byte(name: str, path: Path) -> None:
    golden = FOLDERS[name] / "golden" / f"{path.name}.jsonl"
    lines = b"".join(line + b"\n" for line in tried(name, path).lines())
    if os.environ.get(UPDATE):
        golden.parent.mkdir(exist_ok=True)
        golden.write_bytes(lines)
    assert golden.is_file(), f"there is no golden file: read what {UPDATE}=1 writes"
    assert lines == golden.read_bytes()


@EVERY_FIXTURE
def test_events_of_a_fixture_are_valid(name: str, path: Path) -> None:
    for each in tried(name, path).events:
        check_event(providers()[name], decode(each.raw))


@EVERY_FIXTURE
def test_the_same_request_again_and_later_becomes_the_same_events(name: str, path: Path) -> None:
    provider = providers()[name]
    connection = connection_of(name, FOLDERS[name], path.name)

    def at(received: int) -> object:
        request = request_of(provider, path)
        later = Request(request.body, request.method, request.url, request.query, request.headers, received)
        try:
            return provider.map(later, connection)
        except Refused as refused:
            return (refused.reason, refused.detail)

    assert at(DEMO_NOW) == at(DEMO_NOW)
    assert at(DEMO_NOW) == at(DEMO_NOW + 86_400_000_000)


@EVERY
def test_different_fixtures_have_different_event_ids(provider: Provider) -> None:
    seen: dict[str, tuple[str, bytes]] = {}
    for path in fixtures_of(provider.name):
        for event in tried(provider.name, path).events:
            other = seen.setdefault(event.id, (path.name, event.raw))
            assert other[1] == event.raw, f"{path.name} and {other[0]} both make {event.id}, but with another content"


# --- how far its word is believed -----------------------------------------------------------------------------------


@EVERY
def test_each_weight_that_a_provider_declares_has_a_reason_and_a_fixture(provider: Provider) -> None:
    """So none is declared to be on the safe side, and each can be seen in a golden file."""
    events = [decode(each.raw) for path in fixtures_of(provider.name) for each in tried(provider.name, path).events]
    assert set().union(*map(weights_of, events)) == declared(provider)
    assert all(len(why) > 10 for weights in provider.weights.values() for why in weights.values())


@EVERY_FIXTURE
def test_no_identifier_gets_more_than_its_provider_states(name: str, path: Path) -> None:
    """The type of an event lends a weight to what has none (``cx.identity.asserted`` asserts): that is for clients."""
    provider = providers()[name]
    connection = connection_of(name, FOLDERS[name], path.name)
    try:
        mapped = provider.map(request_of(provider, path), connection)
    except Refused:
        return
    for draft, event in zip(mapped.drafts, events_of(mapped, connection), strict=True):
        stated = [each.weight or ("proved" if each.verified else "claimed") for each in linking_identifiers(draft.data)]
        assert stated == [each.weight for each in linking_identifiers(event.data)]


def test_a_provider_that_forgets_a_weight_fails_this_suite() -> None:
    provider = providers()["chat/webchat"]
    event = decode(tried(provider.name, FOLDERS[provider.name] / "fixtures" / "identified-by-proof.json").events[0].raw)
    check_event(provider, event)
    for weights in ({}, {**provider.weights, "account": {"claimed": "anybody can type one"}}):
        with pytest.raises(AssertionError, match="thought about"):
            check_event(replace(provider, weights=weights), event)


# --- who may send ----------------------------------------------------------------------------------------------------

SIGNATURE_HEADERS = (
    "x-twilio-signature",
    "x-hub-signature",
    "x-hub-signature-256",
    "x-signature",
    "x-cx-signature",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
)


@EVERY_FIXTURE
@pytest.mark.parametrize("wrong", ["", "bm90IGEgc2lnbmF0dXJl", "sha256=" + "0" * 64, "v1,bm90IGEgc2lnbmF0dXJl", "é"])
def test_what_is_not_signed_or_signed_wrongly_is_refused(name: str, path: Path, wrong: str) -> None:
    provider = providers()[name]
    if provider.verify is None:
        return
    try:
        request = request_of(provider, path)
    except Refused:
        return
    signed = {header: wrong for header in SIGNATURE_HEADERS if wrong}
    if wrong:
        signed["authorization"] = f"Bearer {wrong}"
    forged = Request(
        request.body, request.method, request.url, request.query, {**request.headers, **signed}, request.received
    )
    with pytest.raises(Refused) as caught:
        provider.verify(forged, connection_of(name, FOLDERS[name]))
    assert caught.value.status in (401, 403)
    assert "a secret" not in str(caught.value)


class Watched(Request):
    """A request that remembers whether its URL was looked at."""

    seen: ClassVar[set[str]] = set()

    def __getattribute__(self, name: str) -> Any:
        if name == "url":
            Watched.seen.add(name)
        return super().__getattribute__(name)


@EVERY
def test_a_check_that_reads_the_url_is_declared_to(provider: Provider) -> None:
    """Else it would be checked for whatever the sender's Host header says, or for no host at all."""
    Watched.seen = set()
    for path in fixtures_of(provider.name):
        try:
            request = request_of(provider, path)
        except Refused:
            continue
        signed = dict.fromkeys(SIGNATURE_HEADERS, "bm90IGEgc2lnbmF0dXJl")
        headers = {**request.headers, **signed, "authorization": "Basic YTpi"}
        for method in sorted({request.method, *provider.methods}):
            watched = Watched(request.body, method, request.url, request.query, headers, request.received)
            for check in (provider.challenge, provider.verify):
                try:
                    if check is not None:
                        check(watched, connection_of(provider.name, FOLDERS[provider.name]))
                except Refused:
                    pass
    assert bool(Watched.seen) is provider.signs_url


# --- bad input -------------------------------------------------------------------------------------------------------


def survives(provider: Provider, request: Request) -> None:
    """Maps, or refuses by name; what it maps to is sound. Anything else raised fails the test."""
    connection = connection_of(provider.name, FOLDERS[provider.name])
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
    path = data.draw(st.sampled_from(fixtures_of(provider.name)))
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
        request = request_of(provider, path, bytes(content))
    except Refused:
        return
    survives(provider, request)


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
def test_anything_anywhere_in_a_fixture_is_mapped_or_refused_by_name(provider: Provider, data: st.DataObject) -> None:
    """A value of a JSON or form fixture is replaced, or left out."""
    paths = [path for path in fixtures_of(provider.name) if path.suffix in (".json", ".form", ".query")]
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
    survives(provider, request_of(provider, path, content))


@EVERY
@pytest.mark.parametrize(
    "body", [b"", b"[", b"{}", b"[]", b"null", b"0", b"[" * 100_000, b'{"a":' * 50_000, b"\xff\xfe"]
)
def test_an_empty_or_endless_body_is_mapped_or_refused_by_name(provider: Provider, body: bytes) -> None:
    for content_type in CONTENT_TYPES:
        survives(provider, Request(body, "POST", "", (), {"content-type": content_type}, DEMO_NOW))


# --- recordings of real requests -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "path"), list(all_recordings()))
def test_a_recorded_request_is_mapped_ignored_by_name_or_refused_by_name(name: str, path: Path) -> None:
    if not path.is_file():
        assert not os.environ.get("CI"), f"the recordings {path} are missing"
        pytest.skip("the recordings are not here")
    result = tried(name, path)
    assert result.events or result.ignored or result.unmapped or result.refused is not None
    for each in result.events:
        check_event(providers()[name], decode(each.raw))
    for ignored in result.ignored:
        assert ignored.kind
        assert ignored.why
    if result.refused is not None:
        assert result.refused.reason
        assert result.refused.detail


# --- the trial itself ------------------------------------------------------------------------------------------------


def test_a_trial_of_an_unknown_provider_names_those_that_there_are() -> None:
    result = trial("voice/nobody", b"")
    assert result.refused is not None
    assert result.refused.reason == "unknown-provider"
    assert result.exit_code == 2


@EVERY
def test_a_trial_of_too_much_is_refused(provider: Provider) -> None:
    result = trial(provider.name, b"x" * (provider.max_bytes + 1))
    assert result.refused is not None
    assert (result.refused.reason, result.refused.status) == ("too-large", 413)
