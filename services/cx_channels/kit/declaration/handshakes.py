"""Answer a vendor's check of the URL, as a declaration says: a signed question by its kind, and the members to answer.

``{hmac: $.token}`` in an answer is the HMAC of a token under the newest secret, in lower-case hex. The same secret
signs requests, so nothing is signed that could be one: a token is short, of letters, digits, ``-`` and ``_`` alone.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from cx_channels.kit.declaration.expressions import compile_value
from cx_channels.kit.declaration.mistakes import Place
from cx_channels.kit.declaration.scope import Read, Scope
from cx_channels.kit.json_values import text
from cx_channels.provider import Answer
from cx_events.errors import Refused

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True, slots=True)
class Handshake:
    """``kind``: of the question. ``members``: of the JSON object that answers it."""

    kind: str
    members: tuple[tuple[str, Callable[[Scope, str], str]], ...]

    def answer(self, s: Scope, secrets: Iterable[str]) -> Answer:
        """Return the answer. ``Refused`` (400) where the question lacks a token, or has one of another shape."""
        secret = next((each for each in secrets if each.strip()), "")
        found = {name: read(s, secret) for name, read in self.members}
        return Answer(body=msgspec.json.encode(found), content_type="application/json")


def compile_handshake(given: Any, place: Place) -> Handshake | None:
    """Return the declared handshake: ``{kind: KIND, answer: {NAME: TOKEN or {hmac: TOKEN}}}``."""
    if given is None:
        return None
    members = place.members(given, ("kind", "answer"))
    kind = place.text_at(members, "kind")
    answer = members.get("answer")
    if not kind or not isinstance(answer, Mapping) or not answer:
        place.wrong("expected the 'kind' of the question, and a mapping 'answer' with its members")
        return None
    at = place.at("answer")
    return Handshake(kind, tuple((str(name), _member(each, at.at(name))) for name, each in answer.items()))


def _member(given: Any, place: Place) -> Callable[[Scope, str], str]:
    if isinstance(given, Mapping) and set(given) == {"hmac"}:
        signed = compile_value(given["hmac"], place.at("hmac")).read
        return lambda s, secret: hmac.digest(secret.encode(), _token(signed, s, place).encode(), "sha256").hex()
    read = compile_value(given, place).read
    return lambda s, _secret: _token(read, s, place)


def _token(read: Read, s: Scope, place: Place) -> str:
    found = text(read(s))
    if not _TOKEN.fullmatch(found):
        raise Refused("malformed", f"{place.text}: the question has no token of letters and digits", 400)
    return found
