"""Map the updates of the Bot API, by kind: ``messages``, ``acts`` and ``kinds.IGNORED`` name every documented one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from cx_channels.kit.drafts import sort_outcomes
from cx_channels.kit.json_values import read_object
from cx_channels.kit.outcomes import Outcome
from cx_channels.provider import Connection, Ignored, Mapped, Request, Unmapped
from cx_channels.social.telegram import acts, messages
from cx_channels.social.telegram.content import CONTENTS
from cx_channels.social.telegram.kinds import IGNORED, SERVICES
from cx_channels.social.telegram.update import Update, update_of
from cx_events.dead_letters import UNKNOWN_KIND
from cx_events.errors import Refused
from cx_events.json_types import Json

KINDS: Mapping[str, tuple[Callable[[Update], Iterator[Outcome]], str]] = {**messages.KINDS, **acts.KINDS}

DOCUMENTED: Mapping[str, str] = {
    **{kind: becomes for kind, (_, becomes) in KINDS.items()},
    **{kind: f"ignored: {why}" for kind, why in IGNORED.items()},
}

_CONTENTS = frozenset(CONTENTS)
_MESSAGES = frozenset({"message", "business_message"})
_PAYMENTS = ("successful_payment", "refunded_payment")


def map_request(request: Request, connection: Connection) -> Mapped:
    """Map one update. Raise ``Refused("malformed")`` for a body that is none."""
    return sort_outcomes(_outcomes(_update(read_object(request.body), connection)))


def _update(value: Json, connection: Connection) -> Update:
    for field, each in value.items():
        if isinstance(each, dict) and field != "update_id":
            return update_of(connection, value.get("update_id"), field, each, _kind(field, each))
    raise Refused("malformed", "the update has no field with what happened")


def _kind(field: str, value: Json) -> str:
    if field not in _MESSAGES or not _CONTENTS.isdisjoint(value):
        return field
    found = next((name for name in (*_PAYMENTS, *SERVICES) if name in value), "")
    return f"service/{found}" if found else field


def _outcomes(update: Update) -> Iterator[Outcome]:
    kind = update.kind
    if update.connection.settings.get("groups") == "ignore" and messages.is_group(update):
        yield Ignored("group", IGNORED["group"])
    elif kind in _MESSAGES and update.message_id and _CONTENTS.isdisjoint(update.value):
        yield Unmapped(update.lost("").id, f"{UNKNOWN_KIND}: a message of a kind that is not known", update.raw)
    elif kind in KINDS:
        yield from KINDS[kind][0](update)
    elif kind in IGNORED:
        yield Ignored(kind, IGNORED[kind])
    else:
        yield Unmapped(update.lost("").id, f"{UNKNOWN_KIND}: {kind[:64]!r}", update.raw)


def kinds_of(request: Request, connection: Connection) -> tuple[str, ...]:
    """Return the kind of an update, if ``DOCUMENTED`` names it."""
    kind = _update(read_object(request.body), connection).kind
    return (kind,) if kind in DOCUMENTED else ()
