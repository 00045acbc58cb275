"""An event's place in the whole: order, stream, interaction; and the ids that it is made of."""

from __future__ import annotations

import hmac
from itertools import pairwise
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cx_events.codec import decode
from cx_events.envelope import Data, Draft, Event, Identifier
from cx_events.errors import Refused
from cx_events.facts import (
    MAX_IDENTIFIERS,
    Fact,
    connection_source,
    customer_identifiers,
    decision_source,
    parse_sequence,
    stream_id_of,
)
from cx_events.ids import IdSpace, event_key, parse_node_id, text_of, uuid8
from cx_events.stamp import StampedEvent, stamp
from cx_events.testing.builders import ACME, HOUR, MINUTE, SECOND, START, a_decision, a_fact, an_event, fact_of

ANA = {"role": "customer", "name": "Ana", "identifiers": [{"kind": "email", "value": "ana@example.com"}]}
EVA = {"role": "customer", "name": "Eva", "identifiers": [{"kind": "crm", "value": "C-2"}]}
BEN = {"role": "agent", "name": "Ben", "identifiers": [{"kind": "email", "value": "ben@acme.example"}]}
OFFICE = {"role": "business", "identifiers": [{"kind": "phone", "value": "+15550100199"}]}

ANA_BY_EMAIL = ACME.profile("email", "", "ana@example.com")


def event_with(stamped: StampedEvent, **attributes: str) -> Event:
    return msgspec.structs.replace(decode(stamped.raw), **attributes)


def mapped(subject: str, source: str) -> Event:
    draft = Draft(type="cx.message.received.v1", id="m-1", data=Data(interaction="chat-42"), subject=subject)
    return decode(stamp(draft, source=source, recorded=START, ids=ACME).raw)


# Order


def test_effective_time_never_exceeds_the_recorded_time() -> None:
    fast = a_fact(id="e-1", at=START + MINUTE, recorded=START)
    slow = a_fact(id="e-1", at=START, recorded=START + MINUTE)
    assert (fast.effective, fast.recorded) == (START, START)
    assert (slow.effective, slow.recorded) == (START, START + MINUTE)


def test_each_field_of_the_order_breaks_earlier_ties() -> None:
    later = START + MINUTE
    in_order = [
        a_fact(id="9", at=START - SECOND, recorded=later, interaction="z", sequence=9, source="z"),
        a_fact(id="9", at=START, recorded=later, interaction="a", sequence=9, source="z"),
        a_fact(id="9", at=START, recorded=later, interaction="b", sequence=2, source="z"),
        a_fact(id="9", at=START, recorded=later, interaction="b", sequence=10, source="z"),
        a_fact(id="9", at=START, recorded=later + 1, interaction="b", sequence=10, source="y"),
        a_fact(id="8", at=START, recorded=later + 1, interaction="b", sequence=10, source="z"),
        a_fact(id="9", at=START, recorded=later + 1, interaction="b", sequence=10, source="z"),
    ]
    assert all(one.order < other.order for one, other in pairwise(in_order))


def test_the_copy_recorded_first_counts_then_the_lesser_bytes() -> None:
    first = a_fact(id="e-1", recorded=START, text="b")
    second = a_fact(id="e-1", recorded=START + 1, text="a")
    tied = a_fact(id="e-1", recorded=START, text="c")
    assert first.key == second.key == tied.key
    assert min([second, tied, first], key=lambda fact: fact.copy_order) is first


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("007", 7), ("9" * 18, 10**18 - 1)])
def test_a_sequence_is_a_number(text: str, number: int) -> None:
    assert parse_sequence(text) == number


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.0", " 1", "1_0", "a", "١", "²", "9" * 19])
def test_an_invalid_sequence_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="bad-sequence"):
        parse_sequence(text)


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"time": "yesterday"}, "bad-time"),
        ({"recordedtime": ""}, "bad-time"),
        ({"sequence": "first"}, "bad-sequence"),
        ({"partitionkey": "chat-42"}, "bad-home"),
        ({"partitionkey": ""}, "bad-home"),
        ({"partitionkey": "00" * 15}, "bad-home"),
    ],
    ids=str,
)
def test_an_event_that_intake_would_refuse_makes_no_fact(attributes: dict[str, str], reason: str) -> None:
    stamped = an_event(id="e-1")
    with pytest.raises(Refused) as refused:
        Fact(event_with(stamped, **attributes), stamped.raw, ACME)
    assert refused.value.reason == reason


# Home


