"""A thread of mails is no session: who knows the name of a mail can write into it, and shares nothing of its level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cx_context.document import Document, context_body
from cx_context.reference_definition import define
from cx_context.sections.assured_read import assured_facts
from cx_context.sections.customer_facts import CustomerFacts
from cx_events.continuity_tokens import ISSUED, PREFIX
from cx_events.envelope import Identifier, Weight
from cx_events.facts import Fact
from cx_events.ids import text_of
from cx_events.testing.builders import ACME, DAY, HOUR, MINUTE, SECOND, START, a_decision, a_fact, fact_of
from cx_identity.rules import DEFAULT

WINDOW = 72 * HOUR
ANA = "ana@example.com"
THREAD, CHAT = "mail/1", "chat/1"
VERIFIED = "cx.identity.verified.v1"
TOKEN = f"{PREFIX}abcdefghijklmnop"


def mail(id: str, weight: Weight, at: int, recorded: int | None = None, **event: Any) -> Fact:
    event = {"channel": "email", "interaction": THREAD, "text": f"{id} said", **event}
    return a_fact(id=id, at=at, recorded=at if recorded is None else recorded, email=ANA, weight=weight, **event)


def crm() -> Fact:
    named = [Identifier(kind=kind, value=value, weight="asserted") for kind, value in (("crm", "C-1"), ("email", ANA))]
    return a_fact("cx.identity.asserted.v1", id="crm", at=START - DAY, channel="crm", identifiers=named)


def known_of(facts: Sequence[Fact]) -> CustomerFacts:
    whole = define(facts, ACME, DEFAULT)
    return whole.known[whole.customer_of[ACME.profile("email", "", ANA)]]


def level(facts: Sequence[Fact], interaction: str = THREAD) -> str:
    return Document(known_of(facts), WINDOW).assurance_of_interaction(interaction).level


def said(facts: Sequence[Fact]) -> set[str]:
    body = context_body(assured_facts(known_of(facts), WINDOW), WINDOW)
    return {entry["text"] for entry in body["timeline"] if entry["text"]}


def test_a_forged_mail_in_a_proved_thread_is_claimed() -> None:
    history = [crm(), mail("own", "proved", START), mail("forged", "claimed", START + 5 * MINUTE)]
    assert level(history[:2]) == "proved"
    assert level(history) == "claimed"
    again = mail("again", "proved", START + 10 * MINUTE)
    assert level([*history, again]) == "proved"
    assert said([*history, again]) == {"own said", "again said"}


def test_a_forged_date_does_not_make_a_mail_earlier() -> None:
    forged = mail("forged", "claimed", START - 3 * DAY, recorded=START + MINUTE)
    assert level([crm(), mail("own", "proved", START), forged]) == "claimed"


def test_a_forged_automatic_mail_is_claimed_too() -> None:
    data = {"direction": "inbound", "message": {"id": "f", "text": "paid", "automatic": "auto-generated"}}
    assert level([crm(), mail("own", "proved", START), mail("f", "claimed", START + MINUTE, data=data)]) == "claimed"


def test_a_forged_mail_removes_nothing_from_an_assured_context() -> None:
    history = [crm(), mail("own", "proved", START)]
    assert said([*history, mail("forged", "claimed", START + MINUTE)]) == said(history) == {"own said"}


def test_an_answer_of_the_business_keeps_a_threads_level() -> None:
    answer = mail("answer", "claimed", START + HOUR, type="cx.message.sent.v1", data={"direction": "outbound"})
    history = [crm(), mail("own", "proved", START), answer]
    assert level(history) == "proved"
    assert said(history) == {"own said", "answer said"}


def test_a_login_in_a_chat_counts_until_it_expires() -> None:
    login = a_fact(VERIFIED, id="login", interaction=CHAT, email=ANA, data={"evidence": "login"})
    typed = a_fact(id="typed", at=START + MINUTE, interaction=CHAT, email=ANA, weight="claimed", text="hello")
    assert level([crm(), login, typed], CHAT) == "proved"


def test_comments_are_assured_singly_and_messenger_threads_by_account() -> None:
    def social(id: str, type: str, weight: Weight, at: int) -> Fact:
        return mail(id, weight, at, type=type, channel="social")

    said: list[tuple[Weight, int]] = [("proved", START), ("claimed", START + 1)]
    comments = [social(f"c-{weight}", "cx.social.comment.v1", weight, at) for weight, at in said]
    assert level([crm(), *comments]) == "claimed"
    messages = [social(f"m-{weight}", "cx.message.received.v1", weight, at) for weight, at in said]
    assert level([crm(), *messages]) == "proved"


def linked(one: Fact, other: Fact, at: int) -> Fact:
    data = {
        "interaction": one.event.data.interaction,
        "conversation": {"id": text_of(one.part_id), "other": text_of(other.part_id)},
    }
    about = ACME.profile("email", "", ANA)
    return fact_of(a_decision("cx.conversation.linked.v1", id=f"link-{at}", about=about, at=at, data=data))


def test_a_link_passes_a_proof_until_the_next_message() -> None:
    login = a_fact(VERIFIED, id="login", interaction=CHAT, email=ANA, data={"evidence": "login"})
    typed = a_fact(id="typed", interaction=CHAT, email=ANA, weight="claimed", text="hello")
    asked = mail("asked", "claimed", START + MINUTE)
    history = [crm(), login, typed, asked, linked(asked, typed, START + HOUR)]
    assert level(history[:4]) == "claimed"
    assert level(history) == "proved"
    assert level([*history, mail("forged", "claimed", START + 2 * HOUR)]) == "claimed"


def test_a_token_in_anothers_thread_proves_nothing_in_chat() -> None:
    typed = a_fact(id="typed", interaction=CHAT, email=ANA, weight="claimed", text="I am Ana")
    issue = {"token": {"id": TOKEN, "lifetime_s": 3600}}
    issued = a_fact(ISSUED, id="issued", interaction=CHAT, email=ANA, weight="claimed", role="agent", data=issue)
    token = {"references": [{"kind": "token", "value": TOKEN}]}
    forged = mail("forged", "claimed", START + MINUTE, data=token)
    history = [crm(), mail("own", "proved", START), typed, issued, forged]
    assert level(history, CHAT) == "claimed"
    assert said(history) == {"own said"}
    assert level([*history, mail("later", "proved", START + HOUR)], CHAT) == "claimed"


def test_a_token_carries_its_proof_into_a_mail() -> None:
    login = a_fact(VERIFIED, id="login", interaction=CHAT, email=ANA, data={"evidence": "login"})
    issue = {"token": {"id": TOKEN, "lifetime_s": 3600}}
    issued = a_fact(ISSUED, id="issued", interaction=CHAT, email=ANA, role="agent", data=issue)
    shown = mail("shown", "claimed", START + MINUTE, data={"references": [{"kind": "token", "value": TOKEN}]})
    history = [crm(), login, issued, shown]
    assert level(history) == "proved"
    assert level([*history, mail("forged", "claimed", START + HOUR)]) == "claimed"


@st.composite
def mails_at_hours(draw: st.DrawFn) -> list[tuple[Weight, int, int]]:
    """Return mails as (weight, hour of their date, minute in which they were recorded)."""
    weights: st.SearchStrategy[Weight] = st.sampled_from(["proved", "claimed"])
    one = st.tuples(weights, st.integers(0, 4), st.integers(0, 300))
    return draw(st.lists(one, min_size=1, max_size=6))


@settings(max_examples=300, deadline=None)
@given(mails_at_hours(), st.randoms())
def test_a_thread_is_as_sure_as_its_last_mail(mails: list[tuple[Weight, int, int]], random: Any) -> None:
    facts = [
        mail(f"m-{n}", weight, START + hours * HOUR, recorded=START + 5 * HOUR + minutes * MINUTE)
        for n, (weight, hours, minutes) in enumerate(mails)
    ]
    last = max(minutes for _, _, minutes in mails)
    weakest = max((weight == "claimed" for weight, _, minutes in mails if minutes == last))
    random.shuffle(history := [crm(), *facts])
    assert level(history) == ("claimed" if weakest else "proved")
    assert said(history) == {f"m-{n} said" for n, (weight, _, _) in enumerate(mails) if weight == "proved"}


def test_past_assurance_depends_on_what_was_recorded_then() -> None:
    history = [crm(), mail("own", "proved", START), mail("forged", "claimed", START + MINUTE)]
    assert level([fact for fact in history if fact.recorded <= START + SECOND]) == "proved"
