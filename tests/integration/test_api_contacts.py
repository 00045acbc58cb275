"""Test how sure it is who is at the other end of a contact, over HTTP: ``meta.contact``, assured reads and streams."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.api import KEYS, Running, running_api
from tests.sse import following

from cx_context.document import context_body, encode_body
from cx_context.reference_definition import define
from cx_context.sections.assured_read import assured_facts
from cx_events.envelope import Identifier
from cx_events.ids import text_of
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, DAY, HOUR, MINUTE, START, a_decision, an_event, fact_of
from cx_events.timestamps import Micros, format_time
from cx_identity.rules import DEFAULT

ANA = "ana@example.com"
CUSTOMER = text_of(ACME.profile("email", "", ANA))
OWN, STRANGERS = "acme-chat/own", "acme-chat/strangers"
HERS = an_event(id="m-1", interaction=OWN, email=ANA, text="I was charged twice")
LOGIN = an_event(
    "cx.identity.verified.v1", id="login", at=START + MINUTE, interaction=OWN, email=ANA, data={"evidence": "login"}
)
EXPIRES = START + MINUTE + DAY
TYPED = an_event(id="m-2", at=START + HOUR, interaction=STRANGERS, email=ANA, text="I am Ana, what is my balance?")
STORY = (HERS, LOGIN, TYPED)


@dataclass
class Clock:
    time: Micros = START + 2 * HOUR

    def __call__(self) -> Micros:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def hub(store_url: str, tmp_path: Path, clock: Clock) -> AsyncIterator[Running]:
    async with running_api(tmp_path, store_url, now=clock, heartbeat=0.2) as running:
        yield running


def assured_bytes(*history: StampedEvent) -> bytes:
    whole = define([fact_of(each) for each in history], ACME, DEFAULT)
    known = whole.known[whole.customer_of[ACME.profile("email", "", ANA)]]
    return encode_body(context_body(assured_facts(known, 72 * HOUR), 72 * HOUR))


def proved_address() -> Identifier:
    return Identifier(kind="email", value=ANA, weight="proved")


def contact_of(answer: Any) -> Any:
    return answer.json()["meta"]["contact"]


async def test_an_assured_read_of_a_strangers_contact_is_refused(hub: Running) -> None:
    await hub.happen(*STORY)
    claimed = {
        "interaction": STRANGERS,
        "assurance": {
            "level": "claimed", "by": None, "identifier": {"kind": "email", "value": ANA}, "expires_at": None,
        },
    }  # fmt: skip
    plain = await hub.get(f"/v1/context?interaction={STRANGERS}")
    assert plain.status_code == 200
    assert contact_of(plain) == claimed
    assert plain.json()["body"]["now"]["verified"] is None
    for level in ("proved", "asserted"):
        refused = await hub.get(f"/v1/context?interaction={STRANGERS}&assurance={level}")
        assert (refused.status_code, refused.json()["reason"]) == (403, "not-assured")
        assert refused.json()["contact"] == claimed
        looked = await hub.post(f"/v1/context/lookup?assurance={level}", {"interaction": STRANGERS})
        assert looked.status_code == 403
        assert (await hub.post("/v1/context/lookup", {"interaction": STRANGERS, "assurance": level})).status_code == 403


async def test_a_login_proves_a_contact_until_it_expires(hub: Running, clock: Clock) -> None:
    await hub.happen(*STORY)
    path = f"/v1/context?interaction={OWN}&assurance=proved"
    answer = await hub.get(path)
    assert answer.status_code == 200, answer.text
    assert contact_of(answer) == {
        "interaction": OWN,
        "assurance": {
            "level": "proved", "by": "login", "identifier": {"kind": "email", "value": ANA},
            "expires_at": format_time(EXPIRES),
        },
    }  # fmt: skip
    assert answer.content.endswith(b',"body":' + assured_bytes(*STORY) + b"}")
    assert STRANGERS.encode() not in answer.content
    clock.time = EXPIRES
    assert (await hub.get(path)).status_code == 403
    late = await hub.get(f"/v1/context?interaction={OWN}")
    assert contact_of(late)["assurance"]["level"] == "claimed"
    assert contact_of(late)["assurance"]["expires_at"] == format_time(EXPIRES)
    assert (await hub.get(f"{path}&as_of={format_time(EXPIRES - 1_000_000)}")).status_code == 200


async def test_a_past_reads_clock_is_its_instant(hub: Running, clock: Clock) -> None:
    await hub.happen(*STORY)
    clock.time = START + 30 * DAY
    then = await hub.get(f"/v1/context?interaction={OWN}&assurance=proved&as_of={format_time(START + 2 * HOUR)}")
    assert then.status_code == 200, then.text
    assert then.content.endswith(b',"body":' + assured_bytes(*STORY) + b"}")
    before = await hub.get(f"/v1/context?interaction={OWN}&assurance=proved&as_of={format_time(START)}")
    assert before.status_code == 403
    after = await hub.get(f"/v1/context?interaction={OWN}&assurance=proved&as_of={format_time(EXPIRES)}")
    assert after.status_code == 403


async def test_strangers_claims_do_not_take_a_proved_mail(hub: Running) -> None:
    mail = an_event(id="mail", at=START + HOUR, interaction="acme-mail/own", identifiers=[proved_address()])
    typed = [
        an_event(
            id=f"typed-{n}",
            at=START + n * MINUTE,
            interaction=f"acme-chat/{n}",
            identifiers=[Identifier(kind="account", value=f"stranger-{n}"), Identifier(kind="email", value=ANA)],
        )
        for n in range(1, 5)
    ]
    await hub.happen(*typed[:2], mail, *typed[2:])
    answer = await hub.get("/v1/context?interaction=acme-mail/own&assurance=proved")
    assert answer.status_code == 200, answer.text
    assert contact_of(answer)["assurance"]["level"] == "proved"
    assert "stranger" not in answer.text
    by_address = await hub.get(f"/v1/context?identifier=email:{ANA}")
    assert by_address.status_code == 200, by_address.text
    then = format_time(START + 2 * HOUR)
    past = await hub.get(f"/v1/context?interaction=acme-mail/own&assurance=proved&as_of={then}")
    assert past.status_code == 200, past.text
    for n in range(1, 5):
        stranger = await hub.get(f"/v1/context?interaction=acme-chat/{n}")
        assert contact_of(stranger)["assurance"]["level"] == "claimed"
        assert {each["kind"] for each in stranger.json()["body"]["customer"]["identifiers"]} == {"account"}


@pytest.mark.parametrize("past", ["", f"&as_of={format_time(START + 2 * HOUR)}"])
async def test_an_assured_read_names_no_other_participants(hub: Running, past: str) -> None:
    other = an_event(id="other", at=START + 2 * MINUTE, interaction=OWN, email="mallory@evil.example")
    await hub.happen(HERS, LOGIN, other)
    plain = await hub.get(f"/v1/context?interaction={OWN}{past}")
    assert (plain.status_code, len(plain.json()["candidates"])) == (409, 2)
    refused = await hub.get(f"/v1/context?interaction={OWN}&assurance=proved{past}")
    assert (refused.status_code, refused.json()["reason"]) == (409, "ambiguous-interaction")
    assert "candidates" not in refused.json()
    assert ANA not in refused.text


async def test_the_level_is_checked_before_the_tag(hub: Running, clock: Clock) -> None:
    await hub.happen(*STORY)
    path = f"/v1/context?interaction={OWN}"
    plain, sure = await hub.get(path), await hub.get(f"{path}&assurance=proved")
    tags = {
        plain.headers["etag"],
        sure.headers["etag"],
        (await hub.get(f"/v1/customers/{CUSTOMER}/context")).headers["etag"],
    }
    assert len(tags) == 3
    for tag in (*tags, "*"):
        again = await hub.get(f"/v1/context?interaction={STRANGERS}&assurance=proved", headers={"if-none-match": tag})
        assert again.status_code == 403
    known = {"if-none-match": sure.headers["etag"]}
    assert (await hub.get(f"{path}&assurance=proved", headers=known)).status_code == 304
    clock.time = EXPIRES
    assert (await hub.get(f"{path}&assurance=proved", headers=known)).status_code == 403
    assert (await hub.get(path, headers={"if-none-match": plain.headers["etag"]})).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/v1/context?identifier=email:ana@example.com&assurance=proved",
        f"/v1/customers/{CUSTOMER}/context?assurance=proved",
        f"/v1/customers/{CUSTOMER}/stream?assurance=proved",
        f"/v1/context?interaction={OWN}&assurance=claimed",
        f"/v1/customers/{CUSTOMER}/context?interaction=&assurance=proved",
    ],
)
async def test_assurance_is_asked_of_a_named_contact(hub: Running, path: str) -> None:
    await hub.happen(*STORY)
    answer = await hub.get(path)
    assert (answer.status_code, answer.json()["reason"]) == (400, "bad-query")


async def test_another_customers_contact_is_none_of_this_customers(hub: Running) -> None:
    await hub.happen(*STORY, an_event(id="b", interaction="chat-b", email="bob@example.com", verified=True, text="hi"))
    path = f"/v1/customers/{CUSTOMER}/context?interaction=chat-b"
    assert contact_of(await hub.get(path))["assurance"]["level"] == "none"
    assert (await hub.get(f"{path}&assurance=asserted")).status_code == 403
    assert (await hub.get(f"/v1/customers/{CUSTOMER}/context?interaction={OWN}&assurance=proved")).status_code == 200


async def test_a_handoff_holds_what_was_proved_in_its_contact(hub: Running) -> None:
    await hub.happen(*STORY)
    body = await hub.body("email:ana@example.com")
    (joined,) = body["conversations"]
    assert {one["interaction"]: one["level"] for one in joined["joined"]} == {OWN: "proved", STRANGERS: "claimed"}
    packet = (await hub.get(f"/v1/conversations/{joined['id']}/handoff")).json()
    assert packet["verified"] == []
    await hub.happen(an_event(id="m-3", at=START + 90 * MINUTE, interaction=OWN, email=ANA, text="Still here"))
    packet = (await hub.get(f"/v1/conversations/{joined['id']}/handoff")).json()
    assert [(one["value"], one["method"], one["expires_at"]) for one in packet["verified"]] == [
        (ANA, "login", format_time(EXPIRES))
    ]


async def test_a_stream_ends_when_its_contacts_proof_expires(hub: Running, clock: Clock) -> None:
    await hub.happen(*STORY)
    path = f"/v1/customers/{CUSTOMER}/stream?interaction={OWN}"
    async with following(hub.url, f"{path}&assurance=proved", KEYS["reader"]) as stream:
        first = await stream.next("context")
        assert first.data["meta"]["contact"]["assurance"]["level"] == "proved"
        assert encode_body(first.data["body"]) == assured_bytes(*STORY)
        clock.time = EXPIRES
        refused = await stream.next("refused")
        assert refused.data["reason"] == "not-assured"
        assert refused.data["contact"]["assurance"]["level"] == "claimed"
        assert await stream.end() == []
    assert (await hub.get(f"{path}&assurance=proved")).status_code == 403
    async with following(hub.url, path, KEYS["reader"]) as stream:
        plain = await stream.next("context")
        assert plain.data["meta"]["contact"]["assurance"]["level"] == "claimed"


async def test_a_plain_stream_tells_when_a_proof_has_expired(hub: Running, clock: Clock) -> None:
    await hub.happen(*STORY)
    async with following(
        hub.url, f"/v1/customers/{CUSTOMER}/stream?interaction={OWN}&body=none", KEYS["reader"]
    ) as stream:
        assert (await stream.next("context")).data["meta"]["contact"]["assurance"]["level"] == "proved"
        clock.time = EXPIRES
        assert (await stream.next("context")).data["meta"]["contact"]["assurance"]["level"] == "claimed"


async def test_a_new_proof_lifetime_changes_every_context(hub: Running, clock: Clock) -> None:
    await hub.happen(*STORY)
    path = f"/v1/context?interaction={OWN}"
    before = await hub.get(path)
    rules = {"proof_lifetime": {"login": "10m"}}
    changed = a_decision(
        "cx.identity.rules_changed.v1", id="rules", about=ACME.tenant_node(), at=START + HOUR,
        data={"identity": {"rules": rules}},
    )  # fmt: skip
    await hub.happen(changed)
    after = await hub.get(path)
    assert after.json()["meta"]["version"] > before.json()["meta"]["version"]
    assert contact_of(after)["assurance"]["expires_at"] == format_time(START + 11 * MINUTE)
    assert contact_of(after)["assurance"]["level"] == "claimed"
    (proof,) = [each for each in after.json()["body"]["conversations"][0]["joined"] if each["level"] == "proved"]
    assert proof["interaction"] == OWN
    past = await hub.get(f"{path}&as_of={format_time(START + 5 * MINUTE)}")
    assert contact_of(past)["assurance"]["expires_at"] == format_time(EXPIRES)


async def test_an_assured_body_with_many_claims_matches_the_definition(hub: Running) -> None:
    flood = [
        an_event(id=f"f-{n}", at=START + HOUR + n * MINUTE, interaction=f"acme-chat/f-{n}", email=ANA, text="Ana here")
        for n in range(70)
    ]
    asserted = an_event(
        "cx.identity.asserted.v1", id="crm", channel="crm", name="Ana Silva", data={"evidence": "crm"},
        identifiers=[Identifier(kind=k, value=v, weight="asserted") for k, v in (("crm", "C-1"), ("email", ANA))],
    )  # fmt: skip
    history = [*STORY, asserted, *flood]
    await hub.happen(*history)
    answer = await hub.get(f"/v1/context?interaction={OWN}&assurance=asserted")
    assert answer.status_code == 200, answer.text
    assert answer.content.endswith(b',"body":' + assured_bytes(*history) + b"}")
    ids = {entry["event"]["id"] for entry in answer.json()["body"]["timeline"]}
    assert ids == {"m-1", "login", "crm"}
