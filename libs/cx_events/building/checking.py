"""Check an event as the hub will, before it is sent."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec

from cx_events.client_data import decode_base64_data
from cx_events.client_events import accept
from cx_events.errors import Refused
from cx_events.ids import IdSpace
from cx_events.json_types import Json
from cx_events.timestamps import parse_time
from cx_events.typos import TypoFinder

ALL_SCOPES = ("*",)

_IDS = IdSpace("check", b"a key for checks alone")
"""Profile ids are derived and thrown away: those of a tenant can't be known here."""


def check_event(event: Mapping[str, Any], *, scopes: Collection[str] = ALL_SCOPES) -> list[str]:
    """Return warnings in words about an event that the hub would accept: likely typos, identifiers of no use.

    ``scopes``: those of the key that will send it, if they are known. Raises ``Refused`` as the hub would: ``reason``
    names the fault, ``detail`` its place. Left to the hub: the source (a connection's is refused), the tenant's own
    lists of junk, and continuity tokens.
    """
    try:
        value: Json = msgspec.json.decode(msgspec.json.encode(event))
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise Refused("not-json", f"the event can't be written as JSON: {error}", 400) from None
    time = value.get("time") if isinstance(value, dict) else None
    recorded = parse_time(time) if isinstance(time, str) else 0
    stamped = accept(value, ids=_IDS, recorded=recorded, scopes=scopes)
    warnings = [typo.sentence() for typo in TypoFinder().typos_of(decode_base64_data(value))]
    data = msgspec.json.decode(stamped.raw).get("data")
    return [*warnings, *(_unusable(data) if isinstance(data, dict) else ())]


def _unusable(data: Json) -> Iterator[str]:
    for number, participant in enumerate(data.get("participants", ())):
        for place, each in enumerate(participant.get("identifiers", ())):
            why = each.get("unusable") if participant["role"] == "customer" else None
            if why:
                given = each.get("given") or each["value"]
                yield (
                    f"data.participants[{number}].identifiers[{place}]: the {each['kind']} {given!r} identifies nobody "
                    f"({why}){_ADVICE.get(each['kind'], '')}"
                )


_ADVICE = {"phone": ": send it with its country code, like +15550100123"}
