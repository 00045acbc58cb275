"""Show attachments in a context and its timeline, and give them the ids by which they are fetched.

An id is ``KEY.PLACE``: the event's key as UUID text, and the attachment's place in its message, from 0 on. The original
that an event keeps has one, too: ``KEY.original``. Nothing here reads or fetches content.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple

from msgspec import Struct

from cx_context.parts.adding import keep_last
from cx_context.parts.model import Part
from cx_context.parts.rules import WORDS, last_by_key, latest
from cx_context.parts.values import MESSAGES_KEPT, At, Register
from cx_context.sections.section import Section
from cx_events.envelope import Attachment
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.ids import parse_node_id, text_of
from cx_events.json_types import Json
from cx_events.schema_shapes import FLAG, TEXT, TEXT_OR_NONE, array, members, ref
from cx_events.web_urls import web_url

ATTACHMENTS_SHOWN = 3
"""Attachments of one message that a context shows; how many more there are is told beside."""

NAME_KEPT = 120
TYPE_KEPT = 80
CID_KEPT = 120
URL_KEPT = 500
"""Characters. A longer URL, cut, would lead nowhere: the entry has none then, and the event has it whole."""

ORIGINAL = "original"
MOST_BYTES = 1 << 53
"""A size beyond that is none: neither MessagePack nor a browser holds any integer."""

Place = Literal["hub", "provider"]
"""Where the content is: ``GET /v1/attachments/{id}`` has it, or the provider does, at the attachment's ``url``."""

FILES_KEPT = MESSAGES_KEPT

Files = tuple[At, str, int, list[list[Any]]]
"""(at, key of the event, number of attachments, the first of them): the attachments of one message."""


STORED_KEPT = 64
ID_KEPT = 48
_STORED = "media/"


class Fields(Struct):
    files: Annotated[list[Files], latest(MESSAGES_KEPT), WORDS] = []
    """The attachments of the latest messages that have any, the latest first."""
    stored_files: Annotated[dict[str, Register], last_by_key(STORED_KEPT), WORDS] = {}
    """The files that were fetched of what a message had at its provider, by the attachment's id: ``Files`` without the
    place."""


_ID = re.compile(r"([0-9a-f-]{36})\.(original|0|[1-9][0-9]{0,5})")


class AttachmentId(NamedTuple):
    """``event``: its key. ``place``: in its message, None for the event's original."""

    event: bytes
    place: int | None


def id_of(event: bytes, place: int | None) -> str:
    """Return the id of an attachment by its event's key and its place, or of the event's original."""
    return f"{text_of(event)}.{ORIGINAL if place is None else place}"


def read_id(text: str) -> AttachmentId:
    """Return what an id names. Raise ``Refused("unknown-attachment", 404)`` for what is no id."""
    match = _ID.fullmatch(text)
    if match is None:
        raise unknown(text)
    return AttachmentId(parse_node_id(match[1]), None if match[2] == ORIGINAL else int(match[2]))


def unknown(id: str) -> Refused:
    """Return the refusal of an id that nothing in this tenant has."""
    return Refused("unknown-attachment", f"there is no attachment {id[:64]!r}", 404)


def place_of(file: Attachment) -> Place | None:
    """Return where the content is; None where nobody says."""
    if file.blob or file.part:
        return "hub"
    return "provider" if web_url(file) else None


def kept_attachments(at: At, event: bytes, files: Sequence[Attachment]) -> Files:
    """Return what a part keeps of a message's attachments: (at, the event's key as UUID text, how many there are, the
    first ones as ``[number, name, content type, bytes, place]``)."""
    few = [[n, f.name[:NAME_KEPT], f.content_type[:TYPE_KEPT], _size(f), place_of(f)] for n, f in _first(files)]
    return at, text_of(event), len(files), few


def stored_id_of(id: str) -> str:
    """Return the id of the event that tells of the stored content of an attachment; its source is the event's own."""
    return _STORED + id


def recording_id_of(event: bytes) -> str:
    """Return the id of an event's recording, by the event's key."""
    return f"{text_of(event)}.recording"


