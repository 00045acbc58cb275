"""Briefs over HTTP: what a telephone menu or a bot is told in one short answer, by how sure it is who is there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from tests.api import Running
from tests.integration.test_api_contacts import (
    ANA,
    CUSTOMER,
    EXPIRES,
    HERS,
    LOGIN,
    OWN,
    STRANGERS,
    TYPED,
    Clock,
    clock,
    hub,
)
from tests.openapi_files import documents

from cx_events.envelope import Identifier
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import HOUR, MINUTE, START, an_event
from cx_events.timestamps import Micros

__all__ = ["Clock", "clock", "hub"]

CALL = "acme-calls/CA1"
PHONE = "+15550100123"
BOT = an_event(
    "cx.bot.turn.v1",
    id="bot-1",
    at=START + MINUTE // 2,
    interaction=OWN,
    email=ANA,
    data={"bot": {"intent": "refund", "text": "Which order?", "slots": {"order": "4711"}}},
)
QUEUED = an_event(
    "cx.interaction.queued.v1",
    id="queued",
    at=START + MINUTE,
    interaction=OWN,
    email=ANA,
    data={"queue": {"id": "billing", "name": "Billing"}},
)
ANSWERED = an_event(
    "cx.interaction.answered.v1",
    id="answered",
    at=START + 2 * MINUTE,
    interaction=OWN,
    email=ANA,
    data={"agent": {"id": "ben", "name": "Ben"}},
)
CRM = an_event(
    "cx.identity.asserted.v1",
    id="crm-1",
    at=START + MINUTE,
    channel="crm",
    interaction="",
    email=ANA,
    phone=PHONE,
    name="Ana Silva",
    weight="asserted",
)
KNOWN = (HERS, LOGIN, BOT, CRM, QUEUED, ANSWERED)


def ringing(weight: str, at: Micros = START + 2 * HOUR) -> StampedEvent:
    return an_event(
        "cx.interaction.started.v1",
        id="ringing",
        at=at,
        channel="voice",
        interaction=CALL,
        identifiers=[Identifier(kind="phone", value=PHONE, weight=weight)],
    )


def pin() -> StampedEvent:
    return an_event(
        "cx.identity.verified.v1",
        id="pin",
        at=START + 2 * HOUR,
        channel="voice",
        interaction=CALL,
        identifiers=[Identifier(kind="phone", value=PHONE, weight="proved")],
        data={"evidence": "ivr-pin"},
    )


async def brief(hub: Running, query: str, key: str = "all") -> dict[str, Any]:
    answer = await hub.get(f"/v1/context/brief?{query}", key=key)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    components = documents()["context"]["components"]
    schema = {**components["schemas"]["Brief"], "components": components}
    jsonschema_rs.Draft202012Validator(schema).validate(found)
    assert list(nulls({**found, "meta": {}})) == []
    return found


def nulls(value: Any, path: str = "") -> Iterator[str]:
    if value is None:
        yield path
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from nulls(item, f"{path}/{name}")


async def test_a_bare_caller_id_is_routed_and_told_nothing(hub: Running) -> None:
    await hub.happen(*KNOWN, ringing("claimed"))
    found = await brief(hub, f"interaction={CALL}")
    assert (found["level"], found["by"], found["reason"]) == ("claimed", "", "")
    assert set(map(str, found["say"].values())) == {"", "0", "False", "{}"}
    route = found["route"]
    assert (route["customer"], route["queue"], route["agent"]) == (CUSTOMER, "billing", "ben")
    assert (route["open"], route["known"], route["summary"]) == (1, {"order": "4711"}, "I was charged twice")


async def test_an_attested_call_may_hear_a_name_alone(hub: Running) -> None:
    await hub.happen(*KNOWN, ringing("asserted"))
    found = await brief(hub, f"interaction={CALL}")
    assert found["level"] == "asserted"
    say = found["say"]
    assert (say["name"], say["open"]) == ("Ana Silva", 1)
    assert (say["topic"], say["summary"], say["known"], say["agent"]) == ("", "", {}, "")


async def test_after_a_pin_all_may_be_said(hub: Running) -> None:
    await hub.happen(*KNOWN, ringing("claimed"), pin())
    found = await brief(hub, f"interaction={CALL}")
    assert (found["level"], found["by"]) == ("proved", "ivr-pin")
    say = found["say"]
    assert (say["name"], say["summary"], say["agent"]) == ("Ana Silva", "I was charged twice", "Ben")
    assert say["known"] == {"order": "4711"}


async def test_an_identifier_counts_until_the_call_is_known(hub: Running) -> None:
    await hub.happen(*KNOWN)
    found = await brief(hub, f"interaction={CALL}&identifier=phone:{PHONE}")
    assert (found["level"], found["route"]["customer"], found["say"]["name"]) == ("claimed", CUSTOMER, "")
    await hub.happen(ringing("asserted"))
    assert (await brief(hub, f"interaction={CALL}&identifier=phone:{PHONE}"))["level"] == "asserted"
    assert (await brief(hub, f"identifier=phone:{PHONE}"))["level"] == "claimed"


@pytest.mark.parametrize("identifier", ["phone:+15550100999", "phone:anonymous", "email:undefined"])
async def test_an_unknown_caller_gets_an_empty_brief(hub: Running, identifier: str) -> None:
    await hub.happen(*KNOWN)
    found = await brief(hub, f"interaction={CALL}&identifier={identifier}")
    assert (found["level"], found["reason"], found["route"]["customer"]) == ("none", "unknown-customer", "")


async def test_a_shared_telephone_names_nobody(hub: Running) -> None:
    others = [
        an_event("cx.identity.asserted.v1", id=f"other-{n}", at=START + n, interaction="", channel="crm",
                 email=f"{n}@example.com", phone=PHONE, weight="asserted")
        for n in range(3)
    ]  # fmt: skip
    await hub.happen(*KNOWN, *others)
    found = await brief(hub, f"identifier=phone:{PHONE}")
    assert (found["level"], found["reason"], found["route"]["customer"]) == ("none", "ambiguous-identifier", "")


async def test_a_bots_brief_of_strangers_names_a_conversation(hub: Running) -> None:
    await hub.happen(*KNOWN, TYPED)
    theirs = await brief(hub, f"interaction={STRANGERS}", key="bot")
    assert theirs["level"] == "claimed"
    conversation = theirs["route"].pop("conversation")
    assert set(map(str, [*theirs["say"].values(), *theirs["route"].values()])) == {"", "0", "False", "{}"}
    handed = await hub.post(f"/v1/conversations/{conversation}/handoffs", {"reason": "a person"}, key="bot")
    assert handed.status_code == 202


@pytest.mark.parametrize(
    ("key", "asking", "theirs", "level"),
    [("all", STRANGERS, TYPED, "claimed"), ("bot", CALL, ringing("asserted"), "asserted")],
)
async def test_a_handoff_is_of_the_contact_that_asked(
    hub: Running, key: str, asking: str, theirs: StampedEvent, level: str
) -> None:
    """A window joins a stranger's chat, and a call that is less assured, to the customer's proved chat."""
    await hub.happen(*KNOWN, theirs)
    conversation = (await brief(hub, f"interaction={asking}", key))["route"]["conversation"]
    handed = await hub.post(
        f"/v1/conversations/{conversation}/handoffs", {"reason": "a person", "packet": {"summary": "theirs"}}, key=key
    )
    assert handed.status_code == 202
    await hub.projector.catch_up()
    shown = (await hub.get(f"/v1/conversations/{conversation}/handoff")).json()
    assert (shown["request"]["interaction"], shown["request"]["level"]) == (asking, level)
    assert (shown["summary"], shown["verified"]) == ("theirs", [])


async def test_a_bots_brief_holds_what_an_assured_read_holds(hub: Running, clock: Clock) -> None:
    await hub.happen(*KNOWN, TYPED)
    own = await brief(hub, f"interaction={OWN}", key="bot")
    assert (own["level"], own["by"], own["say"]["summary"]) == ("proved", "login", "I was charged twice")
    assert (own["route"]["queue"], own["route"]["customer"]) == ("billing", CUSTOMER)
    assert "balance" not in json.dumps(own)
    clock.time = EXPIRES
    late = await brief(hub, f"interaction={OWN}", key="bot")
    assert (late["level"], late["say"]["summary"], late["route"]["queue"]) == ("claimed", "", "")


async def test_a_bots_key_asks_by_interaction_alone(hub: Running) -> None:
    await hub.happen(*KNOWN)
    refused = await hub.get(f"/v1/context/brief?identifier=phone:{PHONE}", key="bot")
    assert (refused.status_code, refused.json()["reason"]) == (403, "not-assured")
    both = await brief(hub, f"interaction={CALL}&identifier=phone:{PHONE}", key="bot")
    assert (both["level"], both["route"]["customer"]) == ("none", "")


async def test_a_brief_asked_for_by_body_is_the_same(hub: Running) -> None:
    await hub.happen(*KNOWN, ringing("claimed"))
    body = {"interaction": CALL, "identifier": f"phone:{PHONE}"}
    answer = await hub.post("/v1/context/brief", body)
    assert answer.json() == await brief(hub, f"interaction={CALL}&identifier=phone:{PHONE}")


async def test_malformed_questions_are_refused(hub: Running) -> None:
    for query in ("", "identifier=nonsense", "interaction=" + "x" * 600, "interaction=a&assurance=proved"):
        assert (await hub.get(f"/v1/context/brief?{query}")).status_code == 400, query
    assert (await hub.post("/v1/context/brief", {})).status_code == 400
    assert (await hub.get(f"/v1/context/brief?interaction={CALL}", key="judge")).status_code == 403


async def test_a_brief_waits_for_what_was_just_told(hub: Running) -> None:
    await hub.happen(*KNOWN, ringing("claimed"), pin())
    name = "at_least=//acme.example/chat%23pin"
    assert (await brief(hub, f"interaction={CALL}&{name}"))["level"] == "proved"
    late = await hub.get(f"/v1/context/brief?interaction={CALL}&at_least=//acme.example/chat%23never&wait=10ms")
    assert (late.status_code, late.json()["reason"]) == (504, "not-yet")


async def test_a_new_call_is_not_its_own_matter(hub: Running) -> None:
    await hub.happen(*KNOWN, ringing("claimed", START + 100 * HOUR))
    route = (await brief(hub, f"interaction={CALL}"))["route"]
    assert (route["open"], route["summary"]) == (1, "I was charged twice")


async def test_long_words_are_cut(hub: Running) -> None:
    long = an_event(id="long", at=START + HOUR, interaction=OWN, email=ANA, text="x" * 900)
    many = {f"slot-{n}": "y" * 500 for n in range(40)}
    turn = an_event("cx.bot.turn.v1", id="many", at=START + HOUR, interaction=OWN, email=ANA,
                    data={"bot": {"text": "?", "slots": many}})  # fmt: skip
    await hub.happen(LOGIN, long, turn)
    answer = await hub.get(f"/v1/context/brief?interaction={OWN}")
    assert len(answer.content) < 32 * 1024
    assert len(answer.json()["say"]["known"]) == 20
