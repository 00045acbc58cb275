"""A call that another system carried, too, says that system's id of it, wherever its vendor lets one be written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.contract.provider_cases import connection_of

from cx_channels.correlations import Correlations
from cx_channels.kit.same_call import same_call
from cx_channels.provider import FETCHED, Connection, Provider, Request
from cx_channels.registry import folder_name, providers
from cx_events.envelope import Draft
from cx_events.errors import Fatal
from cx_events.testing.builders import START
from cx_runtime.tenants import TenantConfig

CHANNELS = Path(__file__).parents[2] / "services" / "cx_channels"
SID = "CA00000000000000000000000000000012"


def read(provider: Provider, name: str) -> bytes:
    return (CHANNELS / folder_name(provider.name) / "fixtures" / name).read_bytes()


def mapped(name: str, body: bytes, method: str = "POST", **settings: Any) -> list[Draft]:
    provider = providers()[name]
    its = connection_of(provider)
    its = replace(its, settings={**its.settings, **settings})
    return list(provider.map(Request(body, method, received=START), its).drafts)


def calls(draft: Draft) -> list[str]:
    return [each.value for each in draft.data.references if each.kind == "same-call"]


def changed(name: str, fixture: str, change: Any) -> bytes:
    value = msgspec.json.decode(read(providers()[name], fixture))
    change(value)
    return msgspec.json.encode(value)


@pytest.mark.parametrize("written", ["", None, 7.5, "a b", "declared/120/trunk/0123", "x" * 200, "über"])
def test_what_is_no_id_names_no_call(written: object) -> None:
    assert same_call(written) == []


def test_vonage_reads_the_headers_of_sip() -> None:
    def flat(value: Any) -> None:
        value.update({"SipHeader_X-Twilio-CallSid": SID, "SipHeader_X-Acme-Call": "acme-7"})

    def apart(value: Any) -> None:
        value["headers"] = {"X-Twilio-CallSid": SID, "X-Acme-Call": "acme-7"}

    for fixture, change in (("answer-webhook-posted.json", flat), ("inbound-started.json", apart)):
        body = changed("voice/vonage", fixture, change)
        (draft,) = mapped("voice/vonage", body)
        assert calls(draft) == [SID]
        (draft,) = mapped("voice/vonage", body, same_call="X-Acme-Call")
        assert calls(draft) == [SID, "acme-7"]


def test_asterisk_reads_the_variable_that_the_setting_names() -> None:
    body = read(providers()["voice/asterisk"], "ami-agent-complete-attested.txt")
    body = body.replace(b"ChanVariable: OTHER=1", f"ChanVariable: CX_CALL={SID}".encode())
    assert all(calls(draft) == [SID] for draft in mapped("voice/asterisk", body, same_call="CX_CALL"))
    assert not any(map(calls, mapped("voice/asterisk", body)))
    with pytest.raises(Fatal, match="same_call"):
        providers()["voice/asterisk"].warnings(
            Connection("pbx", "acme", "voice/asterisk", settings={"interface": "ami", "host": "a", "same_call": 7})
        )


def test_ari_tells_the_variable_and_the_call_id() -> None:
    def change(value: Any) -> None:
        value["channel"]["channelvars"] = {"CHANNEL(linkedid)": value["channel"]["id"], "CX_CALL": SID}
        value["channel"]["protocol_id"] = "c0ffee@192.0.2.1"

    body = changed("voice/asterisk", "ari-created-leg.json", change)
    (draft,) = mapped("voice/asterisk", body, FETCHED, same_call="CX_CALL")
    assert calls(draft) == [SID]
    assert len(calls(correlated(draft, "$.raw.channel.protocol_id"))) == 2


def test_amazon_connect_reads_the_attribute_that_the_setting_names() -> None:
    def change(value: Any) -> None:
        value.setdefault("Attributes", {})["twilio_call"] = SID

    body = changed("voice/amazon-connect", "record-handled.json", change)
    found = {draft.type: calls(draft) for draft in mapped("voice/amazon-connect", body, same_call="twilio_call")}
    assert found["cx.interaction.ended.v1"] == [SID]
    assert not any(map(calls, mapped("voice/amazon-connect", body)))


def test_genesys_reads_the_participants_attribute_and_keeps_the_uui() -> None:
    def state(value: Any) -> None:
        body = value.get("eventBody", value)
        customer = next(each for each in body["participants"] if each["purpose"] in ("customer", "external"))
        customer["attributes"] = {"twilio_call": SID}
        (customer.get("calls") or [customer])[0]["uuiData"] = "4341313b"

    body = changed("voice/genesys-cloud", "state-over.json", state)
    ended = [each for each in mapped("voice/genesys-cloud", body, same_call="twilio_call") if "ended" in each.type]
    assert [calls(each) for each in ended] == [[SID]]
    assert len(calls(correlated(ended[0], "$.raw.step.uuiData"))) == 2
    assert not any(map(calls, mapped("voice/genesys-cloud", body)))


def test_genesys_details_tell_attribute_and_call_id() -> None:
    def details(value: Any) -> None:
        customer = next(each for each in value["participants"] if each["purpose"] in ("customer", "external"))
        customer["attributes"] = {"twilio_call": SID}
        customer["sessions"][0]["protocolCallId"] = "c0ffee@192.0.2.1"

    body = changed("voice/genesys-cloud", "details.json", details)
    ended = [each for each in mapped("voice/genesys-cloud", body, same_call="twilio_call") if "ended" in each.type]
    assert [calls(each) for each in ended] == [[SID]]
    assert len(calls(correlated(ended[0], "$.raw.session.protocolCallId"))) == 2


@pytest.mark.parametrize("name", ["voice/amazon-connect", "voice/genesys-cloud"])
def test_a_setting_that_is_no_name_stops_a_start(name: str) -> None:
    with pytest.raises(Fatal, match="same_call"):
        providers()[name].warnings(Connection("calls", "acme", name, ("a long secret",), settings={"same_call": ["x"]}))


def correlated(draft: Draft, path: str) -> Draft:
    """A draft with what a declared correlation by one path makes of it."""
    connections = {name: {"provider": "voice/generic", "secrets": ["a long secret"]} for name in ("calls", "others")}
    declared = {"within": "2m", "fields": {"calls": path, "others": path}}
    tenant = TenantConfig.model_validate(
        {"id_key": "an example key of a tenant", "connections": connections, "correlations": {"sip": declared}}
    )
    return Correlations({"acme": tenant}).correlated(draft, "calls")
