"""A directory is a function of the set of events that tell it, and the configuration counts before them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_context.parts.event_kinds import makes_part
from cx_events.catalogue import catalogue
from cx_events.client_events import accept
from cx_events.codec import decode_leniently
from cx_events.directory import ANY_SYSTEM, Alias, Directory, Entry
from cx_events.directory_facts import (
    ConfiguredDirectory,
    DirectoryFact,
    directory_fact,
    directory_with,
    latest_facts,
)
from cx_events.errors import Refused
from cx_events.facts import connection_source
from cx_events.testing.builders import ACME, SECOND, START, an_event
from cx_events.timestamps import format_time

BEN = Entry("agent", "ben", "Ben Okafor", (Alias("acme-calls", "client:ben"), Alias(ANY_SYSTEM, "2001")))
BASE = ConfiguredDirectory(
    ACME, Directory("acme", [BEN]), {"acme-calls": "voice/twilio", "sales-calls": "voice/twilio", "acme-chat": "chat/x"}
)
NOBODY = BASE._replace(directory=Directory("acme"))
CALLS = connection_source("acme", "acme-calls")


def fact(what: str, at: int = 0, event: str = "", **entry: Any) -> DirectoryFact:
    stamped = an_event(
        f"cx.directory.{what}.v1", id=event or f"r-{at}", at=START + at * SECOND, data={"directory": entry}
    )
    found = directory_fact(decode_leniently(stamped.raw)[0])
    assert found is not None
    return found


def directory(*facts: DirectoryFact, base: ConfiguredDirectory = NOBODY) -> Directory:
    return directory_with(base, latest_facts(facts, {}).values())


def test_what_is_told_last_counts_in_any_order() -> None:
    early = fact("agent_set", 1, id="eva", name="Eva", ids={"any": ["7"]})
    later = fact("agent_set", 2, id="eva", name="Eva Lind", ids={"acme-calls": ["client:eva"]})
    for order in ((early, later), (later, early)):
        found = directory(*order)
        assert found.entries["agent", "eva"] == Entry("agent", "eva", "Eva Lind", (Alias("acme-calls", "client:eva"),))
    gone = fact("agent_removed", 3, id="eva")
    assert not directory(gone, later, early)
    assert directory(gone, fact("agent_set", 4, id="eva")).entries.keys() == {("agent", "eva")}
    assert not directory(fact("queue_removed", 9, id="eva"), gone)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["agent_set", "agent_removed", "queue_set"]),
        st.integers(0, 5),
        st.sampled_from(["ben", "eva", "2001"]),
        st.dictionaries(
            st.sampled_from(["acme-calls", "voice/twilio", "any", "nowhere"]),
            st.lists(st.sampled_from(["2001", "client:ben", "eva"]), min_size=1, max_size=2),
            max_size=2,
        ),
    ),
    max_size=6,
)


@given(STEPS, st.randoms())
def test_no_order_and_no_cut_makes_a_difference(steps: list[tuple[str, int, str, dict[str, Any]]], random: Any) -> None:
    facts = [
        fact(what, at, f"{what}-{number}", **{"id": who, "ids": ids} if "set" in what else {"id": who})
        for number, (what, at, who, ids) in enumerate(steps)
    ]
    shuffled = random.sample(facts, len(facts))
    at_once = directory(*facts, base=BASE)
    latest: dict[Any, DirectoryFact] = {}
    for each in shuffled:
        latest = latest_facts([each], latest)
    by_steps = directory_with(BASE, latest.values())
    assert (by_steps.digest, by_steps.unheeded) == (at_once.digest, at_once.unheeded)
    assert at_once.entries["agent", "ben"] == BEN, "no event changes what the configuration says"
    for system in ("acme-calls", "sales-calls", ANY_SYSTEM):
        having = [each.id for each in agents(at_once) for alias in each.aliases if alias == (system, "2001")]
        assert len(having) < 2
    assert at_once.find("agent", "2001", CALLS) in (BEN, *agents(at_once))


def agents(found: Directory) -> Iterable[Entry]:
    return (each for each in found.entries.values() if each.kind == "agent")


def test_the_configuration_counts_before_events() -> None:
    found = directory(
        fact("agent_set", 1, id="ben", name="Mallory", ids={"any": ["6"]}),
        fact("agent_removed", 2, "r-b", id="ben"),
        fact("agent_set", 3, id="2001", name="Mallory"),
        fact(
            "agent_set", 4, id="mallory", ids={"acme-calls": ["client:ben", "client:mallory"], "any": ["2001", "ben"]}
        ),
        base=BASE,
    )
    assert found.entries["agent", "ben"] == BEN
    assert found.entries["agent", "mallory"].aliases == (Alias("acme-calls", "client:mallory"),)
    assert {(each.entry, each.system, each.id) for each in found.unheeded} == {
        ("2001", "", ""),
        ("mallory", "acme-calls", "client:ben"),
        ("mallory", "any", "2001"),
        ("mallory", "any", "ben"),
    }
    assert found.origins.keys() == {("agent", "mallory")}


def test_an_id_handed_on_is_the_last_ones() -> None:
    found = directory(
        fact("agent_set", 2, id="eva", ids={"any": ["2001"]}), fact("agent_set", 1, id="ben", ids={"any": ["2001"]})
    )
    assert found.id_of("agent", "2001", CALLS) == "eva"
    assert [(each.entry, each.reason) for each in found.unheeded] == [("ben", "this is 'eva'")]


def test_providers_are_their_connections_and_unknown_systems_are_told() -> None:
    found = directory(fact("agent_set", id="eva", ids={"voice/twilio": ["client:eva"], "acme-call": ["x"]}))
    assert found.entries["agent", "eva"].aliases == (
        Alias("acme-calls", "client:eva"),
        Alias("sales-calls", "client:eva"),
    )
    assert found.unheeded[0][1:4] == ("eva", "acme-call", "x")


@pytest.mark.parametrize(
    ("entry", "place"),
    [
        ({"id": "a\nb"}, "data.directory.id"),
        ({"id": "x" * 281}, "data.directory.id"),
        ({"id": "ben", "name": "B\0"}, "data.directory.name"),
        ({"id": "ben", "ids": {"any": [""]}}, "data.directory.ids.any"),
        ({"id": "ben", "ids": {"": ["b"]}}, "data.directory.ids"),
        ({"id": "ben", "teams": [""]}, "data.directory.teams"),
        ({"id": "ben", "ids": {"any": [str(number) for number in range(1000)]}}, "1000"),
        ({"id": "ben", "ids": {"any": "client:ben"}}, "ids"),
        ({"name": "Ben"}, "data.directory.id"),
        ({}, "data.directory"),
    ],
)
def test_an_unusable_entry_is_refused_with_its_place(entry: dict[str, Any], place: str) -> None:
    event = {"specversion": "1.0", "id": "1", "source": "//acme.example/roster", "type": "cx.directory.agent_set.v1"}
    with pytest.raises(Refused, match=place):
        accept({**event, "data": {"directory": entry}}, ids=ACME, recorded=START, scopes=("directory:write",))


@pytest.mark.parametrize("name", [each for each in catalogue() if each.startswith("cx.directory.")])
def test_only_a_key_for_the_directory_may_tell_it(name: str) -> None:
    example = dict(catalogue()[name].example)
    for scopes in (("conversations:write", "identity:write", "identity:prove", "context:read"), ()):
        with pytest.raises(Refused, match="directory:write"):
            accept(example, ids=ACME, recorded=START, scopes=scopes)
    stamped = accept(example, ids=ACME, recorded=START, scopes=("directory:write",))
    assert stamped.key.decode() == ACME.directory_node().hex(), "all of it lies in one stream"
    assert not makes_part(name)


def test_a_future_event_counts_from_when_recorded() -> None:
    ahead = an_event(
        "cx.directory.agent_set.v1", id="1", at=START + 9 * SECOND, recorded=START, data={"directory": {"id": "eva"}}
    )
    found = directory_fact(decode_leniently(ahead.raw)[0])
    assert found is not None
    assert (found.order[0], found.origin.recorded) == (START, format_time(START))
    assert directory(found, fact("agent_removed", 1, id="eva")).entries == {}
