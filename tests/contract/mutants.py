"""Requests of a provider that went wrong on their way: random bytes, damaged fixtures, fixtures with changed values.

The suite tries 300 a provider. ``python -m tests.contract.mutants [PROVIDER ...] [--each 10000]`` tries as many as one
likes, shows each provider's first that is neither mapped nor refused by name, and ends with exit code 1 if there was
one. A seed makes its mutant again: ``CI`` always tries the same, whoever works on a mapping meets new ones.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from tests.contract.mapping_checks import check_event, events_of
from tests.contract.provider_cases import Case, connection_of, fixtures_of

from cx_channels.dry_run import DEMO_NOW
from cx_channels.provider import Connection, Mapped, Provider, Request
from cx_channels.registry import providers
from cx_events.errors import Refused

CONTENT_TYPES = (
    "application/json",
    "application/x-www-form-urlencoded",
    "message/rfc822",
    "multipart/form-data; boundary=b",
)

STRANGE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 10**30, -(10**30), 1e308, 2**63, 253402300800000, -62135596800001,
    "", " ", "x", "\0", "\n", "\ud800", "é" * 300, "x" * 5000, "1e999", "٣", "=?utf-8?q?=00?=",
    [], {}, [None], [[]], [{}], {"": ""}, {"id": None}, {"id": {}}, {"id": 0},
    json.loads("[" * 60 + "1" + "]" * 60), json.loads("[" * 300 + "1" + "]" * 300),
)  # fmt: skip
"""What stands in a field that no vendor would send there."""

_LEFT_OUT = object()
_BY_FIELD = (".json", ".form", ".query")
"""Suffixes of fixtures whose values are changed one by one."""


@dataclass(frozen=True)
class Mutant:
    """A request that went wrong. ``fixture``: where it came from, whose connection it uses."""

    seed: str
    request: Request
    fixture: Path | None


def mutants(provider: Provider, each: int) -> Iterator[Mutant]:
    """Yield ``each`` mutants of each kind; those that are no request at all are left out."""
    run = "" if os.environ.get("CI") else f"{random.getrandbits(32):08x}"
    for kind in _KINDS:
        for number in range(each):
            seed = f"{provider.name} {kind} {number} {run}".strip()
            try:
                made = _KINDS[kind](provider, random.Random(seed))
            except Refused:
                continue
            if made is not None:
                yield Mutant(seed, *made)


def survives(provider: Provider, request: Request, fixture: Path | None = None) -> None:
    """Raise ``AssertionError`` unless a request is mapped to sound events or refused by name."""
    connection = _connection(provider.name, fixture)
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


def try_mutant(provider: Provider, mutant: Mutant) -> None:
    """Try one; what it fails with names its seed and its body."""
    try:
        survives(provider, mutant.request, mutant.fixture)
    except Exception as error:
        error.add_note(f"seed {mutant.seed!r}, fixture {mutant.fixture}, body {mutant.request.body[:4000]!r}")
        raise


@cache
def _connection(name: str, fixture: Path | None) -> Connection:
    """Return the connection of a fixture, made once, as a hub does: a declared mapping is compiled with it."""
    return connection_of(providers()[name], fixture)


@cache
def _fixtures(name: str, suffixes: tuple[str, ...] = ()) -> tuple[tuple[Path, bytes], ...]:
    found = fixtures_of(providers()[name])
    return tuple((path, path.read_bytes()) for path in found if not suffixes or path.suffix in suffixes)


_Made = tuple[Request, Path | None]


def _random_bytes(provider: Provider, dice: random.Random) -> _Made:
    body = dice.randbytes(dice.randrange(400))
    headers = {"content-type": dice.choice(CONTENT_TYPES)}
    method = dice.choice(sorted(provider.methods))
    return Request(body, method, "https://hub.example.com/", (), headers, DEMO_NOW), None


def _damaged(provider: Provider, dice: random.Random) -> _Made:
    """Cut a fixture short, double a piece, or turn some bits over."""
    path, recorded = dice.choice(_fixtures(provider.name))
    content = bytearray(recorded)
    place = dice.randrange(len(content) or 1)
    match dice.choice(("cut", "double", "flip")):
        case "cut":
            del content[place:]
        case "double":
            content[place:place] = content[place : place + dice.randint(1, 40)]
        case _ if content:
            for _ in range(dice.randint(1, 8)):
                content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    return Case(path, path.name, bytes(content)).request(provider), path


def _changed(provider: Provider, dice: random.Random) -> _Made | None:
    """Exchange values of a JSON or form fixture, or leave them out."""
    fixtures = _fixtures(provider.name, _BY_FIELD)
    if not fixtures:
        return None
    path, recorded = dice.choice(fixtures)
    if path.suffix == ".json":
        try:
            document = json.loads(recorded)
        except ValueError:
            return None
        for _ in range(dice.randint(1, 3)):
            new = dice.choice((*STRANGE, _LEFT_OUT, _LEFT_OUT, _LEFT_OUT))
            document = _with_at(document, dice.choice(list(_places_in(document))), new)
        content = json.dumps(document).encode()
    else:
        content = _changed_form(recorded, dice)
    return Case(path, path.name, content).request(provider), path


def _changed_form(recorded: bytes, dice: random.Random) -> bytes:
    pairs = parse_qsl(recorded.decode().strip(), keep_blank_values=True)
    at = dice.randrange(len(pairs))
    name = pairs[at][0]
    match dice.choice(("exchange", "repeat", "leave out")):
        case "exchange":
            pairs[at] = (name, _plain(dice.choice(STRANGE)))
        case "repeat":
            pairs.append((name, _plain(dice.choice(STRANGE))))
        case _:
            del pairs[at]
    return urlencode(pairs).encode()


def _plain(value: Any) -> str:
    return str(value).encode("utf-8", "replace").decode()


def _places_in(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _places_in(item, (*at, key))


def _with_at(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    if not place:
        return None if new is _LEFT_OUT else new
    copy = dict(value) if isinstance(value, dict) else list(value)
    if len(place) == 1 and new is _LEFT_OUT:
        del copy[place[0]]
    else:
        copy[place[0]] = _with_at(copy[place[0]], place[1:], new)
    return copy


_KINDS: dict[str, Callable[[Provider, random.Random], _Made | None]] = {
    "random bytes": _random_bytes,
    "damaged": _damaged,
    "changed": _changed,
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.contract.mutants", description=__doc__)
    parser.add_argument("provider", nargs="*", metavar="PROVIDER", help="default: all")
    parser.add_argument("--each", type=int, default=10_000, help="mutants a provider (default: %(default)s)")
    given = parser.parse_args(arguments)
    failures = 0
    for name in given.provider or providers():
        tried = failed = 0
        for mutant in mutants(providers()[name], -(-given.each // len(_KINDS))):
            tried += 1
            try:
                try_mutant(providers()[name], mutant)
            except Exception:
                failed += 1
                if failed == 1:
                    traceback.print_exc()
        print(f"{name}: {tried} mutants, {failed} neither mapped nor refused by name", flush=True)
        failures += failed
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
