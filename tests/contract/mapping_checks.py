"""Check what must hold of each provider's ``map`` and of its tables, tried on the requests in its folder.

Each check raises ``AssertionError`` with a sentence that says what to do. The suite runs them for every provider; the
mutation test runs them for faulty ones and must see them fail.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from unicodedata import category

import msgspec
from tests.contract.provider_cases import Case, cases_of, folder_of, readable_requests

from cx_channels.dry_run import DEMO_NOW, DryRunResult, outcome_of, stamped
from cx_channels.provider import Connection, Mapped, Provider, Request
from cx_events.catalogue import catalogue, missing_fields
from cx_events.codec import decode
from cx_events.dead_letters import NO_ADAPTER
from cx_events.envelope import Event
from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_events.weights import linking_identifiers

UPDATE = "CX_UPDATE_GOLDEN"
_IGNORED, _KEPT = "ignored: ", "kept: "
_A_DAY = 86_400_000_000
_TYPE = re.compile(r"\bcx\.[a-z_]+\.[a-z_]+")


def outcome(provider: Provider, case: Case) -> DryRunResult:
    """Return what a case becomes, as ``cx map`` has it."""
    try:
        request = case.request(provider)
    except Refused as refused:
        return DryRunResult(refused=refused)
    return outcome_of(provider, request, case.connection(provider))


def events_of(mapped: Mapped, connection: Connection) -> list[Event]:
    """Return the drafts as they would lie on the log, read back from there."""
    return [decode(each.raw) for each in stamped(mapped, connection, DEMO_NOW)]


def golden_files(provider: Provider) -> Mapping[str, bytes]:
    """Return what the golden files must hold, by path below ``golden/``.

    Those of ``kinds/`` are compact: which request becomes what, and of ``data.raw`` a hash.
    """
    found: dict[str, bytes] = {}
    for case in cases_of(provider):
        lines = outcome(provider, case).lines()
        if case.number:
            lines = [_compact(case.number, json.loads(line)) for line in lines] or [_compact(case.number, None)]
        found[case.golden] = found.get(case.golden, b"") + b"".join(line + b"\n" for line in lines)
    return found


def write_golden_files(provider: Provider) -> None:
    """Write the golden files as they must be."""
    for name, content in golden_files(provider).items():
        golden = folder_of(provider) / "golden" / name
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_bytes(content)


def _compact(number: int, becomes: Json | None) -> bytes:
    if becomes is not None and "data" in becomes:
        data = becomes["data"]
        kept = json.dumps(data["raw"], separators=(",", ":"), ensure_ascii=False)
        becomes = {**becomes, "data": {**data, "raw": {"sha256": sha256(kept.encode()).hexdigest()[:16]}}}
    line = json.dumps({"request": number, "becomes": becomes}, separators=(",", ":"), ensure_ascii=False)
    return line.encode()


def check_event(provider: Provider, event: Event) -> None:
    """Hold an event to what must be true of each that a provider makes, whatever it was given."""
    assert event.id, "an event has an id, made of the vendor's own ids"
    assert len(event.id) <= 1024, "an id is bounded: use kit.ids.id_part"
    assert not any(category(character) == "Cc" for character in event.id), "CloudEvents 1.0, section 3.1, String"
    known = catalogue()[event.type]
    assert missing_fields(event, known.needs) == [], f"{event.type} needs these fields of data"
    assert event.data.channel in {provider.channel, *provider.more_channels}, "data.channel is one of the provider's"
    assert not event.data.interaction or event.data.interaction.startswith("try/"), "interaction is CONNECTION/ID"
    assert isinstance(event.data.raw, msgspec.Raw), "data.raw keeps what the vendor sent"
    assert bytes(event.data.raw).strip() not in (b"", b"null"), "data.raw keeps what the vendor sent"
    assert b"\n" not in bytes(event.data.raw), "an event is one line"
    customers = [p for p in event.data.participants if p.role == "customer"]
    others = [p for p in event.data.participants if p.role != "customer"]
    named = {(i.kind, i.scope, i.value) for p in customers for i in p.identifiers}
    assert not named & {(i.kind, i.scope, i.value) for p in others for i in p.identifiers}, "nobody is both"
    assert weights_of(event) <= declared_weights(provider), (
        f"weights: each weight of a customer's identifier must be thought about; lacking: "
        f"{sorted(weights_of(event) - declared_weights(provider))}"
    )


def weights_of(event: Event) -> set[tuple[str, str]]:
    """Return the kinds of a customer's identifiers in an event, and in its links, with their weights."""
    return {(each.kind, each.weight) for each in linking_identifiers(event.data)}


def declared_weights(provider: Provider) -> set[tuple[str, str]]:
    """Return the pairs of kind and weight that a provider declares."""
    return {(kind, weight) for kind, weights in provider.weights.items() for weight in weights}


def check_events_are_valid(provider: Provider) -> None:
    """Every event of every case is one that the catalogue and the contract allow."""
    for case in cases_of(provider):
        for each in outcome(provider, case).events:
            check_event(provider, decode(each.raw))


