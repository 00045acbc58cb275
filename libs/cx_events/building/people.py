"""Build participants, identifiers and references, as they stand in an event's ``data``."""

from __future__ import annotations

from collections.abc import Iterable

from cx_events.envelope import Weight
from cx_events.errors import Refused
from cx_events.json_types import Json


def identifier(kind: str, value: str, *, scope: str = "", weight: Weight | None = None) -> Json:
    """Return an identifier. ``kind``: ``email``, ``phone``, ``cookie``, ``crm``, ``account`` or a platform's own.

    ``weight``: ``proved`` or ``asserted`` where the key may say so (``docs/integrating.md`` tells which is true);
    without it the identifier is claimed. Raises ``Refused("empty-identifier")``.
    """
    if not value or value.isspace():
        raise Refused("empty-identifier", f"the identifier of kind {kind!r} is empty: leave it out")
    more = {"scope": scope} if scope else {}
    return {"kind": kind, "value": value, **more, **({"weight": weight} if weight is not None else {})}


def customer(
    name: str = "",
    *,
    email: str | None = None,
    phone: str | None = None,
    cookie: str | None = None,
    crm: str | None = None,
    account: str | None = None,
    identifiers: Iterable[Json] = (),
    weight: Weight | None = None,
) -> Json:
    """Return the participant whom an event is about, by identifiers that are all one person's.

    ``weight``: of those that are given by name, but for a cookie, which is always claimed. ``identifiers``: others, of
    ``identifier``. Raises ``Refused("empty-identifier")``.
    """
    named = {"email": email, "phone": phone, "crm": crm, "account": account}
    found = [identifier(kind, value, weight=weight) for kind, value in named.items() if value is not None]
    if cookie is not None:
        found.append(identifier("cookie", cookie))
    return _participant("customer", "", name, [*found, *identifiers])


def agent(id: str, name: str = "") -> Json:
    """Return an agent as a participant."""
    return _participant("agent", id, name, [])


def bot(id: str, name: str = "") -> Json:
    """Return a bot as a participant."""
    return _participant("bot", id, name, [])


def _participant(role: str, id: str, name: str, identifiers: list[Json]) -> Json:
    fields = {"id": id, "name": name, "identifiers": identifiers}
    return {"role": role, **{field: value for field, value in fields.items() if value}}


def reference(kind: str, value: str) -> Json:
    """Return a reference to what an event is about or answers: an ``order``, ``case``, ``thread``, ``message``,
    ``call``, ``token`` or ``interaction``."""
    return {"kind": kind, "value": value}
