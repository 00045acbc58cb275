"""An agent or a queue is known by any of its ids; who nobody says anything of stays as the vendor names it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from msgspec import structs
from tests.examples import examples

from cx_context.directory_names import named_part
from cx_context.document import context_body, encode_body
from cx_context.parts.merge import combine
from cx_context.parts.model import Part
from cx_context.parts.values import At
from cx_context.reference_definition import define
from cx_context.sections.customer_facts import CustomerFacts
from cx_context.store.cached_rendering import Renderer
from cx_context.store.context_inputs import ContextInputs
from cx_context.store.customer_lookup import CustomerMatch
from cx_context.store.inputs_postgres import MANY_PARTS
from cx_context.store.part_codec import encode_part
from cx_events.directory import ANY_SYSTEM, NO_DIRECTORY, Alias, Directory, Entry, Kind
from cx_events.envelope import AgentOrQueue
from cx_events.facts import Fact, connection_source, decision_source
from cx_events.ids import NodeId
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, HOUR, SECOND, START, a_fact
from cx_events.testing.histories import facts_of, histories
from cx_events.testing.history_steps import AGENTS, QUEUES
from cx_identity.rules import DEFAULT

WINDOW = 72 * HOUR
ANA = ACME.profile("email", "", "ana@example.com")
CALLS, SALES = connection_source("acme", "acme-calls"), connection_source("acme", "sales-calls")
DESK = decision_source("acme")
BEN = Entry(
    "agent", "ben", "Ben Okafor", (Alias("acme-calls", "client:ben"), Alias(ANY_SYSTEM, "ben@acme.example"))
)  # fmt: skip
OTHER_BEN = Entry("agent", "benedict", "Benedict", (Alias("sales-calls", "client:ben"),))
BILLING = Entry("queue", "billing", "Billing", (Alias("acme-calls", "QU1"), Alias("//acme.example/connect", "arn:1")))
DIRECTORY = Directory("acme", [BEN, OTHER_BEN, BILLING])


@pytest.mark.parametrize(
    ("kind", "id", "source", "found"),
    [
        ("agent", "client:ben", CALLS, BEN),
        ("agent", "client:ben", SALES, OTHER_BEN),
        ("agent", "client:ben", connection_source("acme", "third-calls"), None),
        ("agent", "client:ben", connection_source("other", "acme-calls"), None),
        ("agent", "client:ben", DESK, None),  # which of the two it is nobody can tell
        ("agent", "ben@acme.example", SALES, BEN),
        ("agent", "ben", CALLS, BEN),
        ("agent", "ben", DESK, BEN),
        ("agent", "carla", CALLS, None),
        ("agent", "QU1", CALLS, None),
        ("queue", "QU1", CALLS, BILLING),
        ("queue", "QU1", SALES, None),
        ("queue", "QU1", DESK, BILLING),
        ("queue", "arn:1", "//acme.example/connect", BILLING),
        ("queue", "arn:1", CALLS, None),
    ],
)
def test_an_id_means_whom_its_system_says(kind: Kind, id: str, source: str, found: Entry | None) -> None:
    assert DIRECTORY.find(kind, id, source) == found
    assert DIRECTORY.id_of(kind, id, source) == (found.id if found is not None else id)


def test_the_own_systems_word_comes_before_others() -> None:
    """A vendor may call one agent what another is called here."""
    eva = Entry("agent", "eva", aliases=(Alias("acme-calls", "ben"),))
    directory = Directory("acme", [BEN, eva])
    assert (directory.find("agent", "ben", CALLS), directory.find("agent", "ben", SALES)) == (eva, BEN)
    assert directory.meant_by("agent", "ben") == {"ben", "eva"}


def test_a_directory_knows_all_ids_of_one() -> None:
    assert DIRECTORY.ids_of("agent", "ben") == ["ben", "client:ben", "ben@acme.example"]
    assert DIRECTORY.ids_of("agent", "carla") == ["carla"]
    assert DIRECTORY.asked_for("agent", "ben@acme.example") == "ben"
    assert DIRECTORY.asked_for("agent", "client:ben") == "client:ben"
    assert DIRECTORY.meant_by("agent", "client:ben") == {"ben", "benedict"}


def event(type: str, number: int, source: str = CALLS, **data: Any) -> Fact:
    return a_fact(
        type,
        id=f"e-{number}",
        source=source,
        interaction="call-1",
        channel="voice",
        email="ana@example.com",
        at=START + number * SECOND,
        data=data,
    )


CARLA = {"id": "carla", "name": "Carla"}
STORY = [
    event("cx.interaction.started.v1", 0),
    event("cx.interaction.queued.v1", 1, queue={"id": "QU1"}),
    event("cx.interaction.answered.v1", 2, agent={"id": "client:ben", "name": "ben"}),
    event("cx.conversation.note.v1", 3, agent={"id": "client:ben"}, note="charged twice"),
    event("cx.handoff.requested.v1", 4, agent={"id": "client:ben"}, handoff={"to": "client:eva"}),
    event("cx.handoff.accepted.v1", 5, DESK, agent={"id": "carla", "name": "Carla"}),
]


def known_as(facts: list[Fact], directory: Directory) -> dict[NodeId, CustomerFacts]:
    """Return all customers, with a directory to read them by."""
    known = define(facts, ACME, DEFAULT).known
    return {customer: replace(each, directory=directory) for customer, each in known.items()}


def body(facts: list[Fact], directory: Directory) -> dict[str, Any]:
    found: dict[str, Any] = context_body(known_as(facts, directory)[ANA], WINDOW)
    return found


def test_a_context_speaks_of_one_person_and_queue() -> None:
    shown = body(STORY, DIRECTORY)
    conversation = shown["conversations"][0]
    ben = {"id": "ben", "name": "Ben Okafor"}
    assert shown["last_agent"]["id"] == "carla"
    assert conversation["queue"] == {"id": "billing", "name": "Billing"}
    assert conversation["notes"][0]["agent"] == "Ben Okafor"
    assert conversation["handoff"]["requested_by"] == "Ben Okafor"
    assert conversation["handoff"]["to"] == "client:eva"
    assert conversation["handoff"]["accepted_by"] == {"id": "carla", "name": "Carla"}
    assert [entry["agent"] for entry in shown["timeline"] if entry["agent"]] == [CARLA, ben, ben, ben]
    assert [entry["queue"] for entry in shown["timeline"] if "queue" in entry] == [conversation["queue"]]
    answered = body(STORY[:3], DIRECTORY)
    assert (answered["last_agent"]["id"], answered["last_agent"]["name"]) == ("ben", "Ben Okafor")


def test_without_a_directory_the_vendors_names_stay() -> None:
    shown = body(STORY[:3], Directory("acme", [OTHER_BEN]))
    assert (shown["last_agent"]["id"], shown["last_agent"]["name"]) == ("client:ben", "ben")
    assert encode_body(shown) == encode_body(body(STORY[:3], NO_DIRECTORY))


def test_whoever_saw_the_context_by_another_id_saw_it() -> None:
    """The desk tells what its agent saw; the call centre who answered."""
    facts = [
        event("cx.handoff.requested.v1", 0, DESK, handoff={"to": "billing"}),
        event("cx.handoff.accepted.v1", 1, DESK, agent={"id": "ben"}),
        event("cx.handoff.context_shown.v1", 2, DESK, agent={"id": "ben"}),
        event("cx.interaction.answered.v1", 3, agent={"id": "client:ben"}),
    ]
    assert body(facts, DIRECTORY)["conversations"][0]["handoff"]["shown_before_answer"] is True
    assert body(facts, NO_DIRECTORY)["conversations"][0]["handoff"]["shown_before_answer"] is None


@pytest.mark.parametrize("ids", [("client:ben", "ben@acme.example"), ("ben@acme.example", "client:ben")])
def test_what_is_said_by_two_ids_is_one_persons(ids: tuple[str, str]) -> None:
    """The last name counts, and the first answer, whichever id stands first."""
    early: At = (1, 0, 1, CALLS, "e-1")
    late: At = (2, 0, 2, CALLS, "e-2")
    for first, second in ((early, late), (late, early)):
        part = Part(
            names={f"agent\n{ids[0]}": (first, str(first[0])), f"agent\n{ids[1]}": (second, str(second[0]))},
            first_answers={ids[0]: first, ids[1]: second},
            first_views={ids[0]: first, ids[1]: second},
            offer=(late, ids[0]),
            context_view=(late, ids[1]),
            transfer=(late, ["transfer", ids[0], "QU1"]),
        )
        read = named_part(part, Directory("acme", [BEN._replace(name=""), BILLING]))
        assert read.names == {"agent\nben": (late, "2")}
        assert (read.first_answers, read.first_views) == ({"ben": early}, {"ben": early})
        assert (read.offer, read.context_view) == ((late, "ben"), (late, "ben"))
        assert read.transfer == (late, ["transfer", "ben", "billing"])


def test_the_agent_of_a_mail_is_known_by_address() -> None:
    bo = {"role": "agent", "name": "Bo", "identifiers": [{"kind": "email", "value": "ben@acme.example"}]}
    customer = {"role": "customer", "identifiers": [{"kind": "email", "value": "ana@example.com"}]}
    mail = a_fact(id="m-1", source=CALLS, channel="email", interaction="t-1", data={"participants": [bo, customer]})
    told = [body([mail], directory)["last_agent"] for directory in (DIRECTORY, NO_DIRECTORY)]
    assert [(each["id"], each["name"]) for each in told] == [("ben", "Ben Okafor"), ("ben@acme.example", "Bo")]


ONE = Directory(
    "acme",
    [
        Entry("agent", "bea", aliases=tuple(Alias(ANY_SYSTEM, each["id"]) for each in AGENTS)),
        Entry("queue", "all", aliases=tuple(Alias(ANY_SYSTEM, each["id"]) for each in QUEUES)),
    ],
)
"""All agents of random histories are one, and so are all queues. Their names stay the vendors'."""