def check_golden_files(provider: Provider) -> None:
    """What each fixture becomes is its golden file, byte for byte, and no golden file lacks its fixture."""
    folder = folder_of(provider) / "golden"
    files = golden_files(provider)
    for name, content in files.items():
        golden = folder / name
        assert golden.is_file(), f"golden/{name} is missing: write it with {UPDATE}=1, and read every line of it"
        assert content == golden.read_bytes(), (
            f"fixtures/{name.removesuffix('.jsonl')} becomes something else than golden/{name}: look at it with "
            f"./cx map {provider.name} FILE; if the change is meant, write the file anew with {UPDATE}=1"
        )
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert there <= files.keys(), "golden/: a file is of no fixture"


def check_repeats_are_the_same(provider: Provider) -> None:
    """The same request becomes the same events, when it comes again and when it comes a day later."""
    for case, request in readable_requests(provider):
        connection = case.connection(provider)
        first = _mapped(provider, request, connection)
        assert first == _mapped(provider, replace(request), connection), (
            f"{case.name}: mapped twice it becomes two things; ids and contents must come from the request alone"
        )
        later = replace(request, received=request.received + _A_DAY)
        assert first == _mapped(provider, later, connection), (
            f"{case.name}: a day later it becomes something else; a retry must be the same event, so leave the time"
            " of receipt out"
        )


def check_ids_are_distinct(provider: Provider) -> None:
    """Different contents never get the same id, neither within a request nor among them."""
    seen: dict[str, tuple[str, bytes]] = {}
    for case in cases_of(provider):
        for event in outcome(provider, case).events:
            other = seen.setdefault(event.id, (case.name, event.raw))
            assert other[1] == event.raw, (
                f"{case.name} and {other[0]} both make {event.id}, with different contents: "
                "make the id of the vendor's own ids"
            )
    assert len(seen) > 1, "fixtures/: add a second request that becomes an event, else no two ids can be compared"


def check_kinds_are_reached(provider: Provider) -> None:
    """Every kind in ``kinds`` is reached by a case, and becomes what the table says."""
    assert provider.kinds, "kinds: name every kind that the vendor documents, with what it becomes"
    reached: set[str] = set()
    for case, request in readable_requests(provider):
        connection = case.connection(provider)
        result = outcome_of(provider, request, connection)
        types = {decode(each.raw).type.rpartition(".v")[0] for each in result.events}
        ignored = {each.kind for each in result.ignored}
        kept = {each.reason.split(": ")[1] for each in result.unmapped if each.reason.startswith(f"{NO_ADAPTER}: ")}
        reached |= {kind for kind in ignored if provider.kinds.get(kind, "").startswith(_IGNORED)}
        reached |= {kind for kind in (_kept_kind(provider, each) for each in kept) if kind}
        reached |= {
            kind
            for kind in _named(provider, request, connection)
            if _keeps_its_promise(provider.kinds.get(kind, ""), types, bool(ignored), bool(kept))
        }
    missed = [kind for kind in provider.kinds if kind not in reached]
    assert not missed, (
        f"kinds: no request in fixtures/ or fixtures/kinds/ reaches {', '.join(missed)}; add one that becomes what "
        "the table promises"
    )


def _named(provider: Provider, request: Request, connection: Connection) -> tuple[str, ...]:
    try:
        return tuple(provider.kinds_of(request, connection))
    except Refused:
        return ()


def _keeps_its_promise(promise: str, types: set[str], ignored: bool, kept: bool) -> bool:
    if promise.startswith(_IGNORED):
        return ignored
    if promise.startswith(_KEPT):
        return kept
    promised = set(_TYPE.findall(promise))
    return bool(types & promised) or not promised


def _kept_kind(provider: Provider, kind: str) -> str:
    """Return the table's name of a kind: itself, or that of its family, ``FAMILY.*`` or ``FAMILY``."""
    names = (kind, re.split(r"[./]", kind)[0] + ".*", kind.partition("/")[0])
    return next((name for name in names if provider.kinds.get(name, "").startswith(_KEPT)), "")


def _mapped(provider: Provider, request: Request, connection: Connection) -> object:
    try:
        return provider.map(request, connection)
    except Refused as refused:
        return refused.reason, refused.detail


def check_weights_are_shown(provider: Provider) -> None:
    """Each declared weight has a reason and a case that shows it, so none is declared to be on the safe side."""
    events = [decode(each.raw) for case in cases_of(provider) for each in outcome(provider, case).events]
    assert set().union(*map(weights_of, events)) == declared_weights(provider), "weights: one that no fixture shows"
    assert all(len(why) > 10 for weights in provider.weights.values() for why in weights.values()), "weights: say why"


CHECKS: Mapping[str, Callable[[Provider], None]] = {
    check.__name__.removeprefix("check_"): check
    for check in (
        check_events_are_valid,
        check_golden_files,
        check_repeats_are_the_same,
        check_ids_are_distinct,
        check_kinds_are_reached,
        check_weights_are_shown,
    )
}
"""By what they check."""
