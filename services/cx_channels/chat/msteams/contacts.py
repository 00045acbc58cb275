"""Map the begin and the end of a contact with the bot, and that somebody else is to go on."""

from __future__ import annotations

from collections.abc import Iterator

from cx_channels.chat.msteams.activity import Activity, draft_of
from cx_channels.chat.msteams.kinds import COLLEAGUES, IGNORED
from cx_channels.chat.msteams.messages import ignored
from cx_channels.chat.msteams.people import concerns_customers, writer_of
from cx_channels.kit.json_values import first, objects, text
from cx_channels.kit.outcomes import Outcome
from cx_events.envelope import Handoff


def map_members(activity: Activity) -> Iterator[Outcome]:
    """Map that the bot was added to a conversation: a chat with it began. Others who come or go are left out."""
    added = [text(each.get("id")) for each in objects(activity.value.get("membersAdded"))]
    if not activity.bot or activity.bot not in added:
        kind = activity.kind
        yield ignored(kind if kind in IGNORED else "conversationUpdate")
        return
    person = writer_of(activity)
    if not activity.root:
        yield activity.lost("malformed: it names no conversation")
        return
    if not concerns_customers(activity, person):
        yield ignored(COLLEAGUES)
        return
    at = first(activity.id, activity.value.get("timestamp"))
    yield draft_of(
        activity, "cx.interaction.started.v1", activity.own_id(at, "started"),
        direction=person.direction if person.id else None,
        participants=[person.participant(activity)] if person.id else [],
    )  # fmt: skip


def map_handoff(activity: Activity) -> Iterator[Outcome]:
    """Map that somebody else is asked to go on."""
    person = writer_of(activity)
    if not activity.root:
        yield activity.lost("malformed: it names no conversation")
        return
    if not concerns_customers(activity, person):
        yield ignored(COLLEAGUES)
        return
    at = first(activity.id, activity.value.get("timestamp"))
    yield draft_of(
        activity, "cx.handoff.requested.v1", activity.own_id(at, "handoff"),
        direction=person.direction if person.id else None,
        participants=[person.participant(activity)] if person.id else [],
        handoff=Handoff(by="customer" if person.is_customer else "bot" if person.role == "bot" else "agent"),
    )  # fmt: skip


def map_end(activity: Activity) -> Iterator[Outcome]:
    """Map the end of a conversation. ``code``: why."""
    person = writer_of(activity)
    if not activity.root:
        yield activity.lost("malformed: it names no conversation")
        return
    if not concerns_customers(activity, person):
        yield ignored(COLLEAGUES)
        return
    at = first(activity.id, activity.value.get("timestamp"))
    yield draft_of(
        activity, "cx.interaction.ended.v1", activity.own_id(at, "ended"),
        participants=[person.participant(activity)] if person.id else [],
        reason=text(activity.value.get("code"))[:200],
    )  # fmt: skip
