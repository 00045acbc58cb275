"""Read the content of a message: Intercom's bodies are HTML, with attached files and embedded pictures."""

from __future__ import annotations

import re
from html import unescape

from cx_channels.chat.intercom.values import listed
from cx_channels.kit.json_values import first, obj, text, whole
from cx_channels.kit.mail.message.html import safe_html, text_of
from cx_events.envelope import Attachment, Message
from cx_events.json_types import Json

# A screenshot that was pasted is no attachment but an image in the body.
_IMAGE = re.compile(r"""<img\b[^<>]{0,2000}?\bsrc=["']([^"'<>\s]{1,2048})["']""", re.IGNORECASE)
_MORE_THAN_LINES = re.compile(r"<(?!/?(?:p|br|div)\b)[a-z]", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_MAX_IMAGES = 50
_MAX_TAGS = 2_000


def plain(value: Json, name: str = "body") -> str:
    """Return a field that may hold HTML as text."""
    written = text(value.get(name))
    if not _is_markup(written):
        return written.strip()
    return text_of(written).strip() if _is_small(written) else unescape(_TAG.sub(" ", written)).strip()


def has_words(part: Json) -> bool:
    """Return whether a part has text or files. It does not parse HTML, since it is asked of many parts."""
    return bool(_bare(part) or attachments(part))


def note_of(part: Json) -> str:
    """Return a note's text, else the names of its files; never empty where there is any."""
    return plain(part) or ", ".join(each.name or each.url for each in attachments(part)) or _bare(part)


def _is_markup(written: str) -> bool:
    return "<" in written or "&" in written


def _is_small(written: str) -> bool:
    """Return whether a body can be parsed in this process without delay; chat messages are far below the bound."""
    return written.count("<") <= _MAX_TAGS


def _bare(part: Json) -> str:
    return unescape(_TAG.sub(" ", text(part.get("body")))).strip()


def attachments(part: Json) -> list[Attachment]:
    """Return a part's attachments: ``attachments[]`` of ``{type: "upload", name, url, content_type, filesize}``, and
    images in the body (developers.intercom.com/docs/references/rest-api/api.intercom.io/Models/file_attribute)."""
    found = {}
    for each in listed(part.get("attachments")):
        url, name, size = text(each.get("url")), text(each.get("name")), each.get("filesize")
        if url or name:
            found[url or name] = Attachment(
                name=name,
                content_type=text(each.get("content_type")),
                bytes=whole(size),
                url=url,
            )
    for written in _IMAGE.findall(text(part.get("body")))[:_MAX_IMAGES]:
        url = unescape(written)
        found.setdefault(url, Attachment(content_type="image/*", url=url))
    return list(found.values())


def message(part: Json) -> Message:
    """Return the message of a part or of a conversation's source. ``html`` is set only where it
    adds to lines of text."""
    body = text(part.get("body"))
    words = plain(part)
    subject = first(plain(part, "subject"), obj(part.get("email_message_metadata")).get("subject"))
    return Message(
        id=text(part.get("id")),
        text=words,
        content_type="text/plain" if words else "",
        html=safe_html(body) if _is_small(body) and _MORE_THAN_LINES.search(body) else "",
        subject=subject,
        attachments=attachments(part),
    )
