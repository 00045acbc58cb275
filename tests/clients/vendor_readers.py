"""Read requests by the vendors' own libraries, and say what they find: the readers of ``vendor_models``.

Each reader takes a request and the connection that it is for. It imports its library by itself, so that one which is
not installed is left out alone. A library raises what it likes for what it can't read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, NamedTuple

from cx_channels.kit.ids import id_part
from cx_channels.kit.whatsapp.content import GRAPH
from cx_channels.provider import Connection, Request
from cx_channels.social.line import signature as line_signature
from cx_channels.social.mastodon.api import payload_of
from cx_events.timestamps import Micros

SECRET = "a secret of the vendor"


class Told(NamedTuple):
    """What a library says of one notice; None where it says nothing. ``id``: of the message, ``sender``: who did it,
    ``answers``: the id of the message that is answered, "" for none; ``file``: the address of a file, as events have
    it, ``size``: its bytes; ``intent``: the name of what was understood."""

    kind: str
    id: str | None = None
    sender: str | None = None
    text: str | None = None
    at: Micros | None = None
    answers: str | None = None
    subject: str | None = None
    file: str | None = None
    size: int | None = None
    intent: str | None = None


def micros(moment: datetime | None) -> Micros | None:
    """Return a moment as events have it. One without a zone is in UTC."""
    if moment is None:
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return int(aware.timestamp()) * 1_000_000 + aware.microsecond


def line(request: Request, connection: Connection) -> Iterator[Told]:
    signed = line_signature.sign(replace(request, body=_line_filled(request)), connection, SECRET)
    parser: Any = import_module("linebot.v3.webhook").WebhookParser(SECRET)
    for event in parser.parse(signed.body.decode(), signed.headers["x-line-signature"]):
        if type(event).__name__ == "UnknownEvent":
            yield Told(event.type)  # of no shape that the library knows: it says nothing
            continue
        told = Told(event.type, sender=getattr(event.source, "user_id", None), at=event.timestamp * 1000)
        if event.type in ("message", "messageEdited"):
            message = event.message
            words = message.text if message.type == "text" else None
            answers = getattr(message, "quoted_message_id", None) or ""
            told = told._replace(id=message.id, text=words, answers=answers, size=getattr(message, "file_size", None))
            yield told._replace(file=_line_file(message))
        elif event.type == "postback":
            yield told._replace(id=event.webhook_event_id)
        elif event.type == "unsend":
            yield told._replace(id=event.unsend.message_id)
        else:
            yield told


def _line_file(message: Any) -> str | None:
    """Return where a file is; LINE's own address of it is documented, and the library has it in another module."""
    if message.type not in ("image", "video", "audio", "file"):
        return None
    source = getattr(message, "content_provider", None)
    elsewhere = source.original_content_url if source is not None else None
    return elsewhere or f"https://api-data.line.me/v2/bot/message/{message.id}/content"


def _line_filled(request: Request) -> bytes:
    """Return a delivery with what the library demands and neither it nor we read, where that is left out."""
    delivery = json.loads(request.body)
    for event in delivery["events"]:
        given = {"mode": "active", "webhookEventId": "0", "replyToken": "0", "deliveryContext": {"isRedelivery": False}}
        event.update({**given, **event})
        if isinstance(event.get("message"), dict):
            event["message"].setdefault("quoteToken", "0")
    return json.dumps(delivery).encode()


_TELEGRAM = (
    "message", "edited_message", "channel_post", "edited_channel_post", "business_message", "edited_business_message",
)  # fmt: skip


def telegram(request: Request, _connection: Connection) -> Iterator[Told]:
    value = _telegram_filled(json.loads(request.body))
    update: Any = import_module("telegram").Update.de_json(value, None)
    for kind in _TELEGRAM:
        if message := getattr(update, kind):
            yield _telegram_message(kind, message)
    if query := update.callback_query:
        yield Told("callback_query", f"callback/{query.id}", str(query.from_user.id))
    if reaction := update.message_reaction:
        sender = None if reaction.user is None else str(reaction.user.id)
        yield Told("message_reaction", f"{reaction.chat.id}:{reaction.message_id}", sender, at=micros(reaction.date))
    if member := update.my_chat_member:
        yield Told("my_chat_member", sender=str(member.from_user.id), at=micros(member.date))
    if deleted := update.deleted_business_messages:
        place = f"{deleted.business_connection_id}:{deleted.chat.id}"
        yield from (Told("deleted_business_messages", f"{place}:{each}") for each in deleted.message_ids)


_DEMANDED = ({"is_bot": False, "first_name": ""}, {"file_unique_id": "0"})
"""What the library demands of a user and of a file, and neither it nor we read."""


