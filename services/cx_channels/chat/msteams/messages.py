"""Map what is written, and what is done to it: messages, their new versions, deletions, reactions, receipts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cx_channels.chat.msteams.activity import Activity, draft_of
from cx_channels.chat.msteams.content import answered_by, files_of, filled_in, message_of
from cx_channels.chat.msteams.kinds import COLLEAGUES, IGNORED
from cx_channels.chat.msteams.people import concerns_customers, writer_of
from cx_channels.kit.json_values import first, obj, objects, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.provider import Ignored
from cx_events.envelope import Data, Message
from cx_events.json_types import Json


def ignored(kind: str) -> Ignored:
    """Return a kind that is left out, with the reason."""
    return Ignored(kind, IGNORED[kind])


def map_message(activity: Activity) -> Iterable[Outcome]:
    """Map a message, or what somebody filled in on a card."""
    person = writer_of(activity)
    if not activity.root or not activity.id or not person.id:
        return (activity.lost("malformed: it names no conversation, no message or no writer"),)
    if not concerns_customers(activity, person):
        return (ignored(COLLEAGUES),)
    message = message_of(activity, activity.id)
    if not message.text and not message.attachments:
        return (activity.lost("malformed: it has neither words nor a file"),)
    draft = draft_of(
        activity,
        "cx.message.received.v1" if person.is_customer else "cx.message.sent.v1",
        activity.own_id(activity.id),
        Data(
            direction=person.direction,
            participants=[person.participant(activity)],
            agent=person.agent,
            message=message,
        ),
    )
    return (draft,)


def map_edit(activity: Activity) -> Iterable[Outcome]:
    """Map a new version of a message; one that was deleted and is there again comes so, too."""
    return _changed(activity, "edited", message_of(activity, activity.id))


def map_deletion(activity: Activity) -> Iterable[Outcome]:
    """Map the deletion of a message."""
    return _changed(activity, "deleted", Message(id=activity.message_id(activity.id)))


def _changed(activity: Activity, what: str, message: Message) -> Iterable[Outcome]:
    person = writer_of(activity)
    if not activity.root or not activity.id:
        return (activity.lost("malformed: it names no conversation, or no message"),)
    if not concerns_customers(activity, person):
        return (ignored(COLLEAGUES),)
    event = text(obj(activity.value.get("channelData")).get("eventType")) or what
    at = first(activity.value.get("timestamp"), activity.value.get("localTimestamp"))
    draft = draft_of(
        activity,
        f"cx.message.{what}.v1",
        activity.own_id(activity.id, event, at),
        Data(
            direction=person.direction,
            participants=[person.participant(activity)] if person.id else [],
            agent=person.agent,
            message=message,
            reason="undeleted" if event == "undeleteMessage" else "",
        ),
    )
    return (draft,)


def map_reaction(activity: Activity) -> Iterator[Outcome]:
    """Map reactions to a message, each one that was added or taken back."""
    person, about = writer_of(activity), text(activity.value.get("replyToId"))
    if not activity.root or not about or not person.id:
        yield activity.lost("malformed: it names no message, or nobody")
        return
    if not concerns_customers(activity, person):
        yield ignored(COLLEAGUES)
        return
    at = first(activity.value.get("timestamp"), activity.id)
    for way, listed in (("added", "reactionsAdded"), ("removed", "reactionsRemoved")):
        for name in dict.fromkeys(text(each.get("type")) for each in objects(activity.value.get(listed))):
            yield draft_of(
                activity,
                "cx.message.reacted.v1",
                activity.own_id(about, "reaction", person.id, name, way, at),
                Data(
                    direction=person.direction,
                    participants=[person.participant(activity)],
                    agent=person.agent,
                    message=Message(id=activity.message_id(about)),
                    reaction=name if way == "added" else "",
                    reason="" if way == "added" else "unreact",
                ),
            )


def map_receipt(activity: Activity) -> Iterable[Outcome]:
    """Map how far somebody has read."""
    person = writer_of(activity)
    about = text(obj(activity.value.get("value")).get("lastReadMessageId"))
    if not activity.root or not about:
        return (activity.lost("malformed: it names no message"),)
    if not concerns_customers(activity, person):
        return (ignored(COLLEAGUES),)
    draft = draft_of(
        activity,
        "cx.message.read.v1",
        activity.own_id(about, "read", person.id),
        Data(
            direction=person.direction,
            participants=[person.participant(activity)] if person.id else [],
            message=Message(id=activity.message_id(about)),
        ),
    )
    return (draft,)


def map_action(activity: Activity) -> Iterable[Outcome]:
    """Map what somebody pressed: on a card, on a suggestion, or to take or leave a file."""
    person = writer_of(activity)
    if not activity.root or not person.id or not activity.id:
        return (activity.lost("malformed: it names no conversation, no activity or nobody"),)
    if not concerns_customers(activity, person):
        return (ignored(COLLEAGUES),)
    given = obj(activity.value.get("value"))
    words = _consent(given) if activity.kind == "invoke/fileConsent/invoke" else filled_in(activity.value.get("value"))
    message = Message(
        id=activity.message_id(activity.id), text=words, content_type="text/plain" if words else "",
        in_reply_to=answered_by(activity), attachments=files_of(activity.value),
    )  # fmt: skip
    draft = draft_of(
        activity,
        "cx.message.received.v1" if person.is_customer else "cx.message.sent.v1",
        activity.own_id(activity.id, "invoke"),
        Data(
            direction=person.direction,
            participants=[person.participant(activity)],
            agent=person.agent,
            message=message,
            reason=activity.kind.partition("/")[2],
        ),
    )
    return (draft,)


def _consent(given: Json) -> str:
    return f"{text(given.get('action')) or 'answered'} the file"
