"""Map what came, by its door: what we fetched or were streamed (``MESSAGE``), else an activity of an inbox.

The door is told by how it came, never by what stands in it: whoever may post to the inbox must not speak as our
account's server.
"""

from __future__ import annotations

from collections.abc import Mapping

from cx_channels.kit.drafts import sort_outcomes
from cx_channels.kit.json_values import first, obj, read_object, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.signing import sha256_hex
from cx_channels.provider import Answer, Connection, Mapped, Request, Unmapped
from cx_channels.social.mastodon import activity, api
from cx_channels.social.mastodon.account import Account
from cx_channels.social.mastodon.kinds import IGNORED
from cx_channels.social.mastodon.status import encode
from cx_events.dead_letters import UNKNOWN_KIND
from cx_events.json_types import Json

FETCHED = "MESSAGE"

DOCUMENTED: Mapping[str, str] = {
    **{kind: becomes for kind, (_, becomes) in activity.MAPPED.items()},
    **{f"stream/{kind}": becomes for kind, (_, becomes) in api.EVENTS.items() if becomes},
    **{f"notification/{kind}": becomes for kind, becomes in api.MENTIONED.items()},
    **{kind: f"ignored: {why}" for kind, why in IGNORED.items()},
}


def read_body(request: Request) -> Json:
    """For ``Request.once``: the body. Raise ``Refused("malformed")`` for what is no JSON object."""
    return read_object(request.body)


def map_request(request: Request, connection: Connection) -> Mapped:
    """Map one activity or event. Raise ``Refused("malformed")`` for any other body."""
    value = request.once(read_body)
    outcome = _of_api(connection, value) if request.method == FETCHED else _of_inbox(connection, value)
    return sort_outcomes((outcome,))


def _of_api(connection: Connection, value: Json) -> Outcome:
    own = obj(value.get("account"))
    return api.map_event(Account.of(connection, text(own.get("uri")), text(own.get("url"))), value)


def _of_inbox(connection: Connection, value: Json) -> Outcome:
    kind = activity.type_of(value)
    if kind in activity.MAPPERS and ("object" in value or "actor" in value):
        return activity.map_activity(Account.of(connection), value, kind)
    raw = encode(value)
    return Unmapped(sha256_hex(raw)[:32], f"{UNKNOWN_KIND}: {first(kind, 'without a type')[:64]!r}", raw)


def kinds_of(request: Request, _connection: Connection) -> tuple[str, ...]:
    """Return the kinds of what came, as ``DOCUMENTED`` names them."""
    value = request.once(read_body)
    if request.method != FETCHED:
        return (activity.type_of(value),)
    event = text(value.get("event"))
    kind = text(api.payload_of(value).get("type"))
    return (f"notification/{kind}",) if event == "notification" else (f"stream/{event}",)


def answer(_mapped: Mapped, _request: Request) -> Answer:
    """Return 202, as servers of the Fediverse answer each other (ActivityPub, section 7.1)."""
    return Answer(202)