def _telegram_filled(value: Any) -> Any:
    """Return an update with what the library demands, where that is left out, as of older versions of the Bot API."""
    if isinstance(value, list):
        return [_telegram_filled(each) for each in value]
    if not isinstance(value, dict):
        return value
    filled = {name: _telegram_filled(each) for name, each in value.items()}
    for name in ("from", "user", "sender_business_bot"):
        if isinstance(filled.get(name), dict):
            filled[name] = {**_DEMANDED[0], **filled[name]}
    return {**_DEMANDED[1], **filled} if "file_id" in filled else filled


_ANONYMOUS = "1087968824"
"""Telegram's account that stands for an administrator of a group who writes as the group."""


def _telegram_message(kind: str, message: Any) -> Told:
    place = (message.business_connection_id, str(message.chat.id))
    answered, writer = message.reply_to_message, message.sender_business_bot or message.from_user
    sender = None if writer is None or str(writer.id) == _ANONYMOUS else str(writer.id)
    if answered is not None and message.is_topic_message and answered.message_id == message.message_thread_id:
        answered = None  # of what is written in a topic, what began it (bots/api#forumtopiccreated)
    if message.successful_payment or message.refunded_payment:
        return Told("payment", sender=sender, at=micros(message.date))
    files = message.effective_attachment
    file = files[-1] if isinstance(files, tuple | list) and files else files
    id = getattr(file, "file_id", None)
    return Told(
        kind,
        _joined(*place, str(message.message_id)),
        sender,
        message.text or message.caption,
        micros(message.edit_date if kind.startswith("edited") else message.date),
        _joined(*place, str(answered.message_id)) if answered is not None else "",
        file=f"telegram-file:{id}" if id else None,
        size=getattr(file, "file_size", None) if id else None,
    )


def _joined(*parts: str | None) -> str:
    return ":".join(each for each in parts if each)


def viber(request: Request, _connection: Connection) -> Iterator[Told]:
    module: Any = import_module("viberbot")
    api = module.Api(module.BotConfiguration(SECRET, "acme", ""))
    found = api.parse_request(request.body.decode())
    told = Told(found.event_type, at=found.timestamp * 1000)
    if found.event_type == "message":
        words = getattr(found.message, "text", None) if found.message._message_type == "text" else None
        told = told._replace(id=str(found.message_token), sender=found.sender.id, text=words)
        is_file = found.message._message_type in ("picture", "video", "file")
        size = getattr(found.message, "size", None)
        yield told._replace(file=found.message.media, size=size) if is_file else told
    elif found.event_type in ("delivered", "seen", "failed"):
        yield told._replace(id=str(found.message_token), sender=found.user_id)
    elif found.event_type == "unsubscribed":
        yield told._replace(sender=found.user_id)
    elif found.event_type in ("subscribed", "conversation_started"):
        yield told._replace(sender=found.user.id)


def msteams(request: Request, _connection: Connection) -> Iterator[Told]:
    activity: Any = import_module("botbuilder.schema").Activity.deserialize(json.loads(request.body))
    sender = None if activity.from_property is None else activity.from_property.id
    told = Told(str(activity.type), sender=sender, at=micros(activity.timestamp))
    if activity.type == "message" and activity.conversation is not None:
        remove: Any = import_module("botbuilder.core").TurnContext.remove_recipient_mention
        words = (remove(activity) or "").strip()
        place = id_part(activity.conversation.id)
        formatted = not words or "<" in words or "&" in words or b"<blockquote" in request.body
        yield told._replace(id=f"{place}:{id_part(activity.id)}", text=None if formatted else words)
    else:
        yield told


_EARLIEST, _LATEST = 1_000_000_000_000, 10_000_000_000_000
"""Milliseconds. A sender's server may write any time; ours counts from 2001 to 2286."""


def matrix(request: Request, _connection: Connection) -> Iterator[Told]:
    types: Any = import_module("mautrix.types")
    for each in json.loads(request.body)["events"]:
        event = types.Event.deserialize(each)
        at = event.timestamp * 1000 if _EARLIEST <= event.timestamp < _LATEST else None
        told = Told(str(event.type), sender=event.sender, at=at)
        if str(event.type) != "m.room.message" or not hasattr(event.content, "body"):
            yield told
            continue
        told = told._replace(id=event.event_id)
        content, replaced = event.content, event.content.get_edit()
        if replaced:
            yield told._replace(id=replaced, text=each["content"]["m.new_content"]["body"])
            continue
        answers, related = content.get_reply_to() or "", content.relates_to
        if answers and related.is_falling_back:
            answers = related.event_id  # spec.matrix.org, "Fallback for unthreaded clients"
        elif answers:
            content.trim_reply_fallback()
        words = content.body if str(content.msgtype) in ("m.text", "m.notice", "m.emote") else None
        file, info = getattr(content, "url", None), getattr(content, "info", None)
        size = getattr(info, "size", None) if file else None
        yield told._replace(text=words, answers=answers, file=file, size=size)


