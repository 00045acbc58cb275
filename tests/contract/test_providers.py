"""Test what every provider must do, over all that the registry finds: a new folder needs no edit here.

What a folder holds is described in ``provider_cases``; what must be true of it stands in ``signature_checks`` and
``mapping_checks``, and ``test_provider_mutations`` shows that these catch faulty providers.

``CX_UPDATE_GOLDEN=1 ./cx test tests/contract/test_providers.py`` writes the golden files anew. Read every changed line
before it is committed: they are the contract with everybody who reads the events.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.contract import mapping_checks, signature_checks
from tests.contract.mapping_checks import UPDATE, check_event, events_of, write_golden_files
from tests.contract.mutants import CONTENT_TYPES, mutants, survives, try_mutant
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
from cx_channels.provider import Provider, Request
from cx_channels.published_keys import KeyUnknown
from cx_channels.registry import providers
from cx_events.codec import decode
from cx_events.errors import Refused
from cx_events.weights import linking_identifiers

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


@EVERY
def test_a_mutant_is_mapped_or_refused_by_name(provider: Provider) -> None:
    """300 a provider; ``python -m tests.contract.mutants`` tries 10,000."""
    for mutant in mutants(provider, 100):
        try_mutant(provider, mutant)


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
