"""Map Vonage's messages: words that come in, and what became of those that went out.

Pages below developer.vonage.com: en/messages/code-snippets/inbound-message, en/messages/concepts/messages-status-
callbacks, en/messages/concepts/whatsapp/wa-status-callbacks; of the older API en/messaging/sms/guides/inbound-sms and
en/messaging/sms/guides/delivery-receipts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cx_channels.chat.vonage.notice import Notice, is_older, notice_of, read_fields
from cx_channels.kit.drafts import sort_outcomes
from cx_channels.kit.geo_locations import geo_url
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, obj, objects, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.provider import Connection, Ignored, Mapped, Request, Unmapped
from cx_events.dead_letters import UNKNOWN_KIND
from cx_events.envelope import Attachment, Data, Draft, Failure, Message
from cx_events.json_types import Json

FILES = frozenset({"image", "audio", "video", "file", "sticker", "vcard"})
WORDS = frozenset({"text", "reply", "button", "location", "contact", "order", "custom", "template"})
TYPES = FILES | WORDS | {"reaction", "unsupported"}
_ATTACHED = FILES | {"location"}

_TYPES = {"image": "image/*", "audio": "audio/*", "video": "video/*", "sticker": "image/*", "vcard": "text/vcard"}
_RECEIVED = "cx.message.received"
KINDS: Mapping[str, str] = {
    **{f"inbound/{each}": _RECEIVED for each in sorted(WORDS)},
    **{f"inbound/{each}": f"{_RECEIVED} with the file's address" for each in sorted(FILES)},
    "inbound/unsupported": f"{_RECEIVED} without words",
    "inbound/reaction": "cx.message.reacted",
    "sms/received": _RECEIVED,
    "status/delivered": "cx.message.delivered",
    "status/read": "cx.message.read",
    "status/rejected": "cx.message.failed",
    "status/undeliverable": "cx.message.failed",
    "status/failed": "cx.message.failed",
    "status/expired": "cx.message.failed",
}
IGNORED: Mapping[str, str] = {
    "status/submitted": "the message left; what was said, its sender knows",
    "status/accepted": "the message is on its way",
    "status/buffered": "the message is on its way",
    "status/unknown": "the network does not say what became of it",
}
DOCUMENTED: Mapping[str, str] = {**KINDS, **{kind: f"ignored: {why}" for kind, why in IGNORED.items()}}

_STATUSES = {"delivered": "cx.message.delivered.v1", "read": "cx.message.read.v1"}
_FAILED = frozenset({"rejected", "undeliverable", "failed", "expired"})


def map_request(request: Request, connection: Connection) -> Mapped:
    """Map one notice. Raise ``Refused("malformed")`` for what can't be read."""
    fields, written = request.once(read_fields)
    return sort_outcomes((_outcome(fields, written, connection),))


def kind_of(fields: Json) -> str:
    """Return the kind as ``DOCUMENTED`` names it, also of one that is not known."""
    status = text(fields.get("status")).lower()
    if status:
        return f"status/{status}"
    if is_older(fields):
        return "sms/received"
    told = text(fields.get("message_type")) or text(_content(fields).get("type"))
    return f"inbound/{told.lower()}"


def kinds_of(request: Request, _connection: Connection) -> tuple[str, ...]:
    """Return the notice's kind."""
    return (kind_of(request.once(read_fields)[0]),)


def _content(fields: Json) -> Json:
    """Return the content: the notice itself, in version 0.1 ``message.content``."""
    message = fields.get("message")
    return obj(obj(message).get("content")) or fields if message is not None else fields


def _outcome(fields: Json, written: bytes, connection: Connection) -> Outcome:
    kind = kind_of(fields)
    if kind in IGNORED:
        return Ignored(kind, IGNORED[kind])
    section, _, what = kind.partition("/")
    notice = notice_of(fields, written, connection, inbound=section != "status")
    if kind not in KINDS:
        return Unmapped(notice.digest, f"{UNKNOWN_KIND}: {kind[:64]!r}", notice.raw)
    if not notice.id:
        return Unmapped(notice.digest, f"malformed {kind}: no message_uuid", notice.raw)
    return _map_inbound(notice, what) if notice.inbound else _map_status(notice, what)