def mastodon(request: Request, _connection: Connection) -> Iterator[Told]:
    """Read what our own account's server tells: Mastodon.py knows no activities of an inbox."""
    value = json.loads(request.body)
    if request.method != "MESSAGE":
        return
    types: Any = import_module("mastodon.return_types")
    cast: Any = import_module("mastodon.types_base").try_cast_recurse
    given, event = payload_of(value), value["event"]
    if event == "notification":
        found = cast(types.Notification, given)
        status = found.status
        told = Told(f"notification/{found.type}", sender=found.account.uri or found.account.url)
        if status is not None:
            at = found.created_at if found.type == "favourite" else status.created_at
            told = told._replace(id=status.uri, at=micros(at))
        yield told
    elif event in ("update", "status.update"):
        status = cast(types.Status, given)
        at = status.edited_at if event == "status.update" else status.created_at
        yield Told(event, status.uri, status.account.uri or status.account.url, at=micros(at))


def slack(request: Request, _connection: Connection) -> Iterator[Told]:
    """Find who did it: Bolt has no models."""
    module: Any = import_module("slack_bolt.request.internals")
    body = module.parse_body(request.body.decode(), request.content_type)
    event = body.get("event", body)
    sender = module.extract_user_id(body)
    by_app = "bot_id" in event or "bot_id" in event.get("message", {})  # Bolt names the app's user, we the bot
    yield Told(str(event.get("type")), sender=None if by_app or sender == "USLACKBOT" else sender)


def whatsapp(request: Request, _connection: Connection) -> Iterator[Told]:
    """Read each message in a delivery of its own, since pywa reads the first one alone."""
    client: Any = import_module("pywa").WhatsApp(token="a token", filter_updates=False)
    kind: Any = import_module("pywa.types.base_update").RawUpdate
    for delivery in _single(json.loads(request.body)):
        raw = kind(json.dumps(delivery).encode(), hmac_header=None, update_hash="0")
        handler = client._get_handler_type(raw)
        if handler in client._handlers_to_updates:
            update = client._handlers_to_updates[handler].from_update(client=client, update=raw)
            if told := _whatsapp_told(type(update).__name__, update):
                yield told._replace(id=None) if _is_payment(delivery) else told


def _is_payment(delivery: Any) -> bool:
    """Return whether a status is one of a payment, which is about an order and no message."""
    statuses = delivery["entry"][0]["changes"][0]["value"].get("statuses", ())
    return any(each.get("type") == "payment" for each in statuses)


def _single(delivery: Any) -> Iterator[Any]:
    for entry in delivery["entry"]:
        for change in entry["changes"]:
            value = change["value"]
            for contact in value.get("contacts", ()):
                contact.setdefault("user_id", "")  # older versions of the API have none, and the library demands it
            lists = [name for name in ("messages", "statuses", "message_echoes", "user_preferences") if name in value]
            for name in lists:
                for item in value[name]:
                    alone = {**{key: each for key, each in value.items() if key not in lists}, name: [item]}
                    yield {**delivery, "entry": [{**entry, "changes": [{**change, "value": alone}]}]}


def _whatsapp_told(kind: str, update: Any) -> Told | None:
    if (user := getattr(update, "from_user", None)) is None:
        return None
    number = user.wa_id or ""
    sender = f"+{number}" if number.isdecimal() else number or user.bsuid
    told = Told(kind, update.id, sender or None, at=micros(update.timestamp))
    if kind.startswith("Outgoing"):
        told = told._replace(sender=None)  # the business
    if kind in ("Message", "OutgoingMessage"):
        answered = update.reply_to_message
        words = update.text or update.caption if update.type.value in _WORDS else None
        if update.type.value == "request_welcome":
            return told._replace(id=None)
        if update.reaction is not None:
            return told._replace(id=update.reaction.message_id)
        file = f"{GRAPH}{update.media.id}" if update.media is not None and update.media.id else None
        return told._replace(text=words, answers=answered.message_id if answered else "", file=file)
    if kind in ("CallbackButton", "CallbackSelection"):
        return told._replace(text=update.title)
    if kind in ("EditedMessage", "DeletedMessage"):
        return told._replace(id=update.original_message_id)
    return told if kind == "MessageStatus" else None


_WORDS = ("text", "image", "video", "document")


def dialogflow(request: Request, _connection: Connection) -> Iterator[Told]:
    """Read the requests of fulfillment (ES) and webhooks (CX); of what is pushed the libraries have no model."""
    value = json.loads(request.body)
    if "queryResult" in value:
        es: Any = import_module("google.cloud.dialogflow_v2beta1").WebhookRequest.from_json(request.body.decode())
        found, words = es.query_result.intent.display_name, es.query_result.query_text
        missed = es.query_result.intent.is_fallback
    elif "message" in value:
        return
    else:
        cx: Any = import_module("google.cloud.dialogflowcx_v3").WebhookRequest.from_json(request.body.decode())
        found, words = cx.intent_info.display_name, cx.text
        missed = found == "Default Negative Intent"
    if words:
        yield Told("words", text=words)
    if found:
        yield Told("intent", intent="fallback" if missed else found)
