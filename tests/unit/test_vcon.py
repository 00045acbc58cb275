"""vCons: forms and faults, who is who, and what comes back of any that came in."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from hashlib import sha512
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples
from tests.vcons import FOLDER, VALUES, Json, faults, lost, recorded, there_or_skip, vcons

from cx_events.codec import decode
from cx_events.envelope import Draft
from cx_events.errors import Refused
from cx_events.facts import Fact, vcon_source
from cx_events.stamp import StampedEvent, stamp
from cx_events.testing.builders import ACME
from cx_events.testing.histories import histories
from cx_events.timestamps import parse_time
from cx_vcon.exporting import export_vcon
from cx_vcon.hashes import hash_faults as hash_faults
from cx_vcon.importing import event_drafts
from cx_vcon.reading import read_vcon
from cx_vcon.syntax import modernise

NOW = parse_time("2026-11-22T10:00:00Z")
CONVERSATION = "2bd761cc-3f57-852e-8231-6d272974dfa4"
ANA: Json = {"tel": "+15550100123", "name": "Ana", "role": "customer"}
BEN: Json = {"mailto": "ben@acme.example", "name": "Ben", "role": "agent"}


def facts_of(found: Iterable[Draft], recorded: int = NOW) -> list[Fact]:
    stamped = [stamp(draft, source=vcon_source("acme"), recorded=recorded, ids=ACME) for draft in found]
    facts = [Fact(decode(each.raw), each.raw, ACME) for each in stamped]
    return sorted({fact.key: fact for fact in facts}.values(), key=lambda fact: fact.order)


def back(value: Any) -> Json:
    """In and out again."""
    return export_vcon(CONVERSATION, facts_of(event_drafts(read_vcon(value))), {})


def a_vcon(**members: Any) -> Json:
    return {
        "vcon": "0.4.0",
        "uuid": "018b4f72-d0e7-8d8e-b9a2-279e0d16bc46",
        "created_at": "2020-03-06T09:15:00Z",
        "parties": [ANA, BEN],
        "dialog": [
            {"type": "text", "start": "2020-03-06T09:15:00Z", "parties": [0, 1], "body": "Hi", "encoding": "none"}
        ],
        **members,
    }


@pytest.mark.parametrize(
    "party",
    [
        {"sip": "sip:+15550100112;ext=5@pbx.example;user=phone"},
        {"tel": "tel:+1-555-010-0112;ext=5"},
        {"tel": "+1 555 010 0112 ext. 5"},
    ],
)
def test_a_party_at_an_extension_is_known_with_it(party: Json) -> None:
    found = facts_of(event_drafts(read_vcon(a_vcon(parties=[{**party, "role": "customer"}, BEN]))))
    customers = [
        each
        for fact in found
        for one in fact.event.data.participants
        if one.role == "customer"
        for each in one.identifiers
    ]
    assert {(each.kind, each.value) for each in customers} == {("phone", "+15550100112;ext=5")}


def signed(vcon: Json) -> Json:
    payload = urlsafe_b64encode(json.dumps(vcon).encode()).rstrip(b"=").decode()
    return {"payload": payload, "signatures": [{"header": {"alg": "RS256"}, "protected": "e30", "signature": "x"}]}


@examples(100)
@given(vcons())
def test_any_vcon_comes_back_as_it_came(vcon: Json) -> None:
    assert lost(vcon, back(vcon)) == []


@settings(max_examples=100, deadline=None)
@given(vcons())
def test_importing_twice_is_the_same_events(vcon: Json) -> None:
    twice = [
        stamp(d, source="//x", recorded=NOW, ids=ACME).raw for _ in range(2) for d in event_drafts(read_vcon(vcon))
    ]
    assert twice[: len(twice) // 2] == twice[len(twice) // 2 :]
    ids = [draft.id for draft in event_drafts(read_vcon(vcon))]
    assert len(set(ids)) == len(ids)


@settings(max_examples=100, deadline=None)
@given(vcons())
def test_a_modernised_vcon_is_read_like_the_original(vcon: Json) -> None:
    found = modernise(vcon)
    assert modernise(found) == found
    assert [d.type for d in event_drafts(read_vcon(found))] == [d.type for d in event_drafts(read_vcon(vcon))]


MEMBERS = st.sampled_from(
    ["parties", "dialog", "analysis", "attachments", "type", "start", "body", "encoding", "mediatype", "tel", "mailto",
     "role", "name", "originator", "party_history", "event", "time", "text", "segments", "uuid", "created_at",
     "subject", "duration", "url", "transfer_target", "payload", "signatures"]
)  # fmt: skip
ANYTHING = st.recursive(
    VALUES | st.sampled_from(["text", "recording", "transcript", "sentiment", "base64url", "json", "multipart/mixed"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner, max_size=4),
    max_leaves=12,
)


@examples(100)
@given(st.dictionaries(MEMBERS, ANYTHING, max_size=6))
def test_any_input_is_imported_whole_or_refused(value: Json) -> None:
    try:
        taken = read_vcon(value, unverified=True)
    except Refused as refused:
        assert 400 <= refused.status < 500
        return
    found = export_vcon(CONVERSATION, facts_of(event_drafts(taken)), {})
    assert lost(taken.vcon, found) == [] or taken.vcon.get("uuid") in ("", None)


def test_a_large_audience_does_not_make_large_events() -> None:
    everybody = [{"name": "x" * 5000, "mailto": f"{number}@example.com"} for number in range(1200)]
    vcon = a_vcon(
        parties=everybody,
        dialog=[{"type": "text", "parties": list(range(1200)), "body": "y" * 100_000, "encoding": "none"}] * 3,
        analysis=[{"type": "transcript", "vendor": "v", "body": " " * 1_000_000 + ":" * 1_000_000, "encoding": "none"}]
        * 3,
    )
    event = {"party": 0, "time": "2020-03-06T09:15:00Z", "event": "hold"}
    vcon["dialog"].append({"type": "recording", "party_history": [event] * 5000})
    assert len(event_drafts(read_vcon(vcon))) < 1200
    for fact in facts_of(event_drafts(read_vcon(vcon))):
        told = decode(fact.raw)
        told.data.raw = msgspec.UNSET
        assert len(msgspec.json.encode(told)) < 500_000


def test_a_vcons_shared_party_is_its_stream() -> None:
    other = {"mailto": "cleo@example.com", "name": "Cleo", "role": "customer"}
    conference = a_vcon(
        parties=[BEN, ANA, other],
        dialog=[
            {"type": "text", "start": "2020-03-06T09:15:00Z", "parties": [2, 0], "body": "Hi", "encoding": "none"},
            {"type": "recording", "start": "2020-03-06T09:20:00Z", "parties": [0, 2], "url": "https://example.com/1"},
        ],
    )
    stream_ids = {fact.stream_id for fact in facts_of(event_drafts(read_vcon(conference)))}
    assert stream_ids == {ACME.profile("phone", "", "+15550100123")}


@pytest.mark.parametrize("path", recorded(), ids=lambda path: path.name)
def test_a_recorded_vcon_is_exported_whole_and_valid(path: Any) -> None:
    vcon = json.loads(path.read_bytes())
    found = back(vcon)
    assert lost(vcon, found) == []
    wrong = [fault for fault in faults(modernise(found)) if "uuid" not in fault]
    assert not wrong


def test_there_are_recorded_vcons() -> None:
    there_or_skip()


def test_the_first_syntaxs_schema_accepts_our_export_of_it() -> None:
    there_or_skip()
    schema = json.loads((FOLDER / "schemas__vcon-0.0.1.schema.json").read_bytes())
    vcon = a_vcon(
        vcon="0.0.1", redacted={}, appended=None, group=[], analysis=[{"type": "summary", "vendor": "x", "body": "y"}],
        attachments=[{"type": "tags", "body": '["a"]', "encoding": "json"}],
    )  # fmt: skip
    vcon["dialog"][0]["mimetype"] = "text/plain"
    assert jsonschema_rs.Draft7Validator(schema).is_valid(back(vcon))
    assert not jsonschema_rs.Draft7Validator(schema).is_valid(modernise(vcon))


# --- forms and faults -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([], "not-a-vcon"),
        ("vcon", "not-a-vcon"),
        ({"id": "x", "version": 1}, "not-a-vcon"),
        ({"ciphertext": "x", "recipients": []}, "encrypted-vcon"),
        ({"protected": "x", "ciphertext": "x", "tag": "x"}, "encrypted-vcon"),
        (signed({"parties": []}), "signed-vcon"),
        (a_vcon(uuid=7), "bad-vcon"),
        (a_vcon(uuid="x" * 300), "bad-vcon"),
        (a_vcon(parties={}), "bad-vcon"),
        (a_vcon(dialog=["x"]), "bad-vcon"),
        (a_vcon(created_at="yesterday"), "bad-time"),
        (a_vcon(dialog=[{"start": "2026-13-01T00:00:00Z"}]), "bad-time"),
        (a_vcon(dialog=[{"type": 1}]), "bad-vcon"),
        (a_vcon(dialog=[{"parties": [0, 2]}]), "bad-index"),
        (a_vcon(dialog=[{"parties": -1}]), "bad-index"),
        (a_vcon(dialog=[{"parties": [[0], [True]]}]), "bad-index"),
        (a_vcon(dialog=[{"originator": "0"}]), "bad-index"),
        (a_vcon(dialog=[{"party_history": [{"party": 9}]}]), "bad-index"),
        (a_vcon(critical=["encrypted-thoughts"]), "unsupported-extension"),
        (a_vcon(vcon="0.3.0", must_support=["encrypted-thoughts"]), "unsupported-extension"),
        (a_vcon(dialog=[{}] * 5001), "too-many-objects"),
    ],
)
def test_a_broken_vcon_is_refused_with_its_reason(value: Any, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        read_vcon(value)
    assert refused.value.reason == reason
    assert 400 <= refused.value.status < 500


def test_a_signed_vcon_is_read_unverified_on_demand() -> None:
    vcon = a_vcon()
    again = signed(signed(vcon))
    taken = read_vcon(again, unverified=True)
    assert taken.vcon == vcon
    assert taken.signed == again
    container = json.loads(bytes(event_drafts(taken)[0].data.raw))  # type: ignore[arg-type]
    assert container["signed"] == again


def test_a_vcon_with_an_id_alone_is_valid() -> None:
    vcon = {"uuid": "018b4f72-d0e7-8d8e-b9a2-279e0d16bc46", "created_at": "2020-03-06T09:15:00Z"}
    assert back(vcon) == vcon


def test_a_payload_that_is_no_vcon_is_refused() -> None:
    for payload in ("%%%", 7, urlsafe_b64encode(b"[").decode(), urlsafe_b64encode(b"\x1f\x8bx").decode()):
        with pytest.raises(Refused):
            read_vcon({"payload": payload, "signatures": []}, unverified=True)


# --- what it says -----------------------------------------------------------------------------------------------------


def kinds(value: Any) -> list[str]:
    return [draft.type.removeprefix("cx.").removesuffix(".v1") for draft in event_drafts(read_vcon(value))]


def roles(parties: list[Json], first: int = 0) -> list[str]:
    dialog = {"type": "recording", "parties": [first, *(n for n in range(len(parties)) if n != first)]}
    started = next(
        d for d in event_drafts(read_vcon(a_vcon(parties=parties, dialog=[dialog]))) if d.type.endswith("started.v1")
    )
    by_name = {participant.name: participant.role for participant in started.data.participants}
    return [by_name[party["name"]] for party in parties]


def test_stated_roles_precede_names_domains_and_order() -> None:
    assert roles([{**BEN, "role": None, "meta": {"role": "Agent"}}, {"name": "Ana"}]) == ["agent", "customer"]
    assert roles([{"name": "Agent Ben", "mailto": "b@acme.example"}, {"name": "Eva", "mailto": "e@acme.example"}]) == [
        "agent", "agent",
    ]  # fmt: skip
    assert roles([{"name": "Ana", "tel": "+15550100123"}, {"name": "Ben", "tel": "+15550100124"}]) == [
        "customer",
        "agent",
    ]
    assert roles([{"name": "Ana"}, {"name": "Ben"}], first=1) == ["agent", "customer"]
    assert roles([{"name": "Ana"}, {"name": "Ben"}, {"name": "Cleo"}]) == ["system"] * 3
    assert roles([{"name": "Ana"}, {"name": "Helper", "type": "bot"}]) == ["customer", "bot"]


def test_an_empty_vcon_starts_no_contact() -> None:
    assert kinds(a_vcon(dialog=[])) == ["conversation.imported"]
    assert kinds(a_vcon(dialog=None, subject="A call")) == ["conversation.imported", "conversation.topic"]
    (container,) = event_drafts(read_vcon(a_vcon(dialog=[])))
    assert container.data.channel is None
    assert [party.name for party in container.data.participants] == ["Ana", "Ben"]


def test_each_contact_names_those_who_took_part_in_it() -> None:
    parties = [ANA, BEN, {"name": "Cleo", "role": "agent"}, {"name": "Dora", "role": "agent"}]
    vcon = a_vcon(
        parties=parties,
        dialog=[
            {"type": "recording", "start": "2020-03-06T09:15:00Z", "parties": [0, 1], "interaction_id": "one"},
            {"type": "recording", "start": "2020-03-06T10:15:00Z", "parties": [2, 0], "interaction_id": "two"},
            {"type": "text", "start": "2020-03-06T11:15:00Z", "parties": [], "interaction_id": "three"},
        ],
    )
    started = [each.data for each in event_drafts(read_vcon(vcon)) if each.type == "cx.interaction.started.v1"]
    assert [[party.name for party in data.participants] for data in started] == [
        ["Ana", "Ben"],
        ["Ana", "Cleo"],
        ["Ana", "Ben", "Cleo", "Dora"],
    ]
    moved = {"type": "transfer", "transferor": 1, "transferee": 0, "transfer_target": 3}
    told = event_drafts(read_vcon(a_vcon(parties=parties, dialog=[*a_vcon()["dialog"], moved])))
    ended = next(each.data for each in told if each.type == "cx.interaction.ended.v1")
    assert {party.name for party in ended.participants} == {"Ana", "Ben", "Dora"}


@pytest.mark.parametrize(
    ("body", "topic"),
    [
        ('["Technical Support", "Remote Work"]', "Technical Support, Remote Work"),
        ('{"topics": [{"name": "Billing", "score": 1}, {"name": "VPN"}, {"name": "Billing"}]}', "Billing, VPN"),
        ('{"label": "Billing"}', "Billing"),
    ],
)
def test_all_topics_of_an_analysis_are_told(body: str, topic: str) -> None:
    analysis = [{"type": "topics", "vendor": "v", "encoding": "json", "body": body}]
    insight = event_drafts(read_vcon(a_vcon(analysis=analysis)))[-1].data.insight
    assert insight is not None
    assert (insight.topic, insight.body) == (topic, "")


@pytest.mark.parametrize(
    ("type", "body", "kept"),
    [
        ("source-metadata", '{"callType": "groupCall"}', '{"callType":"groupCall"}'),
        ("report", "Everything went well.", "Everything went well."),
        ("sentiment", '{"label": "furious"}', '{"label":"furious"}'),
        ("", "7", "7"),
    ],
)
def test_an_analysis_of_unknown_type_is_kept(type: str, body: str, kept: str) -> None:
    encoding = "json" if body.startswith("{") else "none"
    analysis = [{"type": type, "vendor": "v", "encoding": encoding, "body": body}]
    insight = event_drafts(read_vcon(a_vcon(analysis=analysis)))[-1].data.insight
    assert insight is not None
    assert (insight.kind, insight.body) == (type, kept)
    assert not (insight.summary or insight.topic)


GOOD = sha512(b"a file").digest()


@pytest.mark.parametrize(
    "written", [urlsafe_b64encode(GOOD).decode(), urlsafe_b64encode(GOOD).decode().rstrip("="), GOOD.hex()]
)
def test_an_older_hash_is_told_in_the_newer_form(written: str) -> None:
    old = a_vcon(dialog=[{"type": "recording", "url": "https://x.example/1", "alg": "SHA-512", "signature": written}])
    (file,) = modernise(old)["dialog"]
    assert file["content_hash"] == "sha512-" + urlsafe_b64encode(GOOD).rstrip(b"=").decode()
    assert "signature" not in file
    assert hash_faults(old) == []


@pytest.mark.parametrize(
    "written", ["no hash", "GLy6IPaIUM1GqzZqfIPZlWjaDsNg", GOOD.hex()[:-1], "é" * 86, "A" * 85 + "B", 7, None]
)
def test_an_invalid_hash_is_left_as_it_is(written: Any) -> None:
    file = {"type": "recording", "url": "https://x.example/1", "alg": "SHA-512", "signature": written}
    (found,) = modernise(a_vcon(dialog=[file]))["dialog"]
    assert "content_hash" not in found
    assert (found["alg"], found["signature"]) == ("SHA-512", written)


def test_malformed_hashes_are_told_by_their_place() -> None:
    vcon = a_vcon(
        dialog=[
            {"type": "recording", "content_hash": ["sha512-" + urlsafe_b64encode(GOOD).decode(), "sha512-short"]},
            {"type": "recording", "alg": "SHA-512", "signature": "short"},
            {"type": "recording", "content_hash": "whirlpool-x"},
        ],
        attachments=[{"content_hash": "abc"}, {"content_hash": ""}, {"content_hash": {"a": 1}}],
    )
    assert [each.partition(": ")[0] for each in hash_faults(vcon)] == [
        "/dialog/0/content_hash",
        "/dialog/1/signature",
        "/attachments/0/content_hash",
        "/attachments/2/content_hash",
    ]
    assert len(hash_faults(a_vcon(attachments=[{"content_hash": "abc"}] * 1000))) == 20


def test_each_dialog_type_is_an_event_of_ours() -> None:
    start = "2020-03-06T09:15:00Z"
    vcon = a_vcon(
        dialog=[
            {"type": "recording", "start": start, "duration": 12.5, "parties": [0, 1], "url": "https://example.com/1"},
            {
                "type": "text",
                "start": start,
                "parties": [1, 0],
                "body": "Hi",
                "encoding": "none",
                "application": "voice",
            },
            {"type": "transfer", "start": start, "transferee": 0, "transferor": 1, "transfer_target": 1, "original": 0},
            {"type": "incomplete", "start": start, "parties": [0, 1], "disposition": "busy"},
            {},
        ]
    )
    assert kinds(vcon) == [
        "conversation.imported", "interaction.started", "call.recording", "message.sent", "interaction.transferred",
        "interaction.abandoned", "conversation.imported", "interaction.ended",
    ]  # fmt: skip


def test_dialogs_on_several_channels_are_contacts_of_one_thread() -> None:
    mail = {"mailto": "ana@example.com", "name": "Ana", "role": "customer"}
    vcon = a_vcon(
        parties=[mail, BEN],
        dialog=[
            {"type": "recording", "start": "2020-03-06T09:15:00Z", "parties": [0, 1]},
            {"type": "text", "start": "2020-03-06T10:15:00Z", "parties": [0, 1], "body": "Hi", "encoding": "none",
             "message_id": "<1@example.com>", "mediatype": "text/plain"},
        ],
    )  # fmt: skip
    found = [
        (d.data.interaction.count("/"), d.data.channel) for d in event_drafts(read_vcon(vcon)) if "started" in d.type
    ]
    assert found == [(1, "voice"), (2, "email")]
    references = {each.value for draft in event_drafts(read_vcon(vcon)) for each in draft.data.references}
    assert references == {"vcon:018b4f72-d0e7-8d8e-b9a2-279e0d16bc46"}


def test_a_mail_says_its_plain_text() -> None:
    body = (
        "--b\r\nContent-Type: text/html\r\n\r\n<p>no</p>\r\n--b\r\nContent-Type: text/plain; charset=UTF-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\nI was charged twice =E2=82=AC\r\n--b--\r\n"
    )
    vcon = a_vcon(
        dialog=[
            {
                "type": "text",
                "start": "2020-03-06T09:15:00Z",
                "parties": [0, 1],
                "mediatype": 'multipart/mixed; boundary="b"',
                "body": body,
                "encoding": "none",
            },
        ]
    )
    (message,) = [draft.data.message for draft in event_drafts(read_vcon(vcon)) if draft.data.message is not None]
    assert message.text == "I was charged twice €"


@pytest.mark.parametrize(
    "body",
    [
        "Ben: Hello.\n\nAna: I was charged twice.",
        [{"party": 1, "text": "Hello."}, {"speaker": "Ana", "text": "I was charged twice."}],
        {
            "segments": [
                {"role": "agent", "text": "Hello."},
                {"speaker": "customer", "transcript": "I was charged twice."},
            ]
        },
        '[{"parties": 1, "text": "Hello."}, {"parties": 0, "text": "I was charged twice."}]',
    ],
)
def test_a_transcript_says_who_said_what(body: Any) -> None:
    encoding = "none" if isinstance(body, str) and body.startswith("Ben") else "json"
    vcon = a_vcon(analysis=[{"type": "transcript", "dialog": 0, "vendor": "x", "body": body, "encoding": encoding}])
    (lines,) = [draft.data.transcript for draft in event_drafts(read_vcon(vcon)) if draft.data.transcript]
    assert [line.role for line in lines] == ["agent", "customer"]
    assert lines[1].text == "I was charged twice."


def test_the_latest_form_of_a_vcon_is_exported() -> None:
    first = a_vcon(updated_at="2020-03-06T09:16:00Z")
    more = a_vcon(updated_at="2020-03-06T10:16:00Z", analysis=[{"type": "summary", "vendor": "x", "body": "refund"}])
    events = event_drafts(read_vcon(first)) + event_drafts(read_vcon(more))
    assert lost(more, export_vcon(CONVERSATION, facts_of(events), {})) == []
    assert lost(more, export_vcon(CONVERSATION, facts_of(reversed(events)), {})) == []


def test_two_vcons_of_one_conversation_are_merged_correctly() -> None:
    other = a_vcon(
        uuid="028b4f72-d0e7-8d8e-b9a2-279e0d16bc46",
        vcon="0.0.1",
        appended={"uuid": "x"},
        analysis=[{"type": "summary", "dialog": [0], "vendor": "x", "body": "refund", "encoding": "none"}],
        attachments=[{"start": "2020-03-06T09:15:00Z", "party": 1, "dialog": 0, "body": "x", "encoding": "none"}],
    )
    other["dialog"][0]["mimetype"] = "text/plain"
    found = export_vcon(
        CONVERSATION, facts_of([*event_drafts(read_vcon(a_vcon())), *event_drafts(read_vcon(other))]), {}
    )
    assert faults(found) == []
    assert found["uuid"] == CONVERSATION
    assert [each["parties"] for each in found["dialog"]] == [[0, 1], [2, 3]]
    assert found["dialog"][1]["mediatype"] == "text/plain"
    assert found["analysis"][0]["dialog"] == [1]
    assert (found["attachments"][0]["party"], found["attachments"][0]["dialog"]) == (3, 1)
    assert [each["uuid"] for each in found["throughline"]["vcons"]] == [a_vcon()["uuid"], other["uuid"]]


def test_an_amending_vcon_is_exported_in_place_of_another() -> None:
    earlier = a_vcon()
    later = a_vcon(uuid="later", amended={"uuid": earlier["uuid"]}, analysis=[{"type": "summary", "vendor": "x"}])
    events = [*event_drafts(read_vcon(earlier)), *event_drafts(read_vcon(later))]
    threads = [{each.value for each in draft.data.references} for draft in events]
    assert all(f"vcon:{earlier['uuid']}" in each for each in threads)
    assert export_vcon(CONVERSATION, facts_of(events), {}) == later


@settings(max_examples=150, deadline=None)
@given(histories())
def test_whatever_happened_in_the_hub_is_a_valid_vcon(history: list[StampedEvent]) -> None:
    found = {fact.key: fact for fact in (Fact(decode(each.raw), each.raw, ACME) for each in history)}
    facts = sorted(found.values(), key=lambda fact: fact.order)
    vcon = export_vcon(CONVERSATION, facts, {})
    if facts:
        assert faults(vcon) == []
        assert lost(vcon, back(vcon)) == []
        assert all(0 <= place < len(vcon["parties"]) for each in vcon["dialog"] for place in each.get("parties", ()))


@pytest.mark.parametrize("body", ["SGk!", "S", "SGk=SGk", "Hé", "SGk\0", "=SGk", "SGk.", "{SGk}"])
def test_a_body_unlike_its_encoding_is_refused(body: str) -> None:
    file = {"type": "text", "start": "2020-03-06T09:15:00Z", "parties": [0, 1], "encoding": "base64url"}
    for name, files in (
        ("dialog", [{**file, "body": "SGk"}, {**file, "body": body}]),
        ("attachments", [{}, {**file, "body": body}]),
    ):
        with pytest.raises(Refused) as caught:
            read_vcon(a_vcon(**{name: files}))
        assert (caught.value.reason, caught.value.status) == ("bad-vcon", 422)
        assert f"/{name}/1/body" in caught.value.detail
    with pytest.raises(Refused) as caught:
        read_vcon({"payload": body, "signatures": []}, unverified=True)
    assert caught.value.reason == "bad-payload"


@pytest.mark.parametrize("body", ["SGk_Pw", "SGk/Pw==", "SGk_Pw==", "SGk_\r\n Pw"])
def test_base64_is_read_in_each_of_its_writings(body: str) -> None:
    dialog = {"type": "text", "start": "2020-03-06T09:15:00Z", "parties": [0, 1], "encoding": "base64url", "body": body}
    (draft,) = [each for each in event_drafts(read_vcon(a_vcon(dialog=[dialog]))) if each.data.message is not None]
    assert draft.data.message is not None
    assert draft.data.message.text == "Hi??"
