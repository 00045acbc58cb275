"""WhatsApp's deliveries at both doors: the same events, what is never kept, and whose a message is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.contract.provider_cases import Case, cases_of

from cx_channels.provider import Connection, Mapped, Request
from cx_channels.registry import provider
from cx_events.envelope import Draft
from cx_events.errors import Refused

WHATSAPP, META = provider("social/whatsapp"), provider("social/meta")
VECTORS = Path(__file__).parents[2].parent / "shared" / "fixtures" / "signatures" / "meta"
PLACES = {"phone_number_id": "106500000000001", "display_phone_number": "15555550199"}
TEXT = {"id": "wamid.1", "timestamp": "1795000000", "type": "text", "text": {"body": "Hi"}}


def mapped(body: bytes, name: str = "social/whatsapp", **settings: Any) -> Mapped:
    return provider(name).map(Request(body), Connection("try", "acme", name, settings=settings))


def delivery(value: dict[str, Any], field: str = "messages") -> bytes:
    whole = {"metadata": PLACES, **value}
    entry = {"id": "102200000000001", "changes": [{"field": field, "value": whole}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


def identifiers(draft: Draft) -> set[str]:
    people = [each for each in draft.data.participants if each.role == "customer"]
    return {f"{each.kind}:{each.value}" for person in people for each in person.identifiers}


def cases() -> list[Any]:
    return [pytest.param(case, id=case.name) for case in cases_of(WHATSAPP) if case.file_name.endswith(".json")]


@pytest.mark.parametrize("case", cases())
def test_both_doors_make_the_same_events(case: Case) -> None:
    settings = dict(case.connection(WHATSAPP).settings)
    try:
        one = mapped(case.content, **settings)
    except Refused:
        with pytest.raises(Refused):
            mapped(case.content, "social/meta", **settings)
        return
    if case.name == "other-object.json":
        return
    other = mapped(case.content, "social/meta", **settings)
    assert sorted(one.drafts, key=lambda draft: draft.id) == sorted(other.drafts, key=lambda draft: draft.id)
    assert {each.kind for each in one.ignored} == {each.kind for each in other.ignored}


@pytest.mark.parametrize("case", cases())
def test_what_an_event_keeps_becomes_that_event_again(case: Case) -> None:
    settings = dict(case.connection(WHATSAPP).settings)
    try:
        drafts = mapped(case.content, **settings).drafts
    except Refused:
        return
    for draft in drafts:
        assert isinstance(draft.data.raw, msgspec.Raw)
        assert mapped(bytes(draft.data.raw), **settings).drafts == (draft,)


@pytest.mark.parametrize("name", ["call-from-a-person.json", "call-to-a-person.json"])
def test_a_call_keeps_nothing_of_its_transport(name: str) -> None:
    (case,) = [case for case in cases_of(WHATSAPP) if case.name == name]
    (draft,) = mapped(case.content).drafts
    assert b"sdp" in case.content
    assert b"sdp" not in bytes(msgspec.json.encode(draft))


def test_a_contact_of_somebody_else_is_not_the_writer() -> None:
    contact = {"wa_id": "12015550145", "user_id": "US.2", "profile": {"name": "Somebody else"}}
    (draft,) = mapped(delivery({"contacts": [contact], "messages": [{**TEXT, "from": "12015550123"}]})).drafts
    assert identifiers(draft) == {"phone:+12015550123"}
    assert draft.data.participants[0].name == ""


def test_two_user_ids_of_one_number_stay_apart() -> None:
    contact = {"wa_id": "12015550123", "user_id": "US.2"}
    message = {**TEXT, "from": "12015550123", "from_user_id": "US.1"}
    (draft,) = mapped(delivery({"contacts": [contact], "messages": [message]})).drafts
    assert identifiers(draft) == {"phone:+12015550123", "whatsapp-bsuid:US.1"}


def test_an_id_means_another_message_at_another_number() -> None:
    here = delivery({"messages": [{**TEXT, "from": "12015550123"}]})
    there = here.replace(b"106500000000001", b"106500000000002")
    assert mapped(here).drafts[0].id != mapped(there).drafts[0].id


def test_many_contacts_and_messages_cost_linear_time() -> None:
    people = [{"wa_id": f"1201555{number:04d}"} for number in range(1000)]
    messages = [{**TEXT, "id": f"wamid.{n}", "from": each["wa_id"]} for n, each in enumerate(people)]
    found = mapped(delivery({"contacts": people, "messages": messages}))
    assert len(found.drafts) == 1000
    assert max(len(bytes(draft.data.raw)) for draft in found.drafts if isinstance(draft.data.raw, msgspec.Raw)) < 600


def test_the_signature_of_the_recorded_delivery_holds() -> None:
    if not VECTORS.is_dir():
        pytest.skip("there are no recordings")
    (path,) = VECTORS.glob("*.json")
    vector = json.loads(path.read_text(encoding="utf-8"))
    connection = Connection("try", "acme", "social/whatsapp", secrets=(vector["app_secret"],))
    body, headers = vector["body"].encode(), {vector["header"].lower(): vector["expected"]}
    assert WHATSAPP.verify is not None
    WHATSAPP.verify(Request(body, headers=headers), connection)
    with pytest.raises(Refused):
        WHATSAPP.verify(Request(body + b" ", headers=headers), connection)


ESCAPED = (
    rb'{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages",'
    rb'"value":{"text":"caf\u00e9 \ud83d\ude00"}}]}]}'
)


def test_the_signature_covers_the_escapes_as_they_were_sent() -> None:
    headers = {"x-hub-signature-256": "sha256=18c3f9a59d9da58a64ad80f2251495db780a1b4e921b73364dc0f68a072dfa19"}
    connection = Connection("try", "acme", "social/whatsapp", secrets=("another", "example-app-secret"))
    assert WHATSAPP.verify is not None
    WHATSAPP.verify(Request(ESCAPED, headers=headers), connection)
    with pytest.raises(Refused):
        WHATSAPP.verify(Request(json.dumps(json.loads(ESCAPED)).encode(), headers=headers), connection)


@pytest.mark.parametrize(
    ("origin", "cards", "known"),
    [
        ("contact_request", [{"phones": [{"phone": "+1 201-555-0177"}]}], {"phone:+12015550177"}),
        ("contact_request", [{"phones": [{"phone": "201-555-0177 ext. 4"}]}], set()),
        ("contact_request", [{"phones": [{"phone": "(434) 555-0177"}]}], {"phone:(434) 555-0177"}),  # none of +43
        ("contact_request", [{"phones": []}], set()),
        ("contact_request", [{"phones": [{"wa_id": "12015550177"}]}, {"phones": [{"wa_id": "12015550188"}]}], set()),
        ("other", [{"phones": [{"wa_id": "12015550177"}]}], set()),
    ],
)
def test_only_a_card_on_request_is_the_own(origin: str, cards: list[Any], known: set[str]) -> None:
    card = {"id": "wamid.2", "timestamp": "1795000000", "type": "contacts", "origin": origin, "contacts": cards}
    (draft,) = mapped(delivery({"messages": [{**card, "from_user_id": "US.1849"}]})).drafts
    assert identifiers(draft) == {"whatsapp-bsuid:US.1849", *known}


@pytest.mark.parametrize(
    ("amount", "note"),
    [
        ({"value": 21005, "offset": 100}, "pending 210.05 INR"),
        ({"value": 7, "offset": 1000}, "pending 0.007 INR"),
        ({"value": 900, "offset": 1}, "pending 900 INR"),
        ({"value": 900, "offset": 60}, "pending INR"),
        ({"value": -1, "offset": 100}, "pending INR"),
        ({"value": "9", "offset": [100]}, "pending INR"),
        ({"value": 10**15 + 1, "offset": 100}, "pending INR"),
    ],
)
def test_a_payment_says_how_much(amount: dict[str, Any], note: str) -> None:
    paid = {
        "id": "wamid.3",
        "type": "payment",
        "status": "pending",
        "timestamp": "1795000000",
        "recipient_id": "12015550123",
    }
    (draft,) = mapped(delivery({"statuses": [{**paid, "payment": {"amount": amount, "currency": "INR"}}]})).drafts
    assert (draft.type, draft.data.note) == ("cx.customer.fact.v1", note)
