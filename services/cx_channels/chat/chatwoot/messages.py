"""Map messages, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cx_channels.chat.chatwoot.kinds import ignored
from cx_channels.chat.chatwoot.notice import Notice, encode, time_of
from cx_channels.chat.chatwoot.people import agent_of, contact_of, customer, role_of, staff
from cx_channels.kit.geo_locations import geo_url
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, number, obj, objects, text, whole
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import iso_time
from cx_events.envelope import Attachment, Failure, Message, Participant, Reference, Survey
from cx_events.json_types import Json

_KINDS = {"0": "incoming", "1": "outgoing", "2": "activity", "3": "template"}
_MEDIA = {"image": "image/*", "audio": "audio/*", "video": "video/*", "file": "application/octet-stream"}
_STATUSES = {
    "delivered": "cx.message.delivered.v1",
    "read": "cx.message.read.v1",
    "failed": "cx.message.failed.v1",
}


def type_of(notice: Notice) -> str:
    """Return the message's type; a number where the whole API's shape is sent."""
    given = text(notice.value.get("message_type"))
    return _KINDS.get(given, given)


def kind_of_message(notice: Notice) -> str:
    """Return the kind as the tables name it."""
    kind = type_of(notice)
    if notice.value.get("private") is True and kind != "activity":
        return f"{notice.event}/private"
    return f"{notice.event}/{kind}"


def map_created(notice: Notice) -> Iterator[Outcome]:
    """Map words of a contact, an agent, a bot or Chatwoot itself; a private note is never the customer's to see."""
    id, kind = text(notice.value.get("id")), type_of(notice)
    if not id or not notice.root:
        yield notice.lost("it has no id, or its account or conversation is not named")
    elif kind == "activity":
        yield ignored("message_created/activity")
    elif kind not in ("incoming", "outgoing", "template"):
        yield notice.lost(f"{kind[:32]!r} is no type of message")
    elif notice.value.get("private") is True:
        yield _note(notice, id)
    else:
        yield _said(notice, kind, id)


def _base(notice: Notice, id: str) -> str:
    return f"{notice.root}/{id_part(id)}"


def _note(notice: Notice, id: str) -> Outcome:
    sender = obj(notice.value.get("sender"))
    people = [customer(notice, contact_of(notice)), staff(sender, role_of(sender))]
    words = text(notice.value.get("content")) or ", ".join(each.name or each.url for each in files_of(notice.value))
    if not words:
        return notice.lost("a note without words")
    return notice.draft(
        "cx.conversation.note.v1", _base(notice, id), people, time_of(notice.value.get("created_at")),
        direction="internal", note=words, agent=agent_of(sender) if role_of(sender) == "agent" else None,
    )  # fmt: skip


def _said(notice: Notice, kind: str, id: str) -> Outcome:
    sender, person = obj(notice.value.get("sender")), customer(notice, contact_of(notice))
    inbound = kind == "incoming"
    role = "customer" if inbound else "bot" if kind == "template" else role_of(sender)
    people = [person] if inbound else [person, staff({} if kind == "template" else sender, role)]
    return notice.draft(
        "cx.message.received.v1" if inbound else "cx.message.sent.v1", _base(notice, id), people,
        time_of(notice.value.get("created_at")), direction="inbound" if inbound else "outbound",
        message=message_of(notice, id), references=list(_elsewhere(notice)),
        agent=agent_of(sender) if role == "agent" else None,
    )  # fmt: skip


def _elsewhere(notice: Notice) -> Iterator[Reference]:
    """Yield the message's id at the network that carried it, where it did not come by Chatwoot itself."""
    id = text(notice.value.get("source_id"))
    if id:
        yield Reference(kind="message", value=id)


def message_of(notice: Notice, id: str) -> Message:
    """Return words and files. The nested conversation may hold another message: the top alone counts."""
    words = text(notice.value.get("content"))
    about = obj(notice.value.get("content_attributes"))
    mail = obj(about.get("email"))
    return Message(
        id=id, text=words, content_type="text/plain" if words else "", subject=text(mail.get("subject")),
        in_reply_to=text(about.get("in_reply_to")), attachments=list(files_of(notice.value)),
    )  # fmt: skip


