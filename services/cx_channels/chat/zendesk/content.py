"""Read the words and files of a message of Sunshine Conversations (spec 17.12, "MessageContent"; version 1 is flat)."""

from __future__ import annotations

from collections.abc import Iterator

from cx_channels.kit.geo_locations import geo_url
from cx_channels.kit.json_values import first, obj, objects, text, whole
from cx_events.envelope import Attachment, Message
from cx_events.json_types import Json

FILES = frozenset({"image", "file"})
_MOST = 50


def message_of(content: Json, id: str, in_reply_to: str = "") -> Message:
    """Return a message. ``content``: what has ``type``, ``text``, ``mediaUrl`` and so on."""
    words = _words(content)
    return Message(
        id=id, text=words, content_type="text/plain" if words else "",
        in_reply_to=in_reply_to, attachments=_files(content),
    )  # fmt: skip


def _words(content: Json) -> str:
    kind, said = text(content.get("type")), text(content.get("text"))
    if kind == "location" and not said:
        place = obj(content.get("coordinates"))
        at = " ".join(str(place[name]) for name in ("lat", "long") if isinstance(place.get(name), int | float))
        named = obj(content.get("location"))
        said = ", ".join(filter(None, (text(named.get("name")), text(named.get("address"))))) or at
    if kind != "formResponse" and "items" not in content:
        return said if said.strip() else ""
    lines = [said, *_items(content), *_answers(content)]
    return "\n".join(each for each in lines if each.strip())


def _items(content: Json) -> Iterator[str]:
    """Yield what a carousel or list shows, a line each."""
    for item in objects(content.get("items"))[:_MOST]:
        yield ": ".join(filter(None, (text(item.get("title")), text(item.get("description")))))


def _answers(content: Json) -> Iterator[str]:
    """Yield the answers of a form, a line each."""
    if text(content.get("type")) != "formResponse":
        return
    for field in objects(content.get("fields"))[:_MOST]:
        chosen = ", ".join(first(each.get("label"), each.get("name")) for each in objects(field.get("select"))[:_MOST])
        said = first(field.get("text"), field.get("email"), chosen)
        yield ": ".join(filter(None, (first(field.get("label"), field.get("name")), said)))


def _files(content: Json) -> list[Attachment]:
    found = []
    if text(content.get("type")) == "location":
        place = obj(content.get("coordinates"))
        where = geo_url(place.get("lat"), place.get("long"))
        if where:
            found.append(Attachment(name="location", url=where))
    items, attached = objects(content.get("items")), objects(content.get("attachments"))
    for each in (content, *items[:_MOST], *attached[:_MOST]):
        url = first(each.get("mediaUrl"), each.get("content_url"))
        if url:
            file = Attachment(
                name=first(each.get("altText"), each.get("filename"), each.get("file_name")),
                content_type=first(each.get("mediaType"), each.get("content_type")),
                bytes=whole(each.get("mediaSize")),
                url=url,
            )
            found.append(file)
    return found
