"""Test how much an identifier is worth: what is asked for, what the writer's scopes allow, and what is stamped."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_events.client_events import accept
from cx_events.codec import decode
from cx_events.envelope import Data, Event, Identifier, Participant, Weight
from cx_events.errors import Refused
from cx_events.ids import IdSpace
from cx_events.timestamps import parse_time
from cx_events.weights import (
    ALL_SCOPES,
    SCOPE_OF,
    linking_identifiers,
    stamp_weights,
    weaker,
    weight_of,
    weight_rank,
)

IDS = IdSpace("acme", b"k" * 32)
NOW = parse_time("2026-11-22T10:05:00Z")
MESSAGE = "cx.message.received.v1"
VERIFIED = "cx.identity.verified.v1"
ASSERTED = "cx.identity.asserted.v1"
FACT = "cx.customer.fact.v1"
TYPES = (MESSAGE, VERIFIED, ASSERTED, FACT, "cx.identity.verified.v2", "com.example.visit")
WEIGHTS: tuple[Weight, ...] = ("proved", "asserted", "claimed")
EMAIL = Identifier(kind="email", value="ana@example.com")
ACCOUNT = Identifier(kind="account", value="A-1")
COOKIE = Identifier(kind="cookie", value="c-7")


def of(*identifiers: Identifier, role: str = "customer") -> Data:
    return Data(participants=[Participant(role=role, identifiers=list(identifiers))])  # type: ignore[arg-type]


def weighed(identifier: Identifier, weight: str = "", *, verified: bool = False) -> Identifier:
    return msgspec.structs.replace(identifier, weight=weight, verified=verified)


def stamped(data: Data, event_type: str, scopes: Any) -> Data:
    """Return a copy of the data with weights."""
    copy = msgspec.convert(msgspec.to_builtins(data), Data)
    stamp_weights(copy, event_type, scopes)
    return copy


def weights(data: Data, event_type: str = MESSAGE, scopes: Any = ALL_SCOPES) -> list[str]:
    return [each.weight for each in linking_identifiers(stamped(data, event_type, scopes))]


@pytest.mark.parametrize(
    ("data", "event_type", "expected"),
    [
        (of(EMAIL, COOKIE), MESSAGE, ["claimed", "claimed"]),
        (of(weighed(EMAIL, verified=True), ACCOUNT), MESSAGE, ["proved", "claimed"]),
        (of(weighed(EMAIL, "asserted")), MESSAGE, ["asserted"]),
        (of(weighed(EMAIL, "claimed", verified=True)), MESSAGE, ["claimed"]),
        (of(EMAIL, ACCOUNT, COOKIE), VERIFIED, ["proved", "proved", "claimed"]),
        (of(weighed(EMAIL, verified=True), ACCOUNT), VERIFIED, ["proved", "claimed"]),
        (of(weighed(EMAIL, "proved"), ACCOUNT), VERIFIED, ["proved", "claimed"]),
        (of(EMAIL, weighed(COOKIE, "claimed")), VERIFIED, ["proved", "claimed"]),
        (of(EMAIL, weighed(ACCOUNT, "asserted")), VERIFIED, ["proved", "asserted"]),
        (of(EMAIL, ACCOUNT), ASSERTED, ["asserted", "asserted"]),
        (of(EMAIL, weighed(ACCOUNT, "claimed")), ASSERTED, ["asserted", "claimed"]),
        (of(EMAIL), FACT, ["asserted"]),
        (of(weighed(COOKIE, "proved", verified=True)), MESSAGE, ["claimed"]),
        (Data(links=[(ACCOUNT, EMAIL)]), ASSERTED, ["asserted", "asserted"]),
        (Data(links=[(ACCOUNT, weighed(EMAIL, verified=True))]), VERIFIED, ["claimed", "proved"]),
        (Data(links=[(ACCOUNT, COOKIE)]), MESSAGE, ["claimed", "claimed"]),
    ],
)
def test_a_weight_is_stated_or_follows_from_the_type(data: Data, event_type: str, expected: list[str]) -> None:
    assert weights(data, event_type) == expected


@pytest.mark.parametrize(
    ("data", "event_type", "needed"),
    [
        (of(weighed(EMAIL, "proved")), MESSAGE, "identity:prove"),
        (of(weighed(EMAIL, verified=True)), MESSAGE, "identity:prove"),
        (of(weighed(COOKIE, "proved")), MESSAGE, "identity:prove"),
        (of(EMAIL), VERIFIED, "identity:prove"),
        (of(weighed(EMAIL, "asserted")), MESSAGE, "identity:assert"),
        (of(EMAIL), ASSERTED, "identity:assert"),
        (of(EMAIL), FACT, "identity:assert"),
        (Data(links=[(ACCOUNT, weighed(EMAIL, "proved"))]), MESSAGE, "identity:prove"),
    ],
)
def test_a_weight_beyond_the_scopes_is_refused_not_lowered(data: Data, event_type: str, needed: str) -> None:
    with pytest.raises(Refused) as caught:
        stamped(data, event_type, {"events:write", *ALL_SCOPES} - {needed})
    assert (caught.value.reason, caught.value.status) == ("missing-scope", 403)
    assert needed in caught.value.detail
    assert stamped(data, event_type, {needed})


def test_all_scopes_allow_a_weight_and_imply_none() -> None:
    assert weights(of(EMAIL), scopes={"*"}) == ["claimed"]
    assert weights(of(weighed(EMAIL, "proved")), scopes={"*"}) == ["proved"]


def test_an_agents_identifiers_have_no_weight() -> None:
    data = stamped(of(weighed(EMAIL, "proved"), role="agent"), MESSAGE, ())
    assert [each.weight for each in data.participants[0].identifiers] == [""]


def test_a_flag_says_what_the_weight_says() -> None:
    stated = stamped(of(weighed(EMAIL, "claimed", verified=True)), MESSAGE, ())
    assert not stated.participants[0].identifiers[0].verified
    sent = {
        "specversion": "1.0", "id": "m-1", "source": "//acme.example/chat", "type": MESSAGE,
        "data": {
            "message": {"text": "hello"},
            "participants": [
                {
                    "role": "customer",
                    "identifiers": [
                        {"kind": "email", "value": "ana@example.com", "weight": "claimed", "verified": True}
                    ],
                }
            ],
        },
    }  # fmt: skip
    raw = accept(sent, ids=IDS, recorded=NOW, scopes=("events:write",)).raw
    identifier = decode(raw).data.participants[0].identifiers[0]
    assert (identifier.weight, identifier.verified) == ("claimed", False)


IDENTIFIERS = st.builds(
    Identifier,
    kind=st.sampled_from(["email", "account", "crm", "phone", "cookie", "line"]),
    value=st.sampled_from(["a", "b"]),
    verified=st.booleans(),
    weight=st.sampled_from(["", *WEIGHTS]),
)
DATA = st.builds(
    Data,
    participants=st.lists(
        st.builds(
            Participant,
            role=st.sampled_from(["customer", "customer", "agent", "bot", "system", "business"]),
            identifiers=st.lists(IDENTIFIERS, max_size=3),
        ),
        max_size=3,
    ),
    links=st.lists(st.tuples(IDENTIFIERS, IDENTIFIERS), max_size=2),
)
SCOPES = st.frozensets(st.sampled_from(["events:write", "identity:prove", "identity:assert", "ops", "*"]))


@given(DATA, st.sampled_from(TYPES), SCOPES)
def test_every_customer_identifier_is_stamped_or_all_are_refused(
    data: Data, event_type: str, scopes: frozenset[str]
) -> None:
    try:
        found = stamped(data, event_type, scopes)
    except Refused as refused:
        assert refused.reason == "missing-scope"
        assert "*" not in scopes
        return
    before, after = linking_identifiers(data), linking_identifiers(found)
    for asked, got in zip(before, after, strict=True):
        assert got.weight in WEIGHTS
        assert (got.kind, got.value) == (asked.kind, asked.value)
        needed = SCOPE_OF.get(got.weight)
        assert needed is None or needed in scopes or "*" in scopes
        if asked.weight:
            assert weight_rank(got.weight) >= weight_rank(asked.weight)
        assert got.kind != "cookie" or got.weight == "claimed"
        assert not got.verified or got.weight == "proved"
    for participant in found.participants:
        if participant.role != "customer":
            assert not any(each.weight for each in participant.identifiers)


@given(DATA, st.sampled_from(TYPES))
def test_stamping_twice_equals_stamping_once_without_scopes_too(data: Data, event_type: str) -> None:
    once = stamped(data, event_type, ALL_SCOPES)
    assert stamped(once, event_type, ALL_SCOPES) == once
    highest = min((weight_rank(each.weight) for each in linking_identifiers(once)), default=2)
    if highest == 2:
        assert stamped(once, event_type, ()) == once


@given(DATA, st.sampled_from(TYPES))
def test_a_weight_on_the_log_is_read_as_stamped(data: Data, event_type: str) -> None:
    event = Event(
        specversion="1.0", id="1", source="//s", type=event_type, time="", tenantid="acme", recordedtime="",
        partitionkey="", data=stamped(data, event_type, ALL_SCOPES),
    )  # fmt: skip
    for identifier in linking_identifiers(event.data):
        assert weight_of(identifier, event) == identifier.weight


@given(DATA, st.sampled_from(TYPES))
def test_a_fact_without_a_stamp_gains_no_weight(data: Data, event_type: str) -> None:
    bare = msgspec.convert(without_weights(msgspec.to_builtins(data)), Data)
    event = Event(
        specversion="1.0", id="1", source="//s", type=event_type, time="", tenantid="acme", recordedtime="",
        partitionkey="", data=bare,
    )  # fmt: skip
    now = linking_identifiers(stamped(bare, event_type, ALL_SCOPES))
    for identifier, stamp in zip(linking_identifiers(bare), now, strict=True):
        assert weight_rank(weight_of(identifier, event)) >= weight_rank(stamp.weight)


def without_weights(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_weights(item) for name, item in value.items() if name != "weight"}
    if isinstance(value, list | tuple):
        return [without_weights(item) for item in value]
    return value


@given(st.sampled_from(WEIGHTS), st.sampled_from(WEIGHTS))
def test_a_pair_has_the_lesser_weight_of_its_ends(one: Weight, other: Weight) -> None:
    assert weaker(one, other) == weaker(other, one)
    assert weight_rank(weaker(one, other)) == max(weight_rank(one), weight_rank(other))