def test_a_fact_knows_its_stream_interaction_and_part() -> None:
    fact = a_fact(id="m-1", email="ana@example.com", interaction="chat-42")
    assert fact.stream_id == ANA_BY_EMAIL
    assert fact.interaction_node == ACME.interaction("chat-42")
    assert fact.side_id == ACME.part_id(fact.stream_id, fact.interaction_node)
    hour = (fact.effective // HOUR).to_bytes(8, "big", signed=True)
    assert fact.part_id == ACME.part_id(fact.stream_id, fact.interaction_node, hour)
    assert fact.key == event_key("acme", "//acme.example/chat", "m-1")


def test_the_topic_key_is_the_stream_in_hex() -> None:
    stamped = an_event(id="m-1", email="ana@example.com")
    assert stamped.key == ANA_BY_EMAIL.hex().encode()
    assert decode(stamped.raw).partitionkey == ANA_BY_EMAIL.hex()


@pytest.mark.parametrize(
    ("weaker", "stronger"),
    [
        (("cookie", "c-7"), ("facebook-psid", "7001")),
        (("whatsapp", "15550100123"), ("phone", "+15550100123")),
        (("phone", "+15550100123"), ("email", "ana@example.com")),
        (("email", "ana@example.com"), ("account", "a-1")),
        (("account", "a-1"), ("crm", "C-1")),
        (("email", "b@example.com"), ("email", "a@example.com")),
        (("telegram", "1"), ("line", "2")),
    ],
)
def test_an_event_lies_in_its_strongest_identifiers_stream(weaker: tuple[str, str], stronger: tuple[str, str]) -> None:
    one, other = (Identifier(kind=kind, value=value) for kind, value in (weaker, stronger))
    stream_ids = {
        a_fact(id="e-1", identifiers=pair, interaction="i").stream_id for pair in ([one, other], [other, one])
    }
    assert stream_ids == {ACME.profile(stronger[0], "", stronger[1])}


def test_a_scope_makes_another_profile() -> None:
    one, other = (Identifier(kind="facebook-psid", value="7001", scope=page) for page in ("page-1", "page-2"))
    assert a_fact(id="e-1", identifiers=[one]).stream_id != a_fact(id="e-1", identifiers=[other]).stream_id


def test_a_proved_identifier_outranks_a_claimed_stronger_kind() -> None:
    typed, aligned = Identifier(kind="account", value="a-1"), Identifier(kind="email", value="ana@example.com")
    proved = msgspec.structs.replace(aligned, weight="proved")
    assert a_fact(id="e-1", identifiers=[typed, aligned]).stream_id == ACME.profile("account", "", "a-1")
    assert a_fact(id="e-1", identifiers=[typed, proved]).stream_id == ACME.profile("email", "", "ana@example.com")


def test_a_cookie_is_always_claimed() -> None:
    cookie = Identifier(kind="cookie", value="c-1", verified=True)
    [stamped] = a_fact(id="e-1", identifiers=[cookie]).event.data.participants[0].identifiers
    assert stamped.weight == "claimed"


def test_only_one_of_two_customers_in_an_event_counts() -> None:
    event = decode(an_event(id="m-1", data={"participants": [ANA, EVA]}).raw)
    assert [identifier.value for identifier in customer_identifiers(event)] == ["ana@example.com"]
    assert stream_id_of(event, ACME) == ANA_BY_EMAIL


def test_agents_and_the_business_make_no_profile() -> None:
    event = decode(an_event(id="m-1", interaction="chat-42", data={"participants": [BEN, OFFICE]}).raw)
    assert not customer_identifiers(event)
    assert stream_id_of(event, ACME) == ACME.interaction("chat-42")


def test_the_first_named_customer_among_participants_gives_the_stream() -> None:
    nobody = {"role": "customer", "identifiers": [{"kind": "phone", "value": "anonymous"}]}
    event = decode(an_event(id="m-1", data={"participants": [BEN, nobody, ANA]}).raw)
    assert stream_id_of(event, ACME) == ANA_BY_EMAIL


def test_a_withheld_number_is_no_stream() -> None:
    fact = a_fact(id="c-1", phone="anonymous", interaction="call-1")
    assert fact.stream_id == fact.interaction_node == ACME.interaction("call-1")


def test_identifiers_are_bounded() -> None:
    many = [Identifier(kind="cookie", value=f"c-{n}") for n in range(MAX_IDENTIFIERS + 5)]
    assert len(customer_identifiers(decode(an_event(id="e-1", identifiers=many).raw))) == MAX_IDENTIFIERS


def test_an_event_that_names_nothing_stands_alone() -> None:
    one, other = a_fact(id="e-1"), a_fact(id="e-2")
    assert one.stream_id == ACME.lone_event("//acme.example/chat", "e-1")
    assert one.interaction_node == one.stream_id != other.stream_id


def test_a_decision_lies_in_its_subjects_stream() -> None:
    fact = fact_of(a_decision("cx.conversation.note.v1", id="d-1", about=ANA_BY_EMAIL, data={"interaction": "chat-42"}))
    assert fact.event.source == "//throughline/acme/decisions"
    assert fact.stream_id == ANA_BY_EMAIL
    assert fact.side_id == ACME.part_id(ANA_BY_EMAIL, ACME.interaction("chat-42"))
    assert fact.part_id == ACME.part_id(ANA_BY_EMAIL, ACME.interaction("chat-42"), fact.key)


@pytest.mark.parametrize(
    "source",
    [connection_source("acme", "acme-chat"), "//acme.example/desk", decision_source("other"), "//throughline/"],
)
def test_another_sources_subject_is_not_a_stream(source: str) -> None:
    assert stream_id_of(mapped("0f" * 16, source), ACME) == ACME.interaction("chat-42")


def test_a_decision_with_an_invalid_subject_is_refused() -> None:
    with pytest.raises(Refused, match="bad-home"):
        mapped("z" * 32, decision_source("acme"))


# Stamping


def test_a_draft_without_a_time_happened_when_recorded() -> None:
    event = mapped("", "//acme.example/chat")
    assert event.time == event.recordedtime


@pytest.mark.parametrize("sequence", [-1, 10**18])
def test_a_sequence_beyond_the_stores_range_is_refused(sequence: int) -> None:
    with pytest.raises(Refused, match="bad-sequence"):
        an_event(id="e-1", sequence=sequence)


@pytest.mark.parametrize("data", [Data(interaction="mail-\udce9"), Data(topic="\udce9")], ids=["interaction", "text"])
def test_text_that_is_not_unicode_is_refused(data: Data) -> None:
    with pytest.raises(Refused, match=r"not-unicode.*'m-1'"):
        stamp(Draft(type="acme.mail.v1", id="m-1", data=data), source="s", recorded=START, ids=ACME)


def test_links_are_normalised_as_participants_are() -> None:
    links = [[{"kind": "email", "value": "Ana@Example.com"}, {"kind": "phone", "value": "anonymous"}]]
    event = decode(an_event("cx.identity.asserted.v1", id="e-1", data={"links": links}).raw)
    [(email, phone)] = event.data.links
    assert (email.value, email.given, phone.unusable) == ("ana@example.com", "Ana@Example.com", "withheld")


# Ids


@settings(deadline=None)
@given(st.binary(min_size=16, max_size=32))
def test_an_id_is_a_version_8_uuid(digest: bytes) -> None:
    uuid = UUID(bytes=uuid8(digest))
    assert (uuid.version, uuid.variant) == (8, UUID(int=0x8 << 76 | 0x2 << 62).variant)
    changed = int.from_bytes(digest[:16], "big") ^ uuid.int
    assert changed & ~(0xF << 76 | 0x3 << 62) == 0


@settings(deadline=None)
@given(st.binary(min_size=16, max_size=16))
def test_an_ids_text_is_a_uuid_and_parses_back(node: bytes) -> None:
    assert text_of(node) == str(UUID(bytes=node))
    assert parse_node_id(text_of(node)) == node


@pytest.mark.parametrize("text", ["", "chat-42", "0" * 31, "g" * 32, "x" * 1000])
def test_an_invalid_id_is_not_found(text: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_node_id(text)
    assert (refused.value.reason, refused.value.status) == ("bad-id", 404)
    assert len(refused.value.detail) < 200


def test_profile_ids_never_change() -> None:
    mac = hmac.digest(b"acme example key", b"acme\0profile\0email\0\0ana@example.com", "sha256")
    assert uuid8(mac) == ANA_BY_EMAIL
    assert text_of(ANA_BY_EMAIL) == "1eed28c6-4f7f-8871-abb9-c2d9cb565c72"


def test_tenants_and_keys_never_share_an_id() -> None:
    spaces = [ACME, IdSpace("other", b"acme example key"), IdSpace("acme", b"another long key")]
    assert len({space.profile("email", "", "ana@example.com") for space in spaces}) == len(spaces)


def test_kinds_of_nodes_never_share_an_id() -> None:
    nodes = [
        ACME.profile("", "", "x"),
        ACME.interaction("x"),
        ACME.lone_event("", "x"),
        ACME.lone_event("x", ""),
        ACME.tenant_node(),
        ACME.part_id(ACME.interaction("x"), ACME.interaction("y")),
        ACME.part_id(ACME.interaction("y"), ACME.interaction("x")),
    ]
    assert len(set(nodes)) == len(nodes)


def test_event_keys_tell_tenant_source_and_id_apart() -> None:
    assert (
        len({event_key("a", "b", "c"), event_key("ab", "", "c"), event_key("a", "bc", ""), event_key("b", "a", "c")})
        == 4
    )


def test_a_key_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(Refused, match="weak-id-key"):
        IdSpace("acme", b"short")


@pytest.mark.parametrize("length", [16, 63, 64, 65, 200])
def test_ids_are_an_hmac_under_any_key(length: int) -> None:
    key = bytes(range(length))
    digest = hmac.digest(key, b"acme\0profile\0email\0\0b\xc3\xb6rge@example.com", "sha256")
    assert IdSpace("acme", key).profile("email", "", "börge@example.com") == uuid8(digest)
