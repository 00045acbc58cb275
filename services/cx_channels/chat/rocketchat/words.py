"""Read words, files and writers of messages."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cx_channels.chat.rocketchat.room import Room
from cx_channels.kit.json_values import first, obj, objects, text, whole
from cx_channels.kit.settings import texts_of
from cx_events.envelope import Attachment, Message, Participant
from cx_events.json_types import Json

_QUOTE = re.compile(r"\[ ?\]\(https?://[^\s()]{1,400}[?&]msg=([A-Za-z0-9]{1,64})[^\s()]{0,100}\)\s*", re.ASCII)
"""How a message names the one that it quotes: a link without words before its own."""

_ABSOLUTE = ("https://", "http://")
_HOST = re.compile(r"https?://[^/?#]+")
_SIZES = ("size", "image_size", "audio_size", "video_size")


def said_by(room: Room, message: Json) -> Participant:
    """Return who wrote a message. ``agentId`` compares user names alone, so that the visitor's id counts first."""
    by = obj(message.get("u"))
    id = first(by.get("_id"), message.get("agentId"))
    name = first(by.get("name"), by.get("username"), message.get("username"))
    visitor = text(room.visitor.get("_id"))
    if (visitor and id == visitor) or (not text(message.get("agentId")) and not _closes(message)):
        return room.person
    username = first(by.get("username"), message.get("username"))
    is_bot = username in texts_of(room.connection.settings, "bots") or bool(obj(message.get("bot")))
    return Participant(role="bot" if is_bot else "agent", id=id, name=name)


def _closes(message: Json) -> bool:
    return text(message.get("closingMessage")) == "true" or message.get("closingMessage") is True


def message_of(message: Json, id: str) -> Message:
    """Return words and files. Without words of its own ``msg`` is the JSON of the blocks."""
    blocks = objects(message.get("blocks"))
    words = text(message.get("msg"))
    if blocks and words.startswith("["):
        words = "\n".join(filter(None, (text(obj(each.get("text")).get("text")) for each in blocks)))
    words = "" if words == "undefined" else words
    quotes = _QUOTE.match(words)
    if quotes is not None:
        words = words[quotes.end() :]
    # What was typed beside a file stood with the file until version 7.
    told = dict.fromkeys(text(each.get("description")) for each in objects(message.get("attachments")))
    words = words or "\n".join(filter(None, told))
    return Message(
        id=id, text=words, content_type="text/plain" if words else "",
        in_reply_to=f"{id.partition(':')[0]}:{quotes[1]}" if quotes else "", attachments=list(files_of(message)),
    )  # fmt: skip


def files_of(message: Json) -> Iterator[Attachment]:
    """Yield a message's files by their address; a path alone is none, since the workspace's host is not told."""
    file, uploaded = obj(message.get("file")), obj(message.get("fileUpload"))
    linked = objects(message.get("attachments"))
    if file or uploaded:
        size = file.get("size", uploaded.get("size"))
        links = (each.get("title_link") or each.get("image_url") for each in linked)
        paths = [text(uploaded.get("publicFilePath")), *map(text, links)]
        yield Attachment(
            name=first(file.get("name"), *(each.get("title") for each in linked)),
            content_type=first(file.get("type"), uploaded.get("type")),
            bytes=whole(size),
            url=next((each for each in paths if each.startswith(_ABSOLUTE)), ""),
        )
        yield from _more_files(linked, text(file.get("_id")), text(uploaded.get("publicFilePath")))


def _more_files(linked: list[Json], first_id: str, beside: str) -> Iterator[Attachment]:
    """Yield the files after a message's first one, of which an attachment alone tells. ``beside``: the address of the
    first one, whose host they share."""
    for at, each in enumerate(linked):
        link = first(each.get("title_link"), each.get("image_url"), each.get("audio_url"), each.get("video_url"))
        if not link or (f"/{first_id}/" in link if first_id else at == 0):
            continue
        host = _HOST.match(beside)
        url = f"{host[0]}{link}" if host and link.startswith("/") and not link.startswith("//") else link
        yield Attachment(
            name=text(each.get("title")),
            content_type=first(each.get("image_type"), each.get("audio_type"), each.get("video_type")),
            bytes=next((whole(each[size]) for size in _SIZES if size in each), None),
            url=url if url.startswith(_ABSOLUTE) else "",
        )
