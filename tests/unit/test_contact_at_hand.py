"""Test how sure it is who is at the other end of a contact, and what an assured body leaves out: by the definition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from cx_context.document import Document, context_body, encode_body
from cx_context.fold import new_part
from cx_context.parts.merge import merge
from cx_context.parts.values import OTHER_IDENTIFIERS_KEPT
from cx_context.reference_definition import define
from cx_context.sections.assurance import ContactAssurance, Trust, contact_assurance
from cx_context.sections.assured_read import assured_facts
from cx_context.sections.customer_facts import CustomerFacts
from cx_events.continuity_tokens import ISSUED, PREFIX
from cx_events.envelope import Identifier
from cx_events.facts import Fact
from cx_events.testing.builders import ACME, DAY, HOUR, MINUTE, SECOND, START, a_fact
from cx_events.timestamps import Micros, format_time
from cx_identity.rules import DEFAULT, Rules

WINDOW = 72 * HOUR
ANA, PHONE = "ana@example.com", "+15550100123"
CHAT, LOGIN = "acme-chat/1", "acme-chat/2"
VERIFIED, ASSERTED = "cx.identity.verified.v1", "cx.identity.asserted.v1"
TOKEN = f"{PREFIX}abcdefghijklmnop"


def crm(at: Micros = START - DAY) -> Fact:
    """A CRM that may assert says whose these identifiers are."""
    return a_fact(
        ASSERTED, id="crm", at=at, channel="crm", name="Ana Silva", data={"evidence": "crm"},
        identifiers=[weighing("crm", "C-1", "asserted"), weighing("email", ANA, "asserted")],
    )  # fmt: skip


def weighing(kind: str, value: str, weight: Any) -> Identifier:
    return Identifier(kind=kind, value=value, weight=weight)


def typed(interaction: str = CHAT, id: str = "typed", at: Micros = START, name: str = "") -> Fact:
    """A stranger types a known customer's address."""
    return a_fact(id=id, at=at, interaction=interaction, email=ANA, name=name, text="I am Ana, what is my balance?")


def login(interaction: str = LOGIN, id: str = "login", at: Micros = START, evidence: str = "login") -> Fact:
    return a_fact(VERIFIED, id=id, at=at, interaction=interaction, email=ANA, data={"evidence": evidence})


def known_of(facts: Sequence[Fact], rules: Rules = DEFAULT) -> CustomerFacts:
    whole = define(facts, ACME, rules)
    return whole.known[whole.customer_of[ACME.profile("email", "", ANA)]]


def found(facts: Sequence[Fact], interaction: str, now: Micros | None = None, rules: Rules = DEFAULT) -> Any:
    known = known_of(facts, rules)
    return Document(known, WINDOW).assurance_of_interaction(interaction).at(now, known.lifetimes)


def test_typing_a_known_address_only_claims_it() -> None:
    history = [crm(), login(id="week-old", at=START - 7 * DAY), typed()]
    assert found(history, CHAT, START) == {
        "level": "claimed", "by": None, "identifier": {"kind": "email", "value": ANA}, "expires_at": None,
    }  # fmt: skip
    body = context_body(known_of(history), WINDOW)
    assert body["now"]["verified"] is None
    assert body["now"]["assurance"]["level"] == "claimed"
    assert body["customer"]["assurance"]["level"] == "claimed"
    (own,) = [each for each in body["conversations"] if CHAT in [one["interaction"] for one in each["joined"]]]
    assert own["verified"] == []


def test_a_login_proves_its_contact_for_its_lifetime() -> None:
    history = [crm(), typed(LOGIN), login(at=START + MINUTE)]
    expires = START + MINUTE + DAY
    proved = {
        "level": "proved", "by": "login", "identifier": {"kind": "email", "value": ANA},
        "expires_at": format_time(expires),
    }  # fmt: skip
    assert found(history, LOGIN, expires - 1) == proved
    assert found(history, LOGIN, expires) == {**proved, "level": "claimed"}


def test_the_longest_lived_proof_counts() -> None:
    rules = Rules.parse({"proof_lifetime": {"login": "15m", "*": 3600}})
    history = [login(evidence="login"), login(id="code", evidence="one-time-code")]
    assert found(history, LOGIN, START + 16 * MINUTE, rules)["by"] == "one-time-code"
    assert found(history, LOGIN, START + HOUR, rules)["level"] == "claimed"


def test_threading_passes_no_proof_on() -> None:
    order: dict[str, Any] = {"references": [{"kind": "order", "value": "4711"}, {"kind": "token", "value": "theirs"}]}
    proved = a_fact(VERIFIED, id="login", interaction=LOGIN, email=ANA, data={"evidence": "login", **order})
    stranger = a_fact(
        id="typed", at=START + MINUTE, interaction=CHAT, email=ANA, text="hello", data={"channel": "chat", **order}
    )
    said = a_fact(id="said", at=START, interaction=LOGIN, email=ANA, text="hello", data={"channel": "chat", **order})
    history = [crm(), said, proved, stranger]
    (conversation,) = context_body(known_of(history), WINDOW)["conversations"]
    assert {one["interaction"]: one["level"] for one in conversation["joined"]} == {LOGIN: "proved", CHAT: "claimed"}
    assert conversation["verified"] == []
    assert found(history, CHAT, START + MINUTE)["level"] == "claimed"
    assert found(history, LOGIN, START + MINUTE)["level"] == "proved"


