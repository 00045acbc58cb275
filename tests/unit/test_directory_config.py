"""Agents and queues of a configuration are read, and what can't be meant stops the start with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from cx_events.directory import Alias
from cx_events.errors import Fatal
from cx_runtime.tenants import Tenants, load

CONNECTIONS = {
    "acme-calls": {"provider": "voice/twilio", "secrets": ["one vendor's secret"]},
    "sales-calls": {"provider": "voice/twilio", "secrets": ["one vendor's secret"]},
    "acme-help": {"provider": "chat/intercom", "secrets": ["another vendor's secret"]},
}


def loaded(folder: Path, agents: Any = None, queues: Any = None) -> Tenants:
    tenant = {"id_key": "a lasting secret", "connections": CONNECTIONS, "agents": agents or {}, "queues": queues or {}}
    config = folder / "tenants.yaml"
    config.write_text(yaml.safe_dump({"tenants": {"acme": tenant}}), encoding="utf-8")
    return load(config, folder, {})


def test_agents_and_queues_of_a_file_are_read(tmp_path: Path) -> None:
    ids = {"voice/twilio": "client:ben", "any": ["ben@acme.example", "2001"], "//acme.example/crm": "u-7"}
    ben = {"name": "Ben Okafor", "ids": ids, "teams": ["support"], "queues": ["billing"]}
    directory = loaded(tmp_path, {"ben": ben}, {"billing": {"ids": {"acme-help": "800001"}}}).directories["acme"]
    entry = directory.entries["agent", "ben"]
    assert (entry.name, entry.teams, entry.queues) == ("Ben Okafor", ("support",), ("billing",))
    assert set(entry.aliases) == {
        Alias("acme-calls", "client:ben"),
        Alias("sales-calls", "client:ben"),
        Alias("any", "ben@acme.example"),
        Alias("any", "2001"),
        Alias("//acme.example/crm", "u-7"),
    }
    assert directory.entries["queue", "billing"].aliases == (Alias("acme-help", "800001"),)


def test_a_queue_says_how_long_its_customers_may_wait(tmp_path: Path) -> None:
    queues = {"billing": {"answer_within": "2m"}, "support": {"answer_within": 90}, "free": {}}
    assert loaded(tmp_path, {}, queues).by_name["acme"].answer_bounds == {"billing": 120, "support": 90}


def test_accounts_of_one_vendor_have_their_own_ids(tmp_path: Path) -> None:
    agents = {"ben": {"ids": {"acme-calls": "client:ben"}}, "benedict": {"ids": {"sales-calls": "client:ben"}}}
    assert len(loaded(tmp_path, agents).directories["acme"].entries) == 2


def test_a_mail_address_is_known_as_intake_writes_it(tmp_path: Path) -> None:
    directory = loaded(tmp_path, {"ben": {"ids": {"any": "Ben@Acme.Example"}}}).directories["acme"]
    source = "//throughline/acme/connections/acme-help"
    assert directory.id_of("agent", "ben@acme.example", source) == "ben"
    assert directory.id_of("agent", "Ben@Acme.Example", source) == "ben"


@pytest.mark.parametrize(
    ("agents", "queues", "said"),
    [
        (
            {"ben": {"ids": {"acme-calls": "c:1"}}, "eva": {"ids": {"acme-calls": ["c:2", "c:1"]}}},
            {},
            r"tenants\.yaml: tenants\.acme\.agents\.eva\.ids\.acme-calls: 'c:1' is 'ben' already",
        ),
        (
            {"ben": {"ids": {"voice/twilio": "c:1"}}, "eva": {"ids": {"sales-calls": "c:1"}}},
            {},
            r"agents\.eva\.ids\.sales-calls: 'c:1' is 'ben' already",
        ),
        (
            {"ben": {"ids": {"any": "eva"}}, "eva": {"ids": {"any": "ben"}}},
            {},
            r"agents\.ben\.ids\.any: 'eva' is an agent of its own here; one can't lead on to another",
        ),
        (
            {"ben": {"ids": {"acme-cals": "c:1"}}},
            {},
            r"agents\.ben\.ids: there is no system 'acme-cals'; .*; did you mean",
        ),
        ({"ben": {"ids": {"voice/genesys": "c:1"}}}, {}, r"agents\.ben\.ids: there is no system 'voice/genesys'"),
        ({}, {"billing": {"ids": {"acme": "QU1"}}}, r"queues\.billing\.ids: there is no system 'acme'"),
        ({"ben": {"queues": ["biling"]}}, {"billing": {}}, r"agents\.ben\.queues: there is no queue 'biling'; did you"),
        ({"ben": {"ids": {"any": ""}}}, {}, r"tenants\.acme\.agents\.ben\.ids\.any"),
        ({"ben": {"ids": {"any": "x" * 281}}}, {}, r"tenants\.acme\.agents\.ben\.ids\.any"),
        ({"ben": {"ids": {"any": "a\nb"}}}, {}, r"tenants\.acme\.agents\.ben\.ids\.any"),
        ({"b\ten": {}}, {}, r"tenants\.acme\.agents: 'b\\ten' is no id"),
        ({"ben": {"nmae": "Ben"}}, {}, r"tenants\.acme\.agents\.ben\.nmae: .*did you mean 'name'"),
        (
            {},
            {"billing": {"answer_within": "2 minutes"}},
            r"queues\.billing\.answer_within: .*'2 minutes' is not a",
        ),
        ({}, {"billing": {"answer_within": 0}}, r"tenants\.acme\.queues\.billing\.answer_within"),
        ({}, {"billing": {"answer_within": True}}, r"queues\.billing\.answer_within: .*True is not a duration"),
        ({}, {"billing": {"answer_within": "400d"}}, r"tenants\.acme\.queues\.billing\.answer_within"),
        ({"ben": {"answer_within": "2m"}}, {}, r"agents\.ben\.answer_within: there is no such setting"),
        ({}, {"billing": {"teams": ["a"]}}, r"tenants\.acme\.queues\.billing\.teams: there is no such setting"),
    ],
)
def test_what_cannot_be_meant_stops_the_start(tmp_path: Path, agents: Any, queues: Any, said: str) -> None:
    with pytest.raises(Fatal, match=said):
        loaded(tmp_path, agents, queues)
