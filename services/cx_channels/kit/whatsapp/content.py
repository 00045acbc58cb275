"""Read the words and the files of a WhatsApp message, by its type.

Shapes: developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages, a page for each
type. A file is named by its id, which the Graph API exchanges for an address that is good for minutes; nothing is
fetched here.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from cx_channels.kit.geo_locations import geo_url
from cx_channels.kit.json_values import first, number, obj, objects, text
from cx_events import strict_json
from cx_events.envelope import Attachment
from cx_events.errors import Refused
from cx_events.json_types import Json

GRAPH = "https://graph.facebook.com/"

_HEX = re.compile(r"[0-9a-fA-F]{64}")
_MOST_FILES = 50


class Content(Struct, frozen=True, gc=False):
    """``words``: of the person, or what stands for them. ``files``: what came with them. ``reason``: what kind of
    message it is, where it is none of words and files."""

    words: str = ""
    files: tuple[Attachment, ...] = ()
    reason: str = ""


def _text(body: Json) -> Content:
    return Content(text(body.get("body")))


def _media(body: Json) -> Content:
    id = text(body.get("id"))
    url = GRAPH + id if id else text(body.get("url"))
    file = Attachment(
        name=text(body.get("filename")), content_type=text(body.get("mime_type")), sha256=_digest(body), url=url
    )
    return Content(text(body.get("caption")), (file,))


def _digest(body: Json) -> str:
    """Return a file's SHA-256 as hex. Meta writes it in base64; what is neither of both is left out."""
    given = text(body.get("sha256"))
    if _HEX.fullmatch(given):
        return given.lower()
    try:
        digest = b64decode(given, validate=True)
    except ValueError:
        return ""
    return digest.hex() if len(digest) == 32 else ""


def _location(body: Json) -> Content:
    """Return a place as a ``geo:`` URI (RFC 5870), with its name and address."""
    name, address = text(body.get("name")), text(body.get("address"))
    named = address if address.startswith(name) else ", ".join(filter(None, (name, address)))
    place = geo_url(body.get("latitude"), body.get("longitude"))
    return Content(named, (Attachment(name="location", url=place or text(body.get("url"))),), "location")


def _contacts(cards: Any) -> Content:
    """Return what stands on the address cards that somebody sends: third parties, nobody's identifiers."""
    lines: list[str] = []
    files: list[Attachment] = []
    for card in objects(cards)[:_MOST_FILES]:
        name = first(obj(card.get("name")).get("formatted_name"), obj(card.get("name")).get("first_name"))
        phones = [text(each.get("phone")) for each in objects(card.get("phones"))]
        mails = [text(each.get("email")) for each in objects(card.get("emails"))]
        lines.append(", ".join(filter(None, (name, text(obj(card.get("org")).get("company")), *phones, *mails))))
        files.append(Attachment(name=name or "contact", content_type="text/vcard"))
    return Content("\n".join(filter(None, lines)), tuple(files), "contacts")


def _order(body: Json) -> Content:
    """Return a cart: the note that came with it, and a line for each product."""
    products = [_product(each) for each in objects(body.get("product_items"))[:_MOST_FILES]]
    return Content(text(body.get("text")), tuple(Attachment(name=each) for each in products if each), "order")


def _product(item: Json) -> str:
    name, quantity = text(item.get("product_retailer_id")), text(item.get("quantity"))
    price = " ".join(filter(None, (_amount(item.get("item_price")), text(item.get("currency")))))
    return " ".join(filter(None, (f"{quantity} x" if quantity else "", name, f"at {price}" if price else "")))


def _amount(value: Any) -> str:
    found = number(value)
    return "" if found is None else f"{found:g}"


def _button(body: Json) -> Content:
    return Content(first(body.get("text"), body.get("payload")))


def _interactive(body: Json) -> Content:
    kind = text(body.get("type"))
    chosen = obj(body.get(kind))
    if kind == "nfm_reply":
        return Content(_answers(chosen), reason="flow")
    return Content(
        first(chosen.get("title"), chosen.get("text"), chosen.get("id")), reason="" if chosen else kind or "unsupported"
    )


def _answers(reply: Json) -> str:
    """Return what somebody filled into a form (a Flow), a line for each field. ``response_json`` is JSON as a text."""
    given = text(reply.get("response_json"))
    try:
        answers = obj(strict_json.decode_mended(given.encode("utf-8", "replace")) if given else None)
    except Refused:
        return first(reply.get("body"), given)
    lines = [f"{name}: {_answer(value)}" for name, value in answers.items() if name != "flow_token"]
    return "\n".join(lines) or text(reply.get("body"))


def _answer(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_answer, value))
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _unsupported(body: Json) -> Content:
    return Content(reason="unsupported")


TYPES: Mapping[str, tuple[Callable[[Any], Content], str]] = {
    "text": (_text, "cx.message.received"),
    "image": (_media, "cx.message.received with a picture"),
    "video": (_media, "cx.message.received with a film"),
    "audio": (_media, "cx.message.received with a sound or a voice note"),
    "voice": (_media, "cx.message.received with a voice note, as the old API says it"),
    "document": (_media, "cx.message.received with a file"),
    "sticker": (_media, "cx.message.received with a sticker"),
    "location": (_location, "cx.message.received with a place"),
    "contacts": (_contacts, "cx.message.received with address cards"),
    "order": (_order, "cx.message.received with reason order: a cart with its note"),
    "button": (_button, "cx.message.received with the text of a template's button"),
    "interactive": (_interactive, "cx.message.received with what was chosen"),
    "unsupported": (_unsupported, "cx.message.received with reason unsupported: the API does not show it"),
    "unknown": (_unsupported, "cx.message.received with reason unsupported, as the old API says it"),
    "ephemeral": (_unsupported, "cx.message.received with reason unsupported: it vanished by itself"),
}
"""By the type of a message; each function reads the member of that name."""


def content_of(message: Json) -> Content | None:
    """Return the content of a message of a known type, else None."""
    kind = text(message.get("type"))
    if kind not in TYPES:
        return None
    body = message.get(kind)
    if kind != "contacts" and not isinstance(body, dict):
        body = {}
    found = TYPES[kind][0](body)
    # The old API named an unsupported message's words all the same.
    words = text(obj(message.get("text")).get("body")) if found.reason == "unsupported" else ""
    return msgspec.structs.replace(found, words=words) if words else found