def test_a_continuity_token_passes_a_proof_on() -> None:
    issued = a_fact(
        ISSUED, id="issued", at=START + MINUTE, interaction=LOGIN, email=ANA, role="agent",
        data={"token": {"id": TOKEN, "lifetime_s": 3600, "single_use": True}},
    )  # fmt: skip
    shown = a_fact(
        id="by-token", at=START + 2 * MINUTE, interaction=CHAT, email=ANA, text="hello again",
        data={"references": [{"kind": "token", "value": TOKEN}]},
    )  # fmt: skip
    history = [crm(), typed(LOGIN), login(), issued, shown]
    assert found(history, CHAT, START + HOUR)["level"] == "proved"
    assert found([*history[:3], shown], CHAT, START + HOUR)["level"] == "claimed"


def test_a_claimed_platform_account_proves_only_the_claim() -> None:
    psid = weighing("facebook-psid", "9", "proved")
    said = a_fact(id="m", interaction=CHAT, identifiers=[psid, weighing("email", ANA, "claimed")], text="hi")
    trust = Trust(frozenset({f"email\n\n{ANA}"}), frozenset({"facebook-psid\n\n9"}))
    told = contact_assurance([new_part(said)], trust)
    assert (told.level, told.proofs) == ("claimed", ())
    assert contact_assurance([new_part(said)], Trust(frozenset({"facebook-psid\n\n9"}))).level == "proved"


def test_an_assertion_lasts_and_names_its_method() -> None:
    call = a_fact(
        "cx.interaction.started.v1", id="ring", interaction="call-1", channel="voice",
        identifiers=[weighing("phone", PHONE, "asserted")],
    )  # fmt: skip
    told = contact_assurance([new_part(call)], Trust(frozenset({f"phone\n\n{PHONE}"}))).at(START + 400 * DAY, {})
    assert (told["level"], told["by"], told["expires_at"]) == ("asserted", "channel", None)


def test_a_contact_without_the_customers_identifiers_has_no_level() -> None:
    assert found([login()], "no-such-contact", START)["level"] == "none"
    assert ContactAssurance().at(START, {}) == {"level": "none", "by": None, "identifier": None, "expires_at": None}


def test_many_claims_displace_no_stronger_identifier() -> None:
    strong = weighing("phone", PHONE, "asserted")
    facts = [
        a_fact(
            id=f"m-{n}", at=START + n * SECOND, interaction=CHAT,
            identifiers=[weighing("account", "A", "asserted"), strong, weighing("email", f"e{n}@x.example", "claimed")],
        )
        for n in range(OTHER_IDENTIFIERS_KEPT + 10)
    ]  # fmt: skip
    forth = back = new_part(facts[0])
    for fact in facts[1:]:
        forth = merge(forth, new_part(fact))
        back = merge(new_part(fact), back)
    assert forth == back
    assert len(forth.other_identifiers) == OTHER_IDENTIFIERS_KEPT
    assert forth.other_identifiers[f"phone\n\n{PHONE}"] == 1


def test_claimed_names_and_attributes_change_nothing_known() -> None:
    said = a_fact(
        "cx.customer.fact.v1", id="fact", at=START - DAY, channel="crm",
        identifiers=[weighing("crm", "C-1", "asserted")], data={"attributes": {"tier": "gold"}},
    )  # fmt: skip
    stranger = a_fact(
        id="typed", interaction=CHAT, email=ANA, name="Mallory", text="hi",
        data={"attributes": {"tier": "platinum", "colour": "red"}, "preferences": {"language": "xx"}},
    )  # fmt: skip
    for history in permutations([crm(), said, stranger]):
        customer = context_body(known_of(history), WINDOW)["customer"]
        assert customer["display"] == "Ana Silva"
        assert customer["attributes"] == {"colour": "red", "tier": "gold"}
        left = context_body(assured_facts(known_of(history), WINDOW), WINDOW)["customer"]
        assert (left["display"], left["attributes"], left["preferences"]) == ("Ana Silva", {"tier": "gold"}, {})


def test_a_name_says_what_it_weighs() -> None:
    def shown(*facts: Fact) -> tuple[Any, Any]:
        customer = context_body(known_of(facts), WINDOW)["customer"]
        return customer["display"], customer["display_weight"]

    assert shown(login()) == (ANA, None)
    assert shown(login(), typed(name="Mallory")) == ("Mallory", "claimed")
    assert shown(crm(), login(), typed(name="Mallory")) == ("Ana Silva", "asserted")


