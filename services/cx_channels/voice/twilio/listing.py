"""List the calls of an account that are over, as the webhooks that told of them.

www.twilio.com/docs/voice/api/call-resource. A call that came in is the request of its beginning, and each call the
callback of its last status. Legs that another call dialled are not made: only the TwiML knows what was told of them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator

from cx_channels.catch_up.listing import Listed, Page, Span
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, text
from cx_channels.kit.listed import Get, listed_form
from cx_channels.kit.times import rfc2822_time
from cx_channels.kit.twilio_lists import SETTLE, is_taken, listed_pages, moment, twilio_api
from cx_channels.provider import Connection
from cx_channels.voice.twilio.kinds import OVER, status_of
from cx_events.json_types import Json
from cx_events.timestamps import Micros

_MOST_NUMBERS = 10
"""Of the callbacks of one call: four statuses, each once."""


def open_listing(connection: Connection, get: Get) -> Calls:
    """Return the lists of a connection. Raise ``Fatal`` for settings that can't be meant."""
    return Calls(connection, get)


class Calls:
    """An account's calls that have ended, the latest begun first."""

    settle = SETTLE
    overlap = 600.0

    def __init__(self, connection: Connection, get: Get) -> None:
        self._connection = connection
        self._api = twilio_api(connection)
        self._get = get

    async def names(self) -> AsyncGenerator[str, None]:
        yield "calls"

    async def pages(self, name: str, span: Span) -> AsyncGenerator[Page, None]:
        query = {"EndTime>": moment(span.since)}
        async for calls in listed_pages(self._get, self._api, "Calls", "calls", query):
            yield tuple(listed for each in calls if self._is_wanted(each, span) for listed in _listed(each))

    def _is_wanted(self, call: Json, span: Span) -> bool:
        ours = text(call.get("to" if text(call.get("direction")) == "inbound" else "from"))
        return _is_within(call, span) and is_taken(self._connection, ours)


def _listed(call: Json) -> Iterator[Listed]:
    if text(call.get("direction")) == "inbound":
        yield Listed(listed_form(begin_fields(call), rfc2822_time(text(call.get("start_time")))))
    ids = f"{id_part(text(call.get('sid')))}/status/{status_of(text(call.get('status')))}"
    # The list does not say of which statuses callbacks were asked for, which they are numbered by.
    others = frozenset({ids, *(f"{ids}/{number}" for number in range(_MOST_NUMBERS))})
    yield Listed(listed_form(end_fields(call), _ended(call) or None), others)


def begin_fields(call: Json) -> dict[str, str]:
    """Return the request for TwiML of a call that came in."""
    return {**_fields(call), "CallStatus": "ringing"}


def end_fields(call: Json) -> dict[str, str]:
    """Return the callback of a call's last status, the only one that Twilio tells of by default."""
    answered_by = text(call.get("answered_by"))
    return {
        **_fields(call), "CallStatus": text(call.get("status")), "CallDuration": text(call.get("duration")) or "0",
        "Timestamp": text(call.get("end_time")), "CallbackSource": "call-progress-events", "SequenceNumber": "0",
        **({"AnsweredBy": answered_by} if answered_by else {}),
    }  # fmt: skip


def _fields(call: Json) -> dict[str, str]:
    forwarded = text(call.get("forwarded_from"))
    return {
        "CallSid": text(call.get("sid")),
        "AccountSid": text(call.get("account_sid")),
        "ApiVersion": text(call.get("api_version")),
        "Direction": text(call.get("direction")),
        "From": text(call.get("from")),
        "To": text(call.get("to")),
        "CallerName": text(call.get("caller_name")),
        **({"ForwardedFrom": forwarded} if forwarded else {}),
    }


def _ended(call: Json) -> Micros:
    return rfc2822_time(first(call.get("end_time"), call.get("date_updated"))) or 0


def _is_within(call: Json, span: Span) -> bool:
    if (
        not text(call.get("sid"))
        or text(call.get("parent_call_sid"))
        or status_of(text(call.get("status"))) not in OVER
    ):
        return False
    return span.since <= _ended(call) <= span.until
