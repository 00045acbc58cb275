"""Read words and files of messages (client-server-api, "Instant Messaging")."""

from __future__ import annotations

from cx_channels.kit.json_values import first, obj, objects, text, whole
from cx_events.envelope import Attachment, Message
from cx_events.json_types import Json

_FILES = frozenset({"m.image", "m.audio", "m.video", "m.file", "m.sticker"})


def message_of(content: Json, id: str, kind: str, reply_to: str = "") -> Message:
    """Return words and files. Of a file ``body`` is its name, unless ``filename`` makes it a caption."""
    files = files_of(content, kind)
    body = text(content.get("body")) or extensible_text(content)
    captioned = text(content.get("filename")) not in ("", body)
    words = body if not files or captioned or kind in ("m.location", "m.sticker") else ""
    if reply_to:
        words = without_fallback(words)
    return Message(
        id=id, text=words, content_type="text/plain" if words else "", in_reply_to=reply_to, attachments=files
    )  # fmt: skip


def extensible_text(content: Json) -> str:
    """Return the words of an event that stand for it where its type is not known: ``m.text``, a list of forms of which
    the first without a ``mimetype`` is plain; before it was stable text alone (MSC1767)."""
    plain = (text(each.get("body")) for each in objects(content.get("m.text")) if not each.get("mimetype"))
    return next(filter(None, plain), "") or text(content.get("org.matrix.msc1767.text"))


def without_fallback(words: str) -> str:
    """Return words without the quote that older clients put before an answer: ``> <@user:server> ...``.

    What somebody quotes without saying whom is theirs.
    """
    if not words.startswith(("> <@", "> * <@")):
        return words
    lines = words.split("\n")
    rest = next((number for number, line in enumerate(lines) if not line.startswith(">")), len(lines))
    return "\n".join(lines[rest:]).lstrip("\n") or words


def files_of(content: Json, kind: str) -> list[Attachment]:
    """Return a message's file by its ``mxc:`` address, which asks for a token of the service; a place by its own.

    An encrypted one (``file``) has none: what lies there is of no use without the key, which stands in the original.
    """
    if kind == "m.location":
        place = text(content.get("geo_uri"))
        return [Attachment(name="location", url=place if place.startswith("geo:") else "")]
    if kind not in _FILES:
        return []
    info = obj(content.get("info"))
    file = Attachment(
        name=first(content.get("filename"), content.get("body")),
        content_type=text(info.get("mimetype")),
        bytes=whole(info.get("size")),
        url=text(content.get("url")),
    )
    return [file]
