"""Make the trail of a bot: what it understood, learned and said, within a contact.

A bot that takes part in a contact of another channel writes the interaction that the contact has there. It is told to
the bot as a value of the session (docs/recipes), which whoever begins the session chooses, so that a connection's
settings name the value (``interaction``) and the connections whose contacts it may be (``guest_of``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cx_channels.kit.ids import is_plain
from cx_channels.kit.json_values import obj, objects, text, texts
from cx_channels.kit.settings import texts_of
from cx_channels.provider import Connection
from cx_events.envelope import Identifier, Participant, Weight
from cx_events.errors import Fatal
from cx_events.json_types import Json
from cx_events.weights import CLAIMED

SETTINGS = frozenset({"guest_of", "identifiers", "interaction"})
KINDS = ("account", "crm", "email", "phone")

WEIGHTS: Mapping[str, Mapping[Weight, str]] = {
    kind: {"claimed": "a value of the bot's session, which anybody may have typed"} for kind in KINDS
}

_MOST_SLOTS, _LONGEST_NAME = 100, 200
_SAYS_NOTHING: tuple[Any, ...] = (None, "", [], {})
_MOST_CARDS = 50
_PRESSED = frozenset({"button", "chips", "divider"})
_DIGITS = re.compile(r"[0-9](?:[ -]?[0-9]){12,18}")


def check_settings(connection: Connection) -> None:
    """Raise ``Fatal`` for settings of a trail that can't be meant."""
    named, kinds = connection.settings.get("interaction"), connection.settings.get("identifiers")
    if named is not None and not isinstance(named, str):
        raise Fatal(f"the connection {connection.id}: interaction is the name of a value of the session")
    if bool(named) is not bool(texts_of(connection.settings, "guest_of")):
        raise Fatal(
            f"the connection {connection.id}: interaction needs guest_of, the connections whose contacts it names"
        )
    if kinds is not None and (not isinstance(kinds, Mapping) or not set(kinds.values()) <= set(KINDS)):
        raise Fatal(f"the connection {connection.id}: identifiers maps names of values to one of {', '.join(KINDS)}")


def passed_interaction(connection: Connection, *told: Json) -> str:
    """Return the interaction that the session was told to belong to, where the settings allow it; else "". ``told``:
    the session's values; of several objects the first that has the name counts."""
    named = connection.settings.get("interaction")
    if not isinstance(named, str):
        return ""
    found = next((text(each[named]) for each in told if named in each), "")
    host, slash, _ = found.partition("/")
    return found if slash and is_plain(found) and host in texts_of(connection.settings, "guest_of") else ""


def customer(connection: Connection, values: Json, *more: Identifier) -> Participant:
    """Return the customer, with the identifiers that the setting ``identifiers`` finds among the session's values."""
    if not values:
        return Participant(role="customer", identifiers=list(more))
    found = [
        Identifier(kind=kind, value=value, weight=CLAIMED)
        for name, kind in connection.once(_kinds_by_name)
        if (value := text(values.get(name)).strip()) and len(value) <= 320
    ]
    return Participant(role="customer", identifiers=[*more, *found])


def _kinds_by_name(connection: Connection) -> tuple[tuple[str, str], ...]:
    named = connection.settings.get("identifiers")
    pairs = named.items() if isinstance(named, Mapping) else ()
    return tuple((name, kind) for name, kind in pairs if kind in KINDS)


def is_card(value: str) -> bool:
    """Return whether a text holds 13 to 19 digits in a row that are a payment card's by their check digit (ISO/IEC
    7812-1, annex B)."""
    return len(value) >= 13 and any(map(_passes_check, _DIGITS.findall(value)))


def _passes_check(written: str) -> bool:
    digits = [int(each) for each in written if each.isdigit()]
    doubled = [sum(divmod(2 * each, 10)) for each in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def slots_of(values: Json) -> dict[str, Any]:
    """Return the values that say something: none that are empty, and none that hold the number of a card."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if 0 < len(name) <= _LONGEST_NAME and (kept := _kept(value)) not in _SAYS_NOTHING:
            found[name] = kept
            if len(found) == _MOST_SLOTS:
                break
    return found


def _kept(value: Any) -> Any:
    """Return a value without the texts and numbers that are cards, in any depth."""
    if isinstance(value, dict):
        return {name: kept for name, each in value.items() if (kept := _kept(each)) not in _SAYS_NOTHING}
    if isinstance(value, list):
        return [kept for each in value if (kept := _kept(each)) not in _SAYS_NOTHING]
    written = text(value)
    return None if is_card(written) else value


def words_of_rich(payload: Any) -> str:
    """Return the words of a bot's own payload, of the kinds that are common: ``text``, ``title``, ``message``; the
    cards of ``richContent`` (cloud.google.com/dialogflow/es/docs/integrations/dialogflow-messenger, "Rich response
    messages") or of a template's ``elements``. What may be pressed is not said."""
    value = obj(payload)
    named = next((found for name in ("text", "title", "message") if (found := text(value.get(name)))), "")
    return named or "\n".join(line for card in _cards(value) for line in _lines(card))


def _cards(value: Json) -> Iterator[Json]:
    rows = value.get("richContent")
    for row in rows[:_MOST_CARDS] if isinstance(rows, list) else ():
        yield from objects(row)[:_MOST_CARDS]
    yield from objects(value.get("elements"))[:_MOST_CARDS]


def _lines(card: Json) -> Iterator[str]:
    if text(card.get("type")) in _PRESSED:
        return
    for name in ("title", "subtitle", "text"):
        shown = card.get(name)
        yield from texts(shown) if isinstance(shown, list) else filter(None, [text(shown)])
