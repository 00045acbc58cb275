"""Read the words and files of a Telegram message (core.telegram.org/bots/api#message).

A file is named by its ``file_id``: its address holds the bot's token and is good for an hour, and is never stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cx_channels.kit.geo_locations import geo_url
from cx_channels.kit.json_values import first, number, obj, objects, text, whole
from cx_events.envelope import Attachment, Message
from cx_events.json_types import Json

SCHEME = "telegram-file:"
"""What stands before a ``file_id``; ``getFile`` exchanges it for an address."""

_FILES = {
    "video": "video/*", "animation": "video/*", "audio": "audio/*", "voice": "audio/*", "video_note": "video/*",
    "document": "application/octet-stream", "sticker": "image/*", "live_photo": "video/*",
}  # fmt: skip
_NAMED = ("game", "story", "checklist", "invoice")
"""Contents that are neither words nor one file; they are named."""

_MOST, _MOST_BLOCKS = 20, 500

CONTENTS = (
    "text", "caption", "photo", *_FILES, "location", "venue", "contact", "dice", "poll", *_NAMED, "web_app_data",
    "paid_media", "rich_message",
)  # fmt: skip
"""Members by which a message has content."""
_ATTACHED = frozenset({"photo", *_FILES, "location", "venue", "contact", "paid_media", "rich_message", *_NAMED})


def message_of(message: Json, id: str) -> Message:
    """Return a message's content."""
    words = words_of(message)
    return Message(
        id=id,
        text=words,
        content_type="text/plain" if words else "",
        in_reply_to=_answered(message) if "reply_to_message" in message else "",
        quoted=text(obj(message["quote"]).get("text")) if "quote" in message else "",
        attachments=[] if _ATTACHED.isdisjoint(message) else list(_attachments(message)),
    )


def _answered(message: Json) -> str:
    """Return the id of the message that this one answers, as other events name it. What is written in a topic answers
    the message that began the topic in form alone (core.telegram.org/bots/api#forumtopiccreated)."""
    answered = text(obj(message.get("reply_to_message")).get("message_id"))
    if message.get("is_topic_message") is True and answered == text(message.get("message_thread_id")):
        return ""
    account, chat = text(message.get("business_connection_id")), text(obj(message.get("chat")).get("id"))
    return ":".join((*filter(None, (account, chat)), answered)) if answered else ""


def words_of(message: Json) -> str:
    """Return the words, or those that stand for what was sent."""
    words = first(message.get("text"), message.get("caption"))
    if words:
        return words
    if words := text(obj(message.get("web_app_data")).get("data")):
        return words
    venue, contact, poll = (obj(message.get(name)) for name in ("venue", "contact", "poll"))
    if venue:
        return ", ".join(filter(None, (text(venue.get("title")), text(venue.get("address")))))
    if contact:
        names = (text(contact.get("first_name")), text(contact.get("last_name")))
        return ", ".join(filter(None, (" ".join(filter(None, names)), text(contact.get("phone_number")))))
    dice = obj(message.get("dice"))
    if dice:
        return " ".join(filter(None, (text(dice.get("emoji")), text(dice.get("value")))))
    if rich := _rich_words(obj(message.get("rich_message"))):
        return rich
    checklist = obj(message.get("checklist"))
    listed = _listed(poll.get("question"), poll.get("options")) or _listed(
        checklist.get("title"), checklist.get("tasks")
    )
    return listed or text(obj(message.get("sticker")).get("emoji"))


def _listed(title: Any, lines: Any) -> str:
    """Return a title, and the texts of what stands below it, a line each."""
    return "\n".join(filter(None, (text(title), *(text(each.get("text")) for each in objects(lines)))))


def _attachments(message: Json) -> Iterator[Attachment]:
    yield from _own_files(message)
    for each in objects(obj(message.get("paid_media")).get("paid_media"))[:_MOST]:
        # Before it is paid for, only its size is told.
        yield from list(_own_files(each)) or [Attachment(name="paid_media")]
    for block in _blocks(obj(message.get("rich_message")).get("blocks")):
        yield from _own_files(block)
    place = obj(message.get("location")) or obj(obj(message.get("venue")).get("location"))
    if url := geo_url(place.get("latitude"), place.get("longitude")):
        yield Attachment(name="location", url=url)
    contact = obj(message.get("contact"))
    if contact:
        yield Attachment(name=text(contact.get("first_name")) or "contact", content_type="text/vcard")
    for kind in _NAMED:
        if kind in message:
            yield Attachment(name=kind)


def _own_files(message: Json) -> Iterator[Attachment]:
    """Yield the files of a message, or of a part of one. An animation comes as a document, a live photo as a photo,
    too."""
    photos = objects(message.get("photo")) if "live_photo" not in message else []
    if photos:
        yield _file(max(photos, key=lambda each: number(each.get("file_size")) or 0), "image/jpeg")
    for kind, content_type in _FILES.items():
        file = obj(message.get(kind))
        if file and not (kind == "document" and obj(message.get("animation"))):
            yield _file(file, content_type)


def _blocks(given: Any) -> list[Json]:
    """Return the blocks of a rich message with those inside of them, each before its own
    (core.telegram.org/bots/api#richblock)."""
    waiting, found = [*reversed(objects(given))], list[Json]()
    while waiting and len(found) < _MOST_BLOCKS:
        block = waiting.pop()
        found.append(block)
        rows = block.get("cells")
        inner = [
            *objects(block.get("items")), *objects(block.get("blocks")),
            *(cell for row in (rows if isinstance(rows, list) else []) for cell in objects(row)),
        ]  # fmt: skip
        waiting += reversed(inner)
    return found


def _rich_words(given: Json) -> str:
    """Return the words of a rich message, a line for each block, item or cell that has some."""
    lines = [
        _inline(part)
        for block in _blocks(given.get("blocks"))
        for part in (block.get("summary"), block.get("text"), obj(block.get("caption")).get("text"))
    ]
    return "\n".join(filter(None, lines))


def _inline(given: Any) -> str:
    """Return a RichText as text: a text, a list of such, or an object with one (core.telegram.org, "RichText")."""
    parts, waiting = list[str](), [given]
    while waiting and len(parts) < _MOST_BLOCKS:
        part = waiting.pop()
        if isinstance(part, str):
            parts.append(part)
        elif isinstance(part, list):
            waiting += reversed(part[:_MOST_BLOCKS])
        elif isinstance(part, dict):
            waiting.append(part.get("text", first(part.get("alternative_text"), part.get("expression"))))
    return "".join(parts).strip()


def _file(file: Json, content_type: str) -> Attachment:
    size, id = file.get("file_size"), text(file.get("file_id"))
    return Attachment(
        name=text(file.get("file_name")),
        content_type=text(file.get("mime_type")) or content_type,
        bytes=whole(size),
        url=SCHEME + id if id else "",
    )