def files_of(value: Json) -> Iterator[Attachment]:
    """Yield files by their address, which may expire; a place by its coordinates."""
    for each in objects(value.get("attachments")):
        kind, size = text(each.get("file_type")), each.get("file_size")
        place = geo_url(each.get("coordinates_lat"), each.get("coordinates_long")) if kind == "location" else ""
        yield Attachment(
            name=text(each.get("fallback_title")) or ("" if kind in _MEDIA else kind),
            content_type=_MEDIA.get(kind, ""),
            bytes=whole(size),
            url=place or text(each.get("data_url")),
        )


def map_updated(notice: Notice) -> Iterator[Outcome]:
    """Map what became of a message: answered, deleted, on its way, changed. What changed is not told, only how it is
    now, so that a change which shows in nothing else counts as new words of a contact alone."""
    id, about = text(notice.value.get("id")), obj(notice.value.get("content_attributes"))
    status, answered = text(notice.value.get("status")), obj(about.get("submitted_values"))
    if not id or not notice.root:
        yield notice.lost("it has no id, or its account or conversation is not named")
    elif notice.value.get("private") is True or type_of(notice) == "activity":
        yield ignored("message_updated/private")
    elif about.get("deleted") is True:
        yield _update(notice, "cx.message.deleted.v1", id, "deleted", message=Message(id=id))
    elif obj(answered.get("csat_survey_response")):
        yield from _survey(notice, id, obj(answered.get("csat_survey_response")))
    elif type_of(notice) != "incoming" and (words := answers_of(about)):
        yield _answered(notice, id, words)
    elif status in _STATUSES:
        yield _status(notice, id, status, about)
    elif type_of(notice) == "incoming" or about.get("edited") is True or about.get("is_edited") is True:
        step = f"edited/{sha256_hex(encode([notice.value.get('content'), answered]))[:16]}"
        yield _update(notice, "cx.message.edited.v1", id, step, message=message_of(notice, id))
    else:
        yield ignored("message_updated/sent")


def _update(notice: Notice, event_type: str, id: str, step: str, **data: Any) -> Outcome:
    """Draft what happened to a message. Only some versions tell when."""
    at = time_of(notice.value.get("updated_at"))
    inbound = type_of(notice) == "incoming"
    people: list[Participant] = [customer(notice, contact_of(notice))]
    return notice.draft(
        event_type, f"{_base(notice, id)}/{step}", people, at, direction="inbound" if inbound else "outbound", **data
    )  # fmt: skip


def _status(notice: Notice, id: str, status: str, about: Json) -> Outcome:
    failure = Failure(code="failed", message=text(about.get("external_error"))) if status == "failed" else None
    return _update(notice, _STATUSES[status], id, status, message=Message(id=id), failure=failure)


def answers_of(about: Json) -> str:
    """Return what a contact chose or filled in on a message of options, a form or a question for a mail address, a
    line each: ``submitted_values`` is a list of ``{"title", "value"}`` or ``{"name", "value"}``
    (chatwoot.com/hc, interactive messages)."""
    given = objects(about.get("submitted_values"))
    lines = [
        ": ".join(filter(None, (text(each.get("name")), first(each.get("title"), each.get("value"))))) for each in given
    ]
    return "\n".join(filter(None, lines)) or text(about.get("submitted_email"))


def _answered(notice: Notice, id: str, words: str) -> Outcome:
    told = sha256_hex(words.encode("utf-8", "replace"))[:16]
    own = f"{id}/answered/{told}"
    return notice.draft(
        "cx.message.received.v1", f"{_base(notice, id)}/answered/{told}", [customer(notice, contact_of(notice))],
        time_of(notice.value.get("updated_at")), direction="inbound", reason="answered",
        message=Message(id=own, text=words, content_type="text/plain", in_reply_to=id),
    )  # fmt: skip


def _survey(notice: Notice, id: str, given: Json) -> Iterator[Outcome]:
    score = number(given.get("rating"))
    if score is None or not 1 <= score <= 5:
        yield notice.lost("the survey's answer has no rating from 1 to 5")
        return
    survey = Survey(metric="csat", score=score, comment=text(given.get("feedback_message")))
    yield notice.draft(
        "cx.survey.answered.v1", f"{_base(notice, id)}/csat/{sha256_hex(encode(given))[:16]}",
        [customer(notice, contact_of(notice))],
        iso_time(text(given.get("created_at"))) or time_of(notice.value.get("updated_at")),
        direction="inbound", survey=survey,
    )  # fmt: skip
