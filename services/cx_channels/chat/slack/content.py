"""Read the words and files of a message: mrkdwn to text, blocks and attachments where they carry the words.

docs.slack.dev/messaging/formatting-message-text; docs.slack.dev/reference/objects/file-object.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

from cx_channels.kit.json_values import first, objects, text, whole
from cx_events.envelope import Attachment, Message
from cx_events.json_types import Json

_MARK = re.compile(r"<([^<>|]*+)(?:\|([^<>]*+))?+>")
_MOST_PARTS = 200
_MOST_FILES = 50
_TOMBSTONE = "tombstone"
_HOSTS = ("https://files.slack.com/", "https://slack.com/")
"""Where the app's token is asked for."""


def plain(written: str) -> str:
    """Return mrkdwn as text: links by their labels, people and channels by their names or ids, ``&amp;`` as ``&``."""
    if "<" in written:
        written = _MARK.sub(_shown, written)
    return unescape(written) if "&" in written else written


def _shown(mark: re.Match[str]) -> str:
    target, label = mark[1], mark[2] or ""
    if target.startswith("@"):
        return f"@{label or target[1:]}"
    if target.startswith("#"):
        return f"#{label or target[1:]}"
    if target.startswith("!"):
        return label or f"@{target[1:].partition('^')[0]}"
    address = target.removeprefix("mailto:")
    return address if not label or label == address else f"{label} ({address})"


def words_of(message: Json) -> str:
    """Return a message's text; where it has none, that of its blocks, else that of its attachments."""
    words = plain(text(message.get("text")))
    if words.strip():
        return words
    told = [" ".join(_texts_in(block)) for block in objects(message.get("blocks"))[:_MOST_PARTS]]
    if not any(told):
        told = [
            first(each.get("fallback"), each.get("text"), each.get("title"))
            for each in objects(message.get("attachments"))[:_MOST_PARTS]
        ]
    return "\n".join(plain(each) for each in told if each)


def _texts_in(block: Any) -> Iterator[str]:
    """Yield the texts of a block and of what is in it, as far as they are shown."""
    waiting, seen = [block], 0
    while waiting and seen < _MOST_PARTS:
        part = waiting.pop(0)
        seen += 1
        if isinstance(part, str):
            if part.strip():
                yield part.strip()
        elif isinstance(part, list):
            waiting[:0] = part[:_MOST_PARTS]
        elif isinstance(part, dict) and "type" in part and (shown := _element(part)):
            yield shown
        elif isinstance(part, dict):
            waiting[:0] = [part[name] for name in ("text", "elements", "fields", "title") if name in part]


def _element(part: Json) -> str:
    """Return what an element of rich text shows that has no text of its own, "" for all others
    (docs.slack.dev/reference/block-kit/blocks/rich-text-block)."""
    kind = text(part.get("type"))
    if kind == "emoji":
        return f":{text(part.get('name'))}:"
    if kind == "link":
        url, label = text(part.get("url")), text(part.get("text"))
        return f"{label} ({url})" if label and label != url else url
    named = {"user": "@", "usergroup": "@", "broadcast": "@", "channel": "#"}.get(kind)
    id = first(part.get("user_id"), part.get("usergroup_id"), part.get("range"), part.get("channel_id"))
    return f"{named}{id}" if named and id else ""


def files_of(message: Json) -> list[Attachment]:
    """Return a message's files, each by the address that asks for the app's token. A removed one has none."""
    return [_file(each) for each in objects(message["files"])[:_MOST_FILES]] if "files" in message else []


def _file(file: Json) -> Attachment:
    size, id = file.get("size"), text(file.get("id"))
    url = first(file.get("url_private_download"), file.get("url_private"), file.get("external_url"))
    if file.get("is_external") is True and url.startswith(_HOSTS):  # an address that somebody's app chose
        url = ""
    if not url and id and file.get("file_access") == "check_file_info":
        url = f"https://slack.com/api/files.info?file={id}"
    return Attachment(
        name=first(file.get("name"), file.get("title"), id),
        content_type=text(file.get("mimetype")),
        bytes=whole(size),
        url=url,
    )


def message_of(message: Json, id: str, in_reply_to: str = "") -> Message:
    """Return a message's content."""
    words = words_of(message)
    return Message(
        id=id,
        text=words,
        content_type="text/plain" if words else "",
        in_reply_to=in_reply_to,
        attachments=files_of(message),
    )


def same_content(one: Json, other: Json) -> bool:
    """Return whether two versions of a message say the same: previews of links and counts of replies are no words. A
    file that was deleted stays as a tombstone."""
    files = [
        [(text(each.get("id")), each.get("mode") == _TOMBSTONE) for each in objects(message.get("files"))]
        for message in (one, other)
    ]
    blocks = one.get("blocks") == other.get("blocks") or "blocks" not in other or "blocks" not in one
    return one.get("text") == other.get("text") and files[0] == files[1] and blocks
