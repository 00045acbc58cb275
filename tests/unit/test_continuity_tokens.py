"""Continuity tokens: their forms, what is recognised in what comes in, and which uses count."""

from __future__ import annotations

import random
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.test_threading import names, parts_of

from cx_context.threading.contacts import contacts_of
from cx_context.threading.conversations import Conversation, join_contacts
from cx_events.continuity_tokens import (
    ISSUED,
    derive_code,
    is_token_id,
    parse_token_id,
    recognise_tokens,
    sign_token_id,
    token_id,
)
from cx_events.envelope import Data, Message, Reference
from cx_events.facts import Fact
from cx_events.ids import IdSpace, text_of
from cx_events.testing.builders import ACME, DAY, HOUR, SECOND, START, a_decision, a_fact, fact_of
from cx_events.testing.histories import facts_of, histories
from cx_events.timestamps import Micros

OTHER = IdSpace("other", b"a lasting key of another")
CODE = derive_code("one", ACME)
ID = token_id(CODE, ACME)
ANA = ACME.profile("email", "", "ana@example.com")
LONG = 100 * DAY
"""No window joins what is that far apart."""


def contact(name: str, at: Micros, *, token: str = "", channel: str = "chat", email: str = "ana@example.com") -> Fact:
    data = {"references": [{"kind": "token", "value": token}]} if token else {}
    return a_fact(id=name, interaction=name, channel=channel, email=email, text=name, at=at, data=data)


def issued(chat: Fact, at: Micros, *, lifetime: int = 3600, single_use: bool = True, token: str = ID) -> Fact:
    data = {
        "interaction": chat.event.data.interaction,
        "conversation": {"id": text_of(chat.part_id)},
        "token": {"id": token, "lifetime_s": lifetime, "single_use": single_use},
    }
    return fact_of(a_decision(ISSUED, id=token, about=chat.stream_id, at=at, data=data))


def threads(*facts: Fact, window: Micros = HOUR) -> list[Conversation]:
    return join_contacts(contacts_of(parts_of(list(facts)), window), window)


CHAT = contact("chat", START)
TOKEN = issued(CHAT, START + LONG)


def test_a_code_has_eight_digits_and_depends_on_name() -> None:
    codes = {derive_code(str(n), ACME) for n in range(1000)}
    assert all(len(code) == 8 and code.isdecimal() for code in codes)
    assert len(codes) > 990
    assert derive_code("one", ACME) == CODE != derive_code("one", OTHER)


def test_every_form_stands_for_the_token() -> None:
    letters = sign_token_id(ID, ACME)
    spaced = f" {CODE[:4]} {CODE[4:]}# "
    address = f"Support+{letters.upper()}@acme.example"
    for form in (CODE, spaced, letters, address, f"https://acme.example/chat?a=1&continue={letters}"):
        assert parse_token_id(form, ACME) == ID
    assert is_token_id(ID)


def test_forged_and_other_text_stands_for_no_token() -> None:
    letters = sign_token_id(ID, ACME)
    forged = letters[:-1] + ("a" if letters[-1] != "a" else "b")
    for form in (
        "",
        "1234",
        CODE + "1",
        forged,
        ID,
        sign_token_id(ID, OTHER),
        f"support+{forged}@acme.example",
        "x" * 5000,
    ):
        assert parse_token_id(form, ACME) is None


def test_what_callers_key_and_customers_write_is_recognised() -> None:
    by_id = [Reference(kind="token", value=ID)]
    assert recognise_tokens(Data(digits=f"{CODE}#"), ACME) == by_id
    written = Data(channel="chat", direction="inbound", message=Message(text=f"my code is {CODE[:4]}-{CODE[4:]}, hi"))
    assert recognise_tokens(written, ACME) == by_id
    assert recognise_tokens(Data(references=[Reference(kind="token", value=CODE)]), ACME) == by_id
    assert (
        recognise_tokens(Data(references=[Reference(kind="token", value=sign_token_id(ID, ACME))]), ACME, codes=False)
        == by_id
    )
    answered = Reference(kind="message", value=f"c+{sign_token_id(ID, ACME)}@acme.example")
    assert recognise_tokens(Data(references=[answered]), ACME) == [answered, *by_id]


def test_text_other_than_a_token_is_unchanged() -> None:
    plain = [Reference(kind="token", value="ref-of-a-campaign"), Reference(kind="order", value="4711")]
    for data in (
        Data(references=plain),
        Data(digits="1", references=plain),
        Data(digits=f"{CODE}1", references=plain),
        Data(channel="chat", direction="inbound", message=Message(text=f"{CODE} or 12"), references=plain),
        Data(channel="chat", direction="outbound", message=Message(text=CODE), references=plain),
        Data(channel="email", direction="inbound", message=Message(text=CODE), references=plain),
    ):
        assert recognise_tokens(data, ACME) is data.references
    assert recognise_tokens(Data(digits=CODE, references=plain), ACME, codes=False) is plain


