"""Read what a text that names a customer may mean, without asking anybody."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

from cx_events.errors import Refused
from cx_events.ids import parse_node_id

HELP = "An id, KIND:VALUE, a mail address, a phone number, interaction:ID, conversation:ID or event:SOURCE#ID."
MOST_CHARACTERS = 600

_IDENTIFIER = re.compile(r"[a-z][a-z0-9_-]*:.+", re.DOTALL)
_MAIL = re.compile(r"[^\s/@]+@[^\s/@]+")
_PHONE = re.compile(r"\+?[0-9 ().-]+")
_LEAST_DIGITS = 5


class Sort(StrEnum):
    """Kinds of things that a text may name."""

    CUSTOMER = "customer"
    CONVERSATION = "conversation"
    INTERACTION = "interaction"
    EVENT = "event"
    IDENTIFIER = "identifier"


class Reading(NamedTuple):
    """One meaning of a text. ``value``: an identifier as ``KIND:VALUE``, an event as ``SOURCE#ID``."""

    sort: Sort
    value: str


def read_customer_name(text: str) -> tuple[Reading, ...]:
    """Return what a text may mean, likeliest first. Raises ``Refused("bad-customer")`` for none."""
    text = text.strip()
    if not text or len(text) > MOST_CHARACTERS or not text.isprintable():
        raise Refused("bad-customer", f"{text[:64]!r} names no customer. {HELP}", 400)
    return _said(text) or _guessed(text)


def _said(text: str) -> tuple[Reading, ...]:
    """Return the reading of a text that says what it is."""
    kind, _, value = text.partition(":")
    if kind == Sort.EVENT:
        if not all(value.rpartition("#")[::2]):
            raise Refused("bad-customer", f"{text[:64]!r}: an event is written event:SOURCE#ID", 400)
        return (Reading(Sort.EVENT, value),)
    if kind in (Sort.CUSTOMER, Sort.CONVERSATION, Sort.INTERACTION):
        if not value:
            raise Refused("bad-customer", f"{text[:64]!r}: an id stands after the colon", 400)
        if kind != Sort.INTERACTION and not _is_uuid(value):
            raise Refused("bad-id", f"{value[:64]!r} is not an id (expected a UUID)", 404)
        return (Reading(Sort(kind), value),)
    return ()


def _guessed(text: str) -> tuple[Reading, ...]:
    whole = Reading(Sort.INTERACTION, text)
    if _is_uuid(text):
        return Reading(Sort.CUSTOMER, text), Reading(Sort.CONVERSATION, text), whole
    if "#" in text and all(text.rpartition("#")[::2]):
        return Reading(Sort.EVENT, text), whole
    if _IDENTIFIER.fullmatch(text):
        return Reading(Sort.IDENTIFIER, text), whole
    if _MAIL.fullmatch(text):
        return (Reading(Sort.IDENTIFIER, f"email:{text}"),)
    if _PHONE.fullmatch(text) and sum(map(str.isdigit, text)) >= _LEAST_DIGITS:
        return Reading(Sort.IDENTIFIER, f"phone:{text}"), whole
    return (whole,)


def _is_uuid(text: str) -> bool:
    try:
        parse_node_id(text)
    except Refused:
        return False
    return True


def unknown(text: str, readings: tuple[Reading, ...]) -> Refused:
    """Return the refusal of a text by which nobody is known: it says how the text was read."""
    as_what = " or ".join(f"{each.sort} {each.value[:64]}" for each in readings)
    more = "" if len(readings) > 1 or readings[0].sort is not Sort.INTERACTION else f". {HELP}"
    return Refused("unknown-customer", f"nobody is known by {text[:64]!r}, read as {as_what}{more}", 404)