def test_an_assured_body_leaves_strangers_contacts_out() -> None:
    own = [crm(), typed(LOGIN, "own", START), login(at=START + MINUTE)]
    stranger = [typed(CHAT, f"typed-{n}", START + HOUR + n * SECOND, "Mallory") for n in range(3)]
    left = assured_facts(known_of([*own, *stranger]), WINDOW)
    assert encode_body(context_body(left, WINDOW)) == encode_body(
        context_body(assured_facts(known_of(own), WINDOW), WINDOW)
    )
    body = context_body(left, WINDOW)
    assert {entry["event"]["id"] for entry in body["timeline"]} == {"crm", "own", "login"}
    assert body["conversations"][0]["messages"][0]["text"].startswith("I am Ana")
    assert "Mallory" not in encode_body(body).decode()


def test_an_assured_body_leaves_claimed_profiles_out() -> None:
    cookie = weighing("cookie", "stranger", "claimed")
    history = [
        crm(),
        typed(LOGIN, "own", START),
        login(at=START + MINUTE),
        a_fact(id="c-1", at=START + 5 * DAY, interaction=CHAT, identifiers=[cookie], text="I am Mallory"),
        a_fact(id="c-2", at=START + 5 * DAY, interaction="chat-9", identifiers=[cookie], email=ANA, text="I am Ana"),
    ]
    known = _claiming(known_of(history), "stranger")
    body = context_body(assured_facts(known, WINDOW), WINDOW)
    assert [one["value"] for one in body["customer"]["identifiers"]] == ["C-1", ANA]
    assert b"stranger" not in encode_body(body)
    assert b"I am Mallory" not in encode_body(body)
    assert b"I am Mallory" in encode_body(context_body(known, WINDOW))


def test_words_from_before_a_login_stay() -> None:
    cookie = Identifier(kind="cookie", value="browser")
    history = [
        a_fact(id="m-1", interaction=LOGIN, identifiers=[cookie], text="I was charged twice"),
        a_fact(VERIFIED, id="v", at=START + MINUTE, interaction=LOGIN, email=ANA, identifiers=[cookie]),
    ]
    known = _claiming(known_of(history), "browser")
    body = context_body(assured_facts(known, WINDOW), WINDOW)
    assert body["conversations"][0]["messages"][0]["text"] == "I was charged twice"
    assert [one["kind"] for one in body["customer"]["identifiers"]] == ["email"]


def test_an_earlier_cookie_is_not_the_core() -> None:
    cookie = Identifier(kind="cookie", value="browser")
    history = [
        a_fact(id="m-1", at=START - DAY, interaction="chat-0", identifiers=[cookie], text="Do you ship?"),
        a_fact(VERIFIED, id="v", at=START + MINUTE, interaction=LOGIN, email=ANA, identifiers=[cookie]),
    ]
    assert found(history, LOGIN, START + HOUR)["level"] == "proved"
    body = context_body(assured_facts(known_of(history), WINDOW), WINDOW)
    assert [one["kind"] for one in body["customer"]["identifiers"]] == ["email"]
    assert b"Do you ship" not in encode_body(body)


def _claiming(known: CustomerFacts, *values: str) -> CustomerFacts:
    return replace(known, members=[structs.replace(each, claimed=each.value in values) for each in known.members])


@st.composite
def histories(draw: st.DrawFn) -> list[Fact]:
    facts = []
    for n in range(draw(st.integers(1, 7))):
        weight = draw(st.sampled_from(["proved", "asserted", "claimed"]))
        facts.append(
            a_fact(
                draw(st.sampled_from(["cx.message.received.v1", VERIFIED, ASSERTED])),
                id=f"e-{n}",
                at=START + draw(st.integers(0, 4)) * 20 * HOUR + n * SECOND,
                interaction=draw(st.sampled_from(["", CHAT, LOGIN])),
                name=draw(st.sampled_from(["", "Ana", "Mallory"])),
                identifiers=[weighing("email", ANA, weight)]
                + ([weighing("phone", PHONE, "claimed")] if draw(st.booleans()) else []),
            )
        )
    return facts


@given(histories(), st.randoms(use_true_random=False))
def test_levels_and_assured_bodies_ignore_order(facts: list[Fact], random: Any) -> None:
    mixed = list(facts)
    random.shuffle(mixed)
    known, other = known_of(facts), known_of(mixed)
    for interaction in (CHAT, LOGIN):
        one, two = (Document(each, WINDOW).assurance_of_interaction(interaction) for each in (known, other))
        assert (one.level, one.proofs, one.assertion) == (two.level, two.proofs, two.assertion)
    assert encode_body(context_body(assured_facts(known, WINDOW), WINDOW)) == encode_body(
        context_body(assured_facts(other, WINDOW), WINDOW)
    )


@given(histories(), st.integers(0, 90))
def test_a_strangers_contact_changes_no_assured_body(facts: list[Fact], hours: int) -> None:
    at = START + hours * HOUR
    stranger = a_fact(
        id="stranger", at=at, recorded=START + 5 * DAY, interaction="acme-chat/9", email=ANA, name="Mallory", text="hi"
    )
    before, after = known_of(facts), known_of([*facts, stranger])
    assert encode_body(context_body(assured_facts(before, WINDOW), WINDOW)) == encode_body(
        context_body(assured_facts(after, WINDOW), WINDOW)
    )
    assert Document(after, WINDOW).assurance_of_interaction("acme-chat/9").level == "claimed"
