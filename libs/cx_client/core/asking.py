"""Ask until there is an answer, and turn problem documents into errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cx_client.core.errors import HubRefused, HubUnavailable
from cx_client.core.exchanges import Answer, NoAnswer, Operation, Pause, Request
from cx_client.core.retries import Retry, retry_after_of

_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_NOT_AGAIN = frozenset({"not-yet"})
"""Reasons of a 504 that answer the question: who asked with ``wait`` has waited already."""


class Patience(NamedTuple):
    """``chance``: 0 to 1, at random."""

    retry: Retry
    chance: Callable[[], float]


def ask(request: Request, patience: Patience) -> Operation[Answer]:
    """Return the answer, asking again where the hub or the network says so. Raises ``HubUnavailable``.

    The same request is made each time, so it must be one that may arrive twice.
    """
    failures, waited = 0, 0.0
    while True:
        reply = yield request
        if isinstance(reply, Answer) and not is_temporary(reply):
            return reply
        failures += 1
        asked = retry_after_of(reply.headers) if isinstance(reply, Answer) else None
        seconds = patience.retry.pause(failures, waited, asked, patience.chance)
        if seconds is None:
            raise unavailable(reply)
        waited += seconds
        yield Pause(seconds)


def is_temporary(answer: Answer) -> bool:
    """Return whether the same request may be answered better later."""
    return answer.status in _AGAIN and answer.json().get("reason") not in _NOT_AGAIN


def unavailable(reply: Answer | NoAnswer | None) -> HubUnavailable:
    """Return the error for the last of several failures."""
    if not isinstance(reply, Answer):
        return HubUnavailable("no-answer", reply.why if reply is not None else "nobody was asked")
    reason, detail = _words(reply)
    asked = retry_after_of(reply.headers)
    return HubUnavailable(reason, detail, status=reply.status, asked=asked, problem=reply.json())


def error_of(answer: Answer) -> HubRefused | HubUnavailable:
    """Return the error for an answer that is no success."""
    if answer.status in _AGAIN:
        return unavailable(answer)
    reason, detail = _words(answer)
    return HubRefused(reason, detail, answer.status, answer.json())


def _words(answer: Answer) -> tuple[str, str]:
    problem = answer.json()
    reason, detail = problem.get("reason"), problem.get("detail")
    if isinstance(reason, str):
        return reason, detail if isinstance(detail, str) else ""
    where = f" to {answer.headers['location']}" if "location" in answer.headers else ""
    return f"status-{answer.status}", f"{answer.status}{where}, without a problem document: not by the hub itself"


def ask_json(request: Request, patience: Patience) -> Operation[Answer]:
    """Return an answer of 200 to 299 whose body is a JSON object. Raises ``HubRefused``, ``HubUnavailable``."""
    answer = yield from ask(request, patience)
    if not 200 <= answer.status < 300:
        raise error_of(answer)
    if not answer.json():
        raise HubUnavailable("not-a-hub", "the answer is no JSON object: something else answers at this URL")
    return answer