def renamed(fact: Fact) -> Fact:
    """Return a fact in which the vendor says at once what the directory says of its ids."""
    data = fact.event.data
    transfer, handoff = data.transfer, data.handoff
    if transfer is not None:
        transfer = structs.replace(transfer, agent=_own("agent", transfer.agent), queue=_own("queue", transfer.queue))
    if handoff is not None:
        handoff = structs.replace(handoff, to=ONE.asked_for("agent", handoff.to), queue=_own("queue", handoff.queue))
    data = structs.replace(
        data,
        agent=_own("agent", data.agent),
        assignee=_own("agent", data.assignee),
        queue=_own("queue", data.queue),
        transfer=transfer,
        handoff=handoff,
    )
    return Fact(structs.replace(fact.event, data=data), fact.raw, ACME)


def _own(kind: Kind, one: AgentOrQueue | None) -> AgentOrQueue | None:
    return structs.replace(one, id=ONE.asked_for(kind, one.id)) if one is not None else None


@given(history=histories(max_size=12))
def test_a_directory_reads_as_if_vendors_knew_it(history: list[StampedEvent]) -> None:
    facts = facts_of(history)
    told = known_as([renamed(fact) for fact in facts], NO_DIRECTORY)
    for customer, known in known_as(facts, ONE).items():
        assert encode_body(context_body(known, WINDOW)) == encode_body(context_body(told[customer], WINDOW))


@pytest.mark.parametrize("many", [0, 2, MANY_PARTS])
@examples(30)
@given(history=histories(max_size=8))
def test_a_rendered_context_knows_the_directory(many: int, history: list[StampedEvent]) -> None:
    renderer, facts = Renderer(many=many), facts_of(history)
    for count in range(1, len(facts) + 1):
        for customer, known in known_as(facts[:count], ONE).items():
            whole = ContextInputs(
                ACME,
                CustomerMatch(customer, 1),
                list(known.members),
                [(each.part_id, encode_part(each.part)) for each in known.parts],
                [fact.raw for fact in known.latest],
                known.claims,
                known.lifetimes,
                directory=ONE,
            )
            assert renderer.body(whole, WINDOW) == encode_body(context_body(known, WINDOW))


@given(history=histories(max_size=12))
def test_parts_may_be_named_before_or_after_combining(history: list[StampedEvent]) -> None:
    for known in known_as(facts_of(history), NO_DIRECTORY).values():
        parts = [each.part for each in known.parts]
        assert combine(named_part(part, ONE) for part in parts) == named_part(combine(parts), ONE)
