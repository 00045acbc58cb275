"""A homeserver's questions, and the words of answers."""

from __future__ import annotations

import pytest

from cx_channels.chat.matrix import PROVIDER
from cx_channels.chat.matrix.words import without_fallback
from cx_channels.provider import Connection, Mapped, Request
from cx_events.errors import Refused

CONNECTION = Connection("acme-matrix", "acme", "chat/matrix", ("example-hs-token", "an-older-token"))
OWN = {"authorization": "Bearer example-hs-token"}


def verify(request: Request) -> None:
    assert PROVIDER.verify is not None
    PROVIDER.verify(request, CONNECTION)


def test_the_token_may_come_in_either_place() -> None:
    verify(Request(b"{}", "PUT", headers=OWN))
    verify(Request(b"{}", "PUT", query=(("access_token", "an-older-token"),)))
    verify(Request(b"{}", "PUT", headers=OWN, query=(("access_token", "example-hs-token"),)))


def test_two_tokens_that_differ_are_refused() -> None:
    with pytest.raises(Refused) as refused:
        verify(Request(b"{}", "PUT", headers=OWN, query=(("access_token", "x"),)))
    assert refused.value.status == 403


def test_questions_are_answered_to_the_homeserver_alone() -> None:
    for method, status in (("GET", 404), ("POST", 200)):
        answer = PROVIDER.challenge(Request(b"{}", method, headers=OWN), CONNECTION)
        assert answer is not None
        assert answer.status == status
        with pytest.raises(Refused):
            PROVIDER.challenge(Request(b"{}", method), CONNECTION)


def test_a_transaction_is_no_question() -> None:
    assert PROVIDER.challenge(Request(b"{}", "PUT", headers=OWN), CONNECTION) is None
    assert PROVIDER.challenge(Request(b'{"events":[]}', "POST", headers=OWN), CONNECTION) is None


def test_the_answer_lets_the_next_transaction_come() -> None:
    answer = PROVIDER.answer(Mapped(), Request(b"", "PUT"))
    assert (answer.status, answer.body) == (200, b"{}")


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("> <@ben:a.example> one\n> two\n\nthree", "three"),
        ("> <@ben:a.example> one", "> <@ben:a.example> one"),
        ("plain > words", "plain > words"),
        ("", ""),
    ],
)
def test_the_quote_of_an_answer_is_left_out(words: str, left: str) -> None:
    assert without_fallback(words) == left
