"""Fields that a tenant declares make references by which two systems' calls are one contact."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from cx_channels.configured_connections import connection_mistakes
from cx_channels.correlations import Correlations
from cx_channels.registry import providers
from cx_events.envelope import Data, Draft
from cx_runtime.tenants import TenantConfig

FIELDS = {"acme-voice": "$.raw.SipCallId", "acme-calls": ["$.raw.sip.call_id"]}


def config(**correlation: Any) -> TenantConfig:
    connections = {name: {"provider": "voice/generic"} for name in ("acme-voice", "acme-calls")}
    return TenantConfig.model_validate(
        {"id_key": "an example key of a tenant", "connections": connections, "correlations": {"trunk": correlation}}
    )


def draft(raw: Any, **data: Any) -> Draft:
    content = Data(channel="voice", interaction="c/1", raw=msgspec.Raw(msgspec.json.encode(raw)))
    return Draft(type="cx.interaction.started.v1", id="1", data=msgspec.structs.replace(content, **data))


def said(connection: str, raw: Any, **data: Any) -> list[str]:
    found = Correlations({"acme": config(fields=FIELDS, within="2m")}).correlated(draft(raw, **data), connection)
    return [each.value for each in found.data.references if each.kind == "same-call"]


def test_equal_fields_make_equal_references() -> None:
    one, other = said("acme-voice", {"SipCallId": "abc"}), said("acme-calls", {"sip": {"call_id": " abc "}})
    assert one == other
    assert one[0].startswith("declared/120/trunk/")
    assert said("acme-voice", {"SipCallId": "abd"}) != one


@pytest.mark.parametrize(
    "raw", [{}, {"SipCallId": ""}, {"SipCallId": None}, {"SipCallId": ["abc"]}, [], "abc", {"SipCallId": True}]
)
def test_what_is_absent_says_nothing(raw: Any) -> None:
    assert said("acme-voice", raw) == []


def test_other_connections_and_channels_say_nothing() -> None:
    assert said("acme-chat", {"SipCallId": "abc"}) == []
    assert said("acme-voice", {"SipCallId": "abc"}, channel="chat") == []
    assert said("acme-voice", {"SipCallId": "abc"}, interaction="") == []


def test_several_fields_must_all_be_there() -> None:
    fields = {"acme-voice": ["$.raw.a", "$.digits"], "acme-calls": ["$.raw.a", "$.raw.b"]}
    declared = Correlations({"acme": config(fields=fields)})
    whole = declared.correlated(draft({"a": 1}, digits="2"), "acme-voice").data.references
    assert whole == declared.correlated(draft({"a": "1", "b": 2}), "acme-calls").data.references
    assert declared.correlated(draft({"a": 1}), "acme-calls").data.references == []


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"acme-voice": "$.raw.a", "acme-none": "$.raw.a"}, "fields.acme-none: there is no such connection"),
        ({"acme-voice": "raw.a", "acme-calls": "$.raw.a"}, "fields.acme-voice: the path"),
        ({"acme-voice": "$header.a", "acme-calls": "$.raw.a"}, "must begin with $."),
        ({"acme-voice": "$.raw..a", "acme-calls": "$.raw.a"}, "can't be read"),
    ],
)
def test_a_start_names_what_cannot_be_meant(fields: dict[str, str], named: str) -> None:
    mistakes = list(connection_mistakes({"acme": config(fields=fields)}, providers()))
    assert any(named in each and "tenants.acme.correlations.trunk" in each for each in mistakes), mistakes


@pytest.mark.parametrize(
    "correlation",
    [
        {"fields": {"acme-voice": "$.raw.a"}},
        {"fields": {"acme-voice": "$.raw.a", "acme-calls": ["$.raw.a", "$.raw.b"]}},
        {"fields": FIELDS, "within": "2 minutes"},
        {"fields": FIELDS, "within": 0},
        {"fields": FIELDS, "window": "2m"},
    ],
)
def test_a_correlation_of_another_shape_is_refused(correlation: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"correlations\.trunk"):
        config(**correlation)
