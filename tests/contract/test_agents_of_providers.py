"""The ids by which each provider names agents and queues, and that a directory makes one person or queue of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import pytest
from tests.contract.provider_cases import folder_of

from cx_channels.dry_run import DEMO_IDS, DEMO_TENANT
from cx_channels.registry import providers
from cx_context.directory_names import named_part
from cx_context.document import context_body, encode_body
from cx_context.fold_faults import part_of
from cx_context.parts.event_kinds import makes_part
from cx_context.parts.model import Part
from cx_context.reference_definition import define
from cx_context.routing_targets import UNASSIGNED, routing_targets
from cx_events.codec import decode
from cx_events.directory import NO_DIRECTORY, Alias, Directory, Entry, Kind
from cx_events.facts import Fact
from cx_events.testing.builders import HOUR
from cx_identity.rules import DEFAULT

WINDOW = 72 * HOUR


class Named(NamedTuple):
    """The ids of agents and of queues that a provider's recorded requests name."""

    agents: frozenset[str] = frozenset()
    queues: frozenset[str] = frozenset()


@cache
def declared_by(name: str) -> Named:
    """Return whom the provider's folder says that its requests name; agents of mails by their address."""
    path = folder_of(providers()[name]) / "fixtures" / "named.json"
    given = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return Named(frozenset(given.get("agents", ())), frozenset(given.get("queues", ())))


@cache
def facts_of(name: str) -> list[Fact]:
    """Return what the provider's golden files hold."""
    found: dict[bytes, Fact] = {}
    for path in sorted((folder_of(providers()[name]) / "golden").glob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            if b'"specversion"' in line:
                fact = Fact(decode(line), line, DEMO_IDS)
                if makes_part(fact.event.type):
                    found[fact.key] = fact
    return list(found.values())


def ids_in(part: Part) -> Iterator[tuple[Kind, str]]:
    """Yield each agent and queue that a part names."""
    for register, kind in ((part.agent, "agent"), (part.queue, "queue")):
        if register is not None:
            yield ("agent" if kind == "agent" else "queue"), register[1][0]
    for _, id, _, _ in part.acceptances:
        yield "agent", id
    for register in (part.offer, part.context_view):
        if register is not None:
            yield "agent", register[1]
    if part.transfer is not None:
        yield "agent", part.transfer[1][1]
        yield "queue", part.transfer[1][2]
    if part.handoff is not None:
        yield "agent", part.handoff[1][0]


def named_by(name: str) -> Named:
    """Return whom the events of a provider name, without a directory."""
    ids = {each for fact in facts_of(name) for each in ids_in(part_of([fact])) if each[1]}
    return Named(
        frozenset(id for kind, id in ids if kind == "agent"), frozenset(id for kind, id in ids if kind == "queue")
    )


def directory_at(connection: str, named: Named) -> Directory:
    """Return a directory in which all ids at a connection are one agent's and one queue's."""
    return Directory(
        DEMO_TENANT,
        [
            Entry("agent", "one", "Ben Okafor", tuple(Alias(connection, id) for id in sorted(named.agents))),
            Entry("queue", "all", "Billing", tuple(Alias(connection, id) for id in sorted(named.queues))),
        ],
    )


def bodies(name: str, directory: Directory) -> Iterator[dict[str, Any]]:
    for known in define(facts_of(name), DEMO_IDS, DEFAULT).known.values():
        yield context_body(replace(known, directory=directory), WINDOW)


def shown_in(value: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Yield (member, id) wherever a body shows an agent or a queue."""
    if isinstance(value, list):
        for item in value:
            yield from shown_in(item, at)
    elif isinstance(value, dict):
        if at in ("agent", "last_agent", "accepted_by", "queue"):
            yield ("queue" if at == "queue" else "agent"), value["id"]
        for member, item in value.items():
            yield from shown_in(item, member)


@pytest.mark.parametrize("name", sorted(providers()))
def test_the_folder_tells_whom_a_provider_names(name: str) -> None:
    assert named_by(name) == declared_by(name), "fixtures/named.json: say whom the fixtures name"


@pytest.mark.parametrize("name", sorted(providers()))
def test_a_directory_makes_one_of_a_providers_ids(name: str) -> None:
    directory = directory_at("try", declared_by(name))
    shown = {each for body in bodies(name, directory) for each in shown_in(body) if each[1]}
    assert shown <= {("agent", "one"), ("queue", "all")}
    targets = {
        each for fact in facts_of(name) for each in routing_targets(named_part(part_of([fact]), directory))
    }  # fmt: skip
    assert targets <= {("agent", "one"), ("queue", "all"), ("queue", UNASSIGNED)}


@pytest.mark.parametrize("name", sorted(providers()))
def test_another_accounts_ids_are_others(name: str) -> None:
    directory = directory_at("another", declared_by(name))
    for read, plain in zip(bodies(name, directory), bodies(name, NO_DIRECTORY), strict=True):
        assert encode_body(read) == encode_body(plain)