def test_a_forged_address_leaves_no_reference() -> None:
    assert recognise_tokens(Data(references=[Reference(kind="token", value=sign_token_id(ID, OTHER))]), ACME) == []


def test_a_token_joins_where_no_other_rule_does() -> None:
    call = contact("call", START + LONG + HOUR, token=ID, channel="voice")
    (one,) = threads(CHAT, TOKEN, call, window=SECOND)
    assert names([one]) == [["chat", "call"]]
    assert (one.joined[1].rule, one.joined[1].evidence, one.joined[1].confidence) == ("token", f"token:{ID}", 98)


def test_a_token_that_was_never_issued_joins_nothing() -> None:
    one, other = contact("a", START, token=ID), contact("b", START + LONG, token=ID)
    assert names(threads(one, other)) == [["a"], ["b"]]


def test_a_token_expires_by_the_times_of_events() -> None:
    last = contact("in-time", START + LONG + 3600 * SECOND, token=ID)
    late = contact("late", START + LONG + 3601 * SECOND, token=ID)
    assert names(threads(CHAT, TOKEN, late, window=0)) == [["chat"], ["late"]]
    (token,) = threads(CHAT, TOKEN, late, window=0)[0].tokens
    assert [use.refused for use in token.token.uses] == ["expired"]
    assert names(threads(CHAT, TOKEN, last, window=0)) == [["chat", "in-time"]]


def test_only_the_first_use_by_time_joins() -> None:
    first = contact("first", START + LONG + 10 * SECOND, token=ID)
    second = contact("second", START + LONG + 20 * SECOND, token=ID)
    for facts in permutations((CHAT, TOKEN, first, second)):
        found = threads(*facts, window=0)
        assert names(found) == [["chat", "first"], ["second"]]
        (token,) = found[0].tokens
        assert list(zip(token.users, (u.refused for u in token.token.uses), strict=True)) == [
            ("first", None), ("second", "used-before"),
        ]  # fmt: skip


def test_two_uses_by_one_interaction_count_once() -> None:
    first = contact("call", START + LONG + 10 * SECOND, token=ID)
    again = a_fact(id="again", interaction="call", email="ana@example.com", text="x", at=START + LONG + 11 * SECOND,
                   data={"references": [{"kind": "token", "value": ID}]})  # fmt: skip
    assert names(threads(CHAT, TOKEN, first, again, window=0)) == [["chat", "call"]]


def test_a_token_for_many_uses_joins_them_all() -> None:
    many = issued(CHAT, START + LONG, single_use=False)
    uses = [contact(f"use-{n}", START + LONG + n * 600 * SECOND, token=ID) for n in range(1, 4)]
    assert names(threads(CHAT, many, *uses, window=0)) == [["chat", "use-1", "use-2", "use-3"]]


def test_the_issuing_interaction_does_not_use_its_token() -> None:
    within = contact("chat", START + LONG + SECOND, token=ID)
    other = contact("call", START + LONG + 2 * SECOND, token=ID)
    found = threads(CHAT, TOKEN, within, other, window=0)
    assert names(found) == [["chat", "call"]]
    assert found[0].tokens[0].users == ("call",)


def test_a_split_outranks_a_token() -> None:
    call = contact("call", START + LONG + SECOND, token=ID)
    split = a_fact("cx.conversation.split.v1", id="s", interaction="call", email="ana@example.com",
                   at=START + LONG + HOUR, data={"conversation": {"id": text_of(call.part_id)}})  # fmt: skip
    assert names(threads(CHAT, TOKEN, call, split)) == [["chat"], ["call"]]


@given(histories(max_size=24), st.integers(0, 1000))
def test_arrival_order_does_not_decide_which_uses_count(history: list, seed: int) -> None:
    facts = facts_of(history)
    shuffled = list(facts)
    random.Random(seed).shuffle(shuffled)
    told = [[(c.id, c.joined, c.tokens) for c in threads(*_once(some))] for some in (facts, shuffled)]
    assert told[0] == told[1]


def _once(facts: list[Fact]) -> list[Fact]:
    least: dict[bytes, Fact] = {}
    for fact in facts:
        if fact.key not in least or fact.copy_order < least[fact.key].copy_order:
            least[fact.key] = fact
    return list(least.values())
