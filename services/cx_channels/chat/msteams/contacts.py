"""Map the begin and the end of a contact with the bot, and that somebody else is to go on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

from cx_channels.chat.msteams.activity import Activity, draft_of
from cx_channels.chat.msteams.kinds import COLLEAGUES, IGNORED
from cx_channels.chat.msteams.messages import ignored
from cx_channels.chat.msteams.people import Person, concerns_customers, writer_of
from cx_channels.kit.json_values import first, objects, text
from cx_channels.kit.outcomes import Outcome
from cx_events.envelope import Data, Handoff


def map_members(activity: Activity) -> Iterable[Outcome]:
    """Map that the bot was added to a conversation: a chat with it began. Others who come or go are left out."""
    added = [text(each.get("id")) for each in objects(activity.value.get("membersAdded"))]
    if not activity.bot or activity.bot not in added:
        kind = activity.kind
        return (ignored(kind if kind in IGNORED else "conversationUpdate"),)
    return _of_contact(activity, "cx.interaction.started.v1", "started", _way)


def map_handoff(activity: Activity) -> Iterable[Outcome]:
    """Map that somebody else is asked to go on."""

    def asked(person: Person) -> Data:
        by: Literal["customer", "bot", "agent"] = (
            "customer" if person.is_customer else "bot" if person.role == "bot" else "agent"
        )
        data = _way(person)
        data.handoff = Handoff(by=by)
        return data

    return _of_contact(activity, "cx.handoff.requested.v1", "handoff", asked)


def map_end(activity: Activity) -> Iterable[Outcome]:
    """Map the end of a conversation. ``code``: why."""
    reason = text(activity.value.get("code"))[:200]
    return _of_contact(activity, "cx.interaction.ended.v1", "ended", lambda _: Data(reason=reason))


def _of_contact(activity: Activity, event_type: str, what: str, data_of: Callable[[Person], Data]) -> Iterable[Outcome]:
    """Draft an event of a contact that concerns customers. ``data_of``: what else it tells, of who sent it."""
    person = writer_of(activity)
    if not activity.root:
        return (activity.lost("malformed: it names no conversation"),)
    if not concerns_customers(activity, person):
        return (ignored(COLLEAGUES),)
    at = first(activity.id, activity.value.get("timestamp"))
    data = data_of(person)
    data.participants = [person.participant(activity)] if person.id else []
    return (draft_of(activity, event_type, activity.own_id(at, what), data),)


def _way(person: Person) -> Data:
    return Data(direction=person.direction if person.id else None)
