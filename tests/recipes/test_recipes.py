"""Each recipe, by who is there: a bare number, an attested one, after a PIN, a stranger, and a hub that is away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.recipes import data_actions, lambdas
from tests.recipes.dialogflow import CxSession, EsSession, ask
from tests.recipes.gateway import Channel
from tests.recipes.rasa_engine import Assistant
from tests.recipes.story import (
    ACCOUNT,
    CHAT,
    PHONE,
    STRANGERS_CHAT,
    Hub,
    absent_hub,
    hub_with_the_story,
    new_call,
    silent_hub,
)
from tests.recipes.studio import Flow, run_function

pytestmark = pytest.mark.clock

CHARGED = "I was charged twice"
ATTESTED = "TN-Validation-Passed-A"
STRANGER = "+15550100999"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with hub_with_the_story(tmp_path_factory.mktemp("recipes")) as hub:
        yield hub


@pytest.fixture(params=["silent", "absent"])
def away(request: pytest.FixtureRequest) -> Iterator[Hub]:
    if request.param == "absent":
        yield absent_hub()
        return
    with silent_hub() as hub:
        yield hub


def of(found: dict[str, Any], *names: str) -> list[Any]:
    return [found[name] for name in names]


def test_connect_routes_a_bare_number_and_says_nothing(hub: Hub) -> None:
    found = lambdas.invoke(hub, lambdas.event_of(new_call(), PHONE))
    assert of(found, "hub", "level", "route_queue", "route_agent") == ["yes", "claimed", "billing", "ben"]
    assert of(found, "say_name", "say_summary", "say_known") == ["", "", ""]


def test_connect_says_after_a_pin_what_it_is_about(hub: Hub) -> None:
    call = new_call()
    lambdas.invoke(hub, lambdas.event_of(call, PHONE))
    found = lambdas.invoke(hub, lambdas.event_of(call, PHONE, {"account": ACCOUNT, "method": "ivr-pin"}))
    assert of(found, "level", "by", "say_name") == ["proved", "ivr-pin", "Ana Silva"]
    assert of(found, "say_summary", "say_known") == [CHARGED, "order: 4711"]


@pytest.mark.parametrize("address", [STRANGER, None])
def test_connect_lets_strangers_pass_as_before(hub: Hub, address: str | None) -> None:
    found = lambdas.invoke(hub, lambdas.event_of(new_call(), address))
    assert of(found, "hub", "say_name", "route_queue") == ["yes", "", ""]


def test_connects_call_goes_on_without_the_hub(away: Hub) -> None:
    found = lambdas.invoke(away, lambdas.event_of(new_call(), PHONE))
    assert found == {"hub": "no", "level": "none", "by": "", "say_known": "", "route_known": ""}


def test_a_data_action_goes_from_number_to_pin(hub: Hub) -> None:
    call = {"conversationId": new_call()}
    caller = {**call, "ani": f"tel:{PHONE}"}
    before = data_actions.run(hub, "ask-brief.json", **caller)
    assert of(before, "level", "routeQueue", "sayName") == ["claimed", "billing", ""]
    assert data_actions.run(hub, "tell-start.json", **caller)["event"]
    assert data_actions.run(hub, "tell-proof.json", **call, account=ACCOUNT)["event"]
    after = data_actions.run(hub, "ask-proved-brief.json", **caller)
    assert of(after, "level", "by", "sayName", "saySummary") == ["proved", "ivr-pin", "Ana Silva", CHARGED]


@pytest.mark.parametrize("ani", ["tel:+15550100888", "sip:anonymous@anonymous.invalid"])
def test_a_data_action_of_strangers_has_all_outputs(hub: Hub, ani: str) -> None:
    found = data_actions.run(hub, "ask-brief.json", conversationId=new_call(), ani=ani)
    assert of(found, "level", "reason", "routeQueue", "sayOpen") == ["none", "unknown-customer", "", 0]


def test_a_data_action_fails_where_the_hub_is_away(away: Hub) -> None:
    with pytest.raises(data_actions.Failed):
        data_actions.run(away, "ask-brief.json", conversationId=new_call(), ani=f"tel:{PHONE}")


def test_studio_greets_an_attested_caller_by_name(hub: Hub) -> None:
    flow = Flow(hub)
    flow.call(CallSid=new_call(), From=PHONE, StirVerstat=ATTESTED)
    assert (flow.said, flow.queue) == (["Hello Ana Silva."], "billing")


@pytest.mark.parametrize(("number", "queue"), [(PHONE, "billing"), (STRANGER, "reception"), ("anonymous", "reception")])
def test_studio_greets_nobody_by_a_bare_number(hub: Hub, number: str, queue: str) -> None:
    flow = Flow(hub)
    flow.call(CallSid=new_call(), From=number, StirVerstat="No-TN-Validation")
    assert (flow.said, flow.queue) == ([], queue)


def test_a_function_says_what_it_is_about_once_proved(hub: Hub) -> None:
    call = {"CallSid": new_call(), "From": PHONE}
    run_function(hub, call)
    found = run_function(hub, {**call, "account": ACCOUNT})
    assert (found["level"], found["say"]["summary"], found["say"]["known"]) == ("proved", CHARGED, {"order": "4711"})


def test_studios_call_goes_on_without_the_hub(away: Hub) -> None:
    flow = Flow(away)
    flow.call(CallSid=new_call(), From=PHONE, StirVerstat=ATTESTED)
    assert (flow.said, flow.queue) == ([], "reception")
    assert flow.variables["widgets"]["ask_hub"]["parsed"]["hub"] == "no"


def test_a_dialplan_goes_from_number_to_pin(hub: Hub) -> None:
    call = Channel(new_call(), PHONE)
    call.agi(hub, "begin", "")
    assert of(call.variables, "CX_HUB", "CX_LEVEL", "CX_ROUTE_QUEUE") == ["yes", "claimed", "billing"]
    assert of(call.variables, "CX_SAY_NAME", "CX_SAY_SUMMARY") == ["", ""]
    call.agi(hub, "proved", ACCOUNT, "ivr-pin")
    assert of(call.variables, "CX_LEVEL", "CX_SAY_SUMMARY", "CX_KNOWN_ORDER") == ["proved", CHARGED, "4711"]


def test_a_dialplan_greets_an_attested_caller(hub: Hub) -> None:
    call = Channel(new_call(), PHONE)
    call.agi(hub, "begin", "A")
    assert of(call.variables, "CX_LEVEL", "CX_SAY_NAME", "CX_SAY_SUMMARY") == ["asserted", "Ana Silva", ""]


def test_a_dialplan_goes_on_without_the_hub(away: Hub) -> None:
    call = Channel(new_call(), "unknown")
    call.agi(away, "begin", "")
    assert of(call.variables, "CX_HUB", "CX_LEVEL", "CX_ROUTE_QUEUE") == ["no", "none", ""]


def test_words_of_customers_end_no_command(hub: Hub) -> None:
    hostile = 'x" 1\nSET VARIABLE ADMIN "yes" \\'
    caller = {"kind": "phone", "value": "+15550100777", "weight": "asserted"}
    hub.tell(
        "hostile",
        "cx.message.received.v1",
        channel="sms",
        interaction="acme-sms/hostile",
        participants=[{"role": "customer", "identifiers": [caller]}],
        message={"id": "hostile", "text": hostile},
    )
    hub.context("acme-sms/hostile", "//acme.example/story%23hostile")
    call = Channel(new_call(), caller["value"])
    call.agi(hub, "begin", "")
    assert "ADMIN" not in call.variables
    assert 'SET VARIABLE ADMIN "yes" \\' in call.variables["CX_ROUTE_SUMMARY"]


def test_rasa_knows_what_a_proved_customer_said(hub: Hub) -> None:
    assistant = Assistant(hub, CHAT)
    assistant.act("action_read_brief")
    assert of(assistant.slots, "cx_level", "cx_name", "cx_about", "order") == ["proved", "Ana Silva", CHARGED, "4711"]


def test_rasa_hands_a_stranger_over_with_a_packet(hub: Hub) -> None:
    assistant = Assistant(hub, STRANGERS_CHAT)
    assistant.hear("What is on my account?")
    assistant.act("action_read_brief")
    assert of(assistant.slots, "cx_level", "cx_name", "cx_about", "order") == ["claimed", "", "", None]
    assistant.act("action_hand_over")
    assert assistant.slots["cx_handed_over"]
    packet = packet_of(hub, assistant.slots["cx_conversation"])
    assert (packet["request"]["by"], packet["summary"]) == ("bot", "What is on my account?")


def test_rasa_goes_on_without_the_hub(away: Hub) -> None:
    assistant = Assistant(away, CHAT)
    assistant.act("action_read_brief")
    assert of(assistant.slots, "cx_level", "cx_name") == ["none", ""]
    assistant.act("action_hand_over")
    assert assistant.said == ["I can't reach my colleagues. Please call us."]


def test_dialogflow_knows_what_a_proved_customer_said(hub: Hub) -> None:
    cx, es = CxSession(hub, "s-1", cx_interaction=CHAT), EsSession(hub, "s-2", cx_interaction=CHAT)
    cx.turn("brief", "hello")
    es.turn("brief", "hello")
    for session in (cx, es):
        assert of(session.parameters, "cx_hub", "cx_level", "cx_name") == [True, "proved", "Ana Silva"]
        assert of(session.parameters, "cx_about", "cx_known") == [CHARGED, {"order": "4711"}]


def test_dialogflow_tells_a_bare_number_nothing(hub: Hub) -> None:
    session = CxSession(hub, new_call())
    session.turn("brief", "hello", caller=PHONE)
    assert of(session.parameters, "cx_hub", "cx_level", "cx_name", "cx_about") == [True, "claimed", "", ""]


def test_dialogflow_hands_over_with_a_packet(hub: Hub) -> None:
    cx = CxSession(hub, "s-1", cx_interaction=CHAT, order="4711")
    es = EsSession(hub, "s-2", cx_interaction=STRANGERS_CHAT)
    for session, words in ((cx, "A person, please"), (es, "An agent!")):
        session.turn("brief", "hello")
        session.turn("handoff", words)
        assert session.said == ["A colleague takes over, and knows what you told me."]
        assert packet_of(hub, session.parameters["cx_conversation"], words)["request"]["by"] == "bot"


def test_dialogflow_goes_on_without_the_hub(away: Hub) -> None:
    session = CxSession(away, "s-1", cx_interaction=CHAT)
    session.turn("brief", "hello")
    assert of(session.parameters, "cx_hub", "cx_level", "cx_name") == [False, "none", ""]
    es = EsSession(away, "s-2", cx_interaction=CHAT)
    es.turn("handoff", "An agent!")
    assert es.said == []


def test_a_webhook_without_the_agents_header_is_refused(hub: Hub) -> None:
    body = {"sessionInfo": {"session": "s/1"}, "fulfillmentInfo": {"tag": "brief"}}
    assert ask(hub, body, authorization="Basic forged") == ("", 401)


def packet_of(hub: Hub, conversation: str, summary: str = "") -> Any:
    """Return the packet that the next agent reads, once there is one with this summary."""
    while True:
        packet = hub.ask(f"/v1/conversations/{conversation}/handoff")
        if packet["request"] is not None and summary in (packet["summary"] or ""):
            return packet


def test_the_pages_link_to_the_files_that_are_run() -> None:
    pages = Path(__file__).parents[2] / "docs" / "recipes"
    for folder in (each for each in pages.iterdir() if each.is_dir()):
        page = (pages / f"{folder.name}.md").read_text(encoding="utf-8")
        for file in (each for each in folder.iterdir() if each.is_file()):
            assert f"({folder.name}/{file.name})" in page, f"{folder.name}.md has no link to {file.name}"
