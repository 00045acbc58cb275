"""Who proves an identifier is read their own history, whoever's customer a claim made that identifier a part of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cx_context.document import Document, context_body
from cx_context.reference_definition import define
from cx_context.sections.assurance import ASSURED, ProfileAssurance
from cx_context.sections.assured_read import assured_facts, isolate_profile
from cx_context.sections.customer_facts import CustomerFacts
from cx_events.envelope import Identifier, Weight
from cx_events.facts import Fact
from cx_events.ids import text_of
from cx_events.testing.builders import ACME, HOUR, MINUTE, SECOND, START, a_fact
from cx_identity.rules import DEFAULT

WINDOW = 72 * HOUR
ANA, STRANGER, PHONE = "ana@example.com", "acct-9", "+15550100123"
ANA_ID = ACME.profile("email", "", ANA)
VERIFIED = "cx.identity.verified.v1"


def mail(id: str = "own", at: int = START, weight: Weight = "proved", thread: str = "mail/1") -> Fact:
    return a_fact(
        id=id, at=at, channel="email", interaction=thread, email=ANA, weight=weight, name="Ana", text=f"{id} said"
    )


def account(value: str, weight: Weight) -> Identifier:
    return Identifier(kind="account", value=value, weight=weight)


def strangers_login(at: int = START - HOUR) -> Fact:
    return a_fact(
        VERIFIED, id="login", at=at, interaction="chat/9", name="Stan", identifiers=[account(STRANGER, "proved")],
        data={"evidence": "login"},
    )  # fmt: skip


def strangers_claim(at: int = START + MINUTE) -> Fact:
    named = [account(STRANGER, "proved"), Identifier(kind="email", value=ANA, weight="claimed")]
    return a_fact(id="typed", at=at, interaction="chat/9", identifiers=named, name="Stan", text="this is my address")


def known_of(facts: list[Fact]) -> CustomerFacts:
    whole = define(facts, ACME, DEFAULT)
    return whole.known[whole.customer_of[ANA_ID]]


def alone_in(facts: list[Fact], interaction: str = "mail/1") -> ProfileAssurance | None:
    return Document(known_of(facts), WINDOW).profile_assurance_of(interaction)


def body_alone(facts: list[Fact]) -> dict[str, Any]:
    known = known_of(facts)
    return context_body(assured_facts(replace(known, members=isolate_profile(known.members, ANA_ID)), WINDOW), WINDOW)


def test_a_stranger_claiming_an_address_shuts_out_nobody() -> None:
    facts = [strangers_login(), mail(), strangers_claim()]
    known = known_of(facts)
    assert {member.value for member in known.members} == {ANA, STRANGER}
    assert Document(known, WINDOW).assurance_of_interaction("mail/1").level == "claimed"
    alone = alone_in(facts)
    assert alone is not None
    assert (alone.profile, alone.assurance.level) == (ANA_ID, "proved")
    body = body_alone(facts)
    assert body["customer"]["display"] == "Ana"
    assert [one["value"] for one in body["customer"]["identifiers"]] == [ANA]
    assert [entry["text"] for entry in body["timeline"]] == ["own said"]


def test_a_strangers_contact_shows_nothing_of_the_claimed_mails() -> None:
    facts = [strangers_login(), mail(), strangers_claim()]
    known = known_of(facts)
    rendering = Document(known, WINDOW)
    assert (rendering.assurance_of_interaction("chat/9").level, rendering.profile_assurance_of("chat/9")) == (
        "proved",
        None,
    )
    body = context_body(assured_facts(known, WINDOW), WINDOW)
    assert body["customer"]["display"] == "Stan"
    assert "own said" not in [entry["text"] for entry in body["timeline"]]


def test_a_contact_with_claims_only_is_not_assured_alone() -> None:
    assert alone_in([strangers_login(), mail(), strangers_claim(), mail("typed", weight="claimed", thread="mail/2")],
                    "mail/2") is None  # fmt: skip


def test_a_thread_ending_in_forged_mail_is_not_assured() -> None:
    forged = mail("forged", START + 2 * HOUR, "claimed")
    assert alone_in([strangers_login(), mail(), strangers_claim(), forged]) is None


def test_an_attested_call_shows_only_calls_of_its_number() -> None:
    call = a_fact(
        "cx.interaction.started.v1", id="ring", at=START + HOUR, channel="voice", interaction="call/1", phone=PHONE,
        weight="asserted",
    )  # fmt: skip
    typed = a_fact(id="both", interaction="chat/1", at=START + SECOND, phone=PHONE, email=ANA, weight="claimed")
    facts = [mail(), typed, call]
    alone = alone_in(facts, "call/1")
    assert alone is not None
    assert (alone.profile, alone.assurance.level) == (ACME.profile("phone", "", PHONE), "asserted")


@st.composite
def strangers(draw: st.DrawFn) -> list[Fact]:
    """Return what strangers do: log in, type the address in contacts of their own and write forged mails."""
    found = []
    for n in range(draw(st.integers(0, 6))):
        at = START + draw(st.integers(-5, 5)) * HOUR + n * SECOND
        who = [
            account(draw(st.sampled_from(["s-1", "s-2"])), draw(st.sampled_from(["proved", "claimed"]))),
            Identifier(kind="cookie", value=f"c-{draw(st.integers(0, 2))}", weight="claimed"),
            Identifier(kind="phone", value=PHONE, weight=draw(st.sampled_from(["asserted", "claimed"]))),
            Identifier(kind="email", value=ANA, weight="claimed"),
        ]
        named = draw(st.lists(st.sampled_from(who), min_size=1, max_size=3, unique_by=lambda one: one.kind))
        forged = draw(st.booleans())
        if forged:
            found.append(mail(f"forged-{n}", at, "claimed"))
        else:
            place = f"chat/{draw(st.integers(0, 2))}"
            found.append(
                a_fact(id=f"s-{n}", at=at, interaction=place, identifiers=named, name="Stan", text=f"s-{n} said")
            )
    return found


@settings(max_examples=400, deadline=None)
@given(strangers(), st.integers(1, 4), st.randoms())
def test_claims_of_strangers_change_nothing_in_an_assured_context(others: list[Fact], mails: int, random: Any) -> None:
    own = [mail(f"own-{n}", START + n * 2 * HOUR) for n in range(mails)]
    last = max(fact.recorded for fact in own)
    others = [fact for fact in others if fact.event.data.channel != "email" or fact.recorded < last]
    facts = [*own, *others]
    random.shuffle(facts)
    rendering = Document(known_of(facts), WINDOW)
    sure, alone = rendering.assurance_of_interaction("mail/1"), rendering.profile_assurance_of("mail/1")
    assert sure.level in ASSURED or (alone is not None and alone.profile == ANA_ID)
    assert alone is None or alone.assurance.level == "proved"
    expected = context_body(assured_facts(known_of(own), WINDOW), WINDOW)
    found = body_alone(facts)
    for body in (found, expected):
        customer = body["customer"]
        customer["aliases"] = sorted({customer.pop("id"), *customer["aliases"]} & {text_of(ANA_ID)})
        for one in customer["identifiers"]:
            one["joined"] = None
    assert found == expected