def _map_inbound(notice: Notice, type: str) -> Outcome:
    fields = notice.fields
    content, context = _content(fields), obj(fields.get("context"))
    about = text(context.get("message_uuid"))
    if type == "reaction":
        return _map_reaction(notice, obj(content.get("reaction")), about)
    words, files = _words(content, type), _files(content, type) if type in _ATTACHED else []
    if "whatsapp_referred_product" in context:
        files += _asked_about(context)
    message = Message(
        id=notice.id,
        text=words,
        content_type="text/plain" if words else "",
        in_reply_to=about,
        attachments=files,
    )
    data = Data(message=message)
    if "whatsapp" in fields:
        referral = obj(obj(fields["whatsapp"]).get("referral"))
        data.reason, data.url = text(referral.get("source_type")), text(referral.get("source_url"))
    return notice.draft("cx.message.received.v1", _part(fields), data)


def _map_reaction(notice: Notice, reaction: Json, about: str) -> Outcome:
    if not about:
        return Unmapped(notice.digest, "malformed reaction: to which message?", notice.raw)
    taken_back = text(reaction.get("action")).lower() == "unreact"
    data = Data(message=Message(id=about), reaction="" if taken_back else text(reaction.get("emoji")))
    return notice.draft("cx.message.reacted.v1", "reaction", data)


def _part(fields: Json) -> str:
    """Return the step of a message; a long text of the older API comes in parts, each with its own messageId."""
    part = text(fields.get("concat-part"))
    return f"received/{id_part(part)}" if part else "received"


def _words(content: Json, type: str) -> str:
    if type in FILES:
        return text(obj(content.get(type)).get("caption"))
    return _WORDS.get(type, _text)(content)


def _text(content: Json) -> str:
    found = content.get("text")
    return text(found) if not isinstance(found, dict) else text(found.get("body"))


def _place(content: Json) -> str:
    place = obj(content.get("location"))
    at = [str(place[name]) for name in ("lat", "long") if isinstance(place.get(name), int | float | str)]
    named = [text(place.get(name)) for name in ("name", "address")]
    return ", ".join(filter(None, [*named, " ".join(at)]))


def _order(content: Json) -> str:
    items = objects(obj(content.get("order")).get("product_items"))
    listed = [f"{text(each.get('quantity')) or '1'} x {text(each.get('product_retailer_id'))}" for each in items[:50]]
    return ", ".join([text(obj(content.get("order")).get("text")), *listed]).strip(", ")


def _contact(content: Json) -> str:
    people = objects(obj(content.get("contact")).get("contacts")) or [obj(content.get("contact"))]
    return "\n".join(filter(None, map(_card, people)))


def _card(person: Json) -> str:
    """Return what stands on the address card of a third party, who is nobody of the conversation."""
    phones = [text(each.get("phone")) for each in objects(person.get("phones"))]
    mails = [text(each.get("email")) for each in objects(person.get("emails"))]
    name = first(obj(person.get("name")).get("formatted_name"), person.get("name"))
    return ", ".join(filter(None, (name, *phones, *mails)))


_WORDS: Mapping[str, Callable[[Json], str]] = {
    "reply": lambda content: first(obj(content.get("reply")).get("title"), obj(content.get("reply")).get("id")),
    "button": lambda content: first(obj(content.get("button")).get("text"), obj(content.get("button")).get("payload")),
    "location": _place,
    "order": _order,
    "contact": _contact,
    "unsupported": lambda _content: "",
    "custom": lambda _content: "",
    "template": lambda _content: "",
}


def _files(content: Json, type: str) -> list[Attachment]:
    """Return the file by its address, which asks for a token of the application, or a place; nothing is fetched."""
    if type == "location":
        place = obj(content.get("location"))
        url = geo_url(place.get("lat"), place.get("long"))
        return [Attachment(name="location", url=url)] if url else []
    file = obj(content.get(type))
    url = first(file.get("url"), file.get("id"))
    return [Attachment(name=first(file.get("name"), type), content_type=_TYPES.get(type, ""), url=url)] if url else []


def _asked_about(context: Json) -> list[Attachment]:
    """Return the product of the business's catalog that a WhatsApp message asks about
    (en/messages/concepts/whatsapp/working-with-whatsapp-product-messages)."""
    product = text(obj(context.get("whatsapp_referred_product")).get("product_retailer_id"))
    return [Attachment(name=f"product {product}")] if product else []


def _map_status(notice: Notice, status: str) -> Draft:
    failure = None
    if status in _FAILED:
        error = obj(notice.fields.get("error"))
        code = first(error.get("title"), error.get("type"), notice.fields.get("err-code"))
        failure = Failure(code=code or status, message=first(error.get("detail"), status))
    data = Data(message=Message(id=notice.id), reason=status, failure=failure)
    return notice.draft(_STATUSES.get(status, "cx.message.failed.v1"), status, data)
