"""Map Slack's requests, by kind: events, controls and slash commands.

``KINDS`` and ``kinds.IGNORED`` together name every documented kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cx_channels.chat.slack import controls, messages
from cx_channels.chat.slack.kinds import IGNORED
from cx_channels.chat.slack.notice import Notice, notice_of, read_json
from cx_channels.kit.drafts import sort_outcomes
from cx_channels.kit.json_values import obj, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.settings import lists
from cx_channels.provider import Connection, Mapped, Request, Unmapped
from cx_events.dead_letters import UNKNOWN_KIND
from cx_events.errors import Refused
from cx_events.json_types import Json

KINDS: Mapping[str, tuple[Callable[[Notice], Outcome], str]] = {**messages.KINDS, **controls.KINDS}

DOCUMENTED: Mapping[str, str] = {
    **{kind: becomes for kind, (_, becomes) in KINDS.items()},
    **{kind: f"ignored: {why}" for kind, why in IGNORED.items()},
}


def map_request(request: Request, connection: Connection) -> Mapped:
    """Map a request. Raise ``Refused("malformed")`` for a body that is none of Slack's."""
    notice = _notice(request.once(read_json), connection)
    return sort_outcomes([_outcome(notice)])


def _notice(value: Json, connection: Connection) -> Notice:
    event = value.get("event")
    if isinstance(event, dict):
        return notice_of(connection, value, event, kind_of(event))
    if text(value.get("command")) and "user_id" in value:
        return notice_of(connection, value, value, "command")
    kind = text(value.get("type"))
    if not kind:
        raise Refused("malformed", "neither an event in its envelope, nor a payload with a type, nor a command")
    # An event without its envelope names neither workspace nor delivery, and may be anybody's.
    return notice_of(connection, value, value, f"{kind}/without envelope" if kind in _ONLY_EVENTS else kind)


_ONLY_EVENTS = frozenset({*messages.KINDS, *(kind for kind in IGNORED if "/" not in kind)}) - {
    "url_verification", "view_closed", "block_suggestion", "app_rate_limited", "colleagues", "other-team",
}  # fmt: skip


def _outcome(notice: Notice) -> Outcome:
    kind = notice.kind
    if kind != "url_verification" and not _ours(notice):
        return messages.ignored("other-team")
    if kind in KINDS:
        return KINDS[kind][0](notice)
    if kind in IGNORED:
        return messages.ignored(kind)
    lost = notice.lost("")
    return Unmapped(lost.id, f"{UNKNOWN_KIND}: {kind[:64]!r}", lost.original)


def _ours(notice: Notice) -> bool:
    """Return whether the setting ``installations`` lists the workspace: one app serves all that installed it."""
    connection = notice.connection
    if not connection.settings.get("installations"):
        return True
    return any(lists(connection, "installations", each) for each in (notice.installed, notice.enterprise))


def kind_of(event: Json) -> str:
    """Return the kind of an event as the tables name it."""
    kind, subtype = text(event.get("type")), text(event.get("subtype"))
    return f"{kind}/{subtype}" if kind == "message" and subtype else kind


def kinds_of(request: Request, connection: Connection) -> tuple[str, ...]:
    """Return the kind of a request's notice, if ``DOCUMENTED`` names it."""
    kind = _notice(obj(request.once(read_json)), connection).kind
    return (kind,) if kind in DOCUMENTED else ()