def note_stored_files(part: Part, fact: Fact, at: At) -> bool:
    """Note the files that were fetched for an attachment; return whether there are any. Only the hub names blobs."""
    message, id = fact.event.data.message, fact.event.id
    if message is None or not id.startswith(_STORED) or not any(file.blob for file in message.attachments):
        return False
    key, (_, event, count, few) = (
        id.removeprefix(_STORED)[:ID_KEPT],
        kept_attachments(at, fact.key, message.attachments),
    )
    old = part.stored_files.get(key)
    if old is None or at > old[0]:
        part.stored_files[key] = (at, [event, count, few])
    keep_last(part.stored_files, STORED_KEPT)
    return True


def kept_attachments_view(kept: Files, stored: Mapping[str, Register]) -> Json:
    """Return the members ``attachments`` and, where there are others, ``more_attachments`` of a message.

    ``stored``: the files that stand for an attachment since they were fetched.
    """
    _, event, count, few = kept
    shown: list[Json] = []
    for one in few:
        fetched = stored.get(f"{event}.{one[0]}")
        if fetched is None:
            shown.append(_kept_entry(event, one))
        else:
            its_event, its_count, its_few = fetched[1]
            shown += [_kept_entry(its_event, each) for each in its_few]
            count += its_count - 1
    return _members(shown[:ATTACHMENTS_SHOWN], count)


def _kept_entry(event: str, one: Sequence[Any]) -> Json:
    n, name, type, size, place = one
    return {"id": f"{event}.{n}", "name": name or None, "content_type": type or None, "bytes": size, "place": place}


def attachments_view(event: bytes, files: Sequence[Attachment], most: int | None = ATTACHMENTS_SHOWN) -> Json:
    """Return the same members of an entry of the timeline, with ``url`` and ``cid`` where an attachment has them.
    ``event``: its key. ``most``: attachments; None for all of them."""
    return _members([_entry(event, place, file) for place, file in _first(files, most)], len(files))


def _entry(event: bytes, place: int, file: Attachment) -> Json:
    entry: Json = {
        "id": id_of(event, place),
        "name": file.name[:NAME_KEPT] or None,
        "content_type": file.content_type[:TYPE_KEPT] or None,
        "bytes": _size(file),
        "place": place_of(file),
    }
    url = web_url(file)
    if 0 < len(url) <= URL_KEPT:
        entry["url"] = url
    if file.cid:
        entry["cid"] = file.cid[:CID_KEPT]
    if file.inline:
        entry["inline"] = True
    return entry


def _first(files: Sequence[Attachment], most: int | None = ATTACHMENTS_SHOWN) -> list[tuple[int, Attachment]]:
    """The first ones with their places; pictures that the text shows itself come after all others."""
    numbered = list(enumerate(files))
    if most is None or len(files) <= most:
        return numbered
    return sorted(numbered, key=lambda one: one[1].inline)[:most]


def _size(file: Attachment) -> int | None:
    return file.bytes if file.bytes is not None and 0 <= file.bytes < MOST_BYTES else None


def _members(attachments_view: list[Json], count: int) -> Json:
    more = {"more_attachments": count - len(attachments_view)} if count > len(attachments_view) else {}
    return {"attachments": attachments_view, **more}


BYTES: Json = {"type": ["integer", "null"], "minimum": 0}
"""The schema of a size that may be unknown."""

ATTACHMENT = members(
    {
        "id": {**TEXT, "description": "What `GET /v1/attachments/{id}` takes."},
        "name": TEXT_OR_NONE,
        "content_type": {**TEXT_OR_NONE, "description": "As its sender says."},
        "bytes": BYTES,
        "place": {
            "enum": ["hub", "provider", None],
            "description": "Where the content is: the hub serves it, or the provider does, at `url`.",
        },
    },
    {
        "url": {
            **TEXT,
            "description": f"The provider's, of at most {URL_KEPT} characters; the event has any whole.",
        },
        "cid": {**TEXT, "description": "Its Content-ID; the message's HTML names it as `cid:`."},
        "inline": {**FLAG, "description": "True: the message shows it in its text. Absent otherwise."},
    },
)

ATTACHMENT_MEMBERS = {
    "attachments": array(ref("Attachment")),
    "more_attachments": {"type": "integer", "minimum": 1, "description": "How many others the message has."},
}
"""The schemas of the members that ``attachments_view`` makes."""

SECTION = Section(
    components={"Attachment": {**ATTACHMENT, "description": "A file that came with a message."}},
)
