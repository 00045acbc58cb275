"""List the messages of an account, as the webhooks that told of them.

www.twilio.com/docs/messaging/api/message-resource, .../api/media-resource. A message that came in is the webhook of its
coming; of one that went out its last status is known alone.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping

from cx_channels.catch_up.listing import Listed, Page, Span
from cx_channels.kit.json_values import first, text
from cx_channels.kit.listed import Get, listed_form
from cx_channels.kit.times import rfc2822_time
from cx_channels.kit.twilio_lists import SETTLE, is_taken, listed_pages, moment, twilio_api
from cx_channels.provider import Connection
from cx_events.json_types import Json
from cx_events.timestamps import Micros

_CAME = frozenset({"received", "receiving"})
_MOST_FILES = 10


def open_listing(connection: Connection, get: Get) -> Messages:
    """Return the lists of a connection. Raise ``Fatal`` for settings that can't be meant."""
    return Messages(connection, get)


class Messages:
    """An account's messages, the newest first. A message's state changes within the hour, as a rule."""

    settle = SETTLE
    overlap = 3600.0

    def __init__(self, connection: Connection, get: Get) -> None:
        self._connection = connection
        self._api = twilio_api(connection)
        self._get = get

    async def names(self) -> AsyncGenerator[str, None]:
        yield "messages"

    async def pages(self, name: str, span: Span) -> AsyncGenerator[Page, None]:
        query = {"DateSent>": moment(span.since)}
        async for messages in listed_pages(self._get, self._api, "Messages", "messages", query):
            yield tuple([await self._listed(each) for each in messages if self._is_wanted(each, span)])
            if messages and all(_sent(each) < span.since for each in messages):
                return  # a filter that was taken as a day

    def _is_wanted(self, message: Json, span: Span) -> bool:
        ours = text(message.get("to" if _came(message) else "from"))
        return _is_within(message, span) and is_taken(self._connection, ours)

    async def _listed(self, message: Json) -> Listed:
        if not _came(message):
            return Listed(listed_form(status_fields(message), rfc2822_time(text(message.get("date_updated")))))
        count = text(message.get("num_media"))
        media = await self._media(message) if count.isascii() and count.strip("0").isdigit() else {}
        return Listed(listed_form({**message_fields(message), **media}, _sent(message) or None))

    async def _media(self, message: Json) -> Mapping[str, str]:
        fields: dict[str, str] = {}
        found: list[Json] = []
        async for page in listed_pages(
            self._get, self._api, f"Messages/{text(message.get('sid'))}/Media", "media_list", {}
        ):
            found += page
            if len(found) >= _MOST_FILES:
                break
        for number, each in enumerate(found[:_MOST_FILES]):
            fields[f"MediaUrl{number}"] = "https://api.twilio.com" + text(each.get("uri")).removesuffix(".json")
            fields[f"MediaContentType{number}"] = text(each.get("content_type"))
        return fields


def message_fields(message: Json) -> dict[str, str]:
    """Return the webhook of a message that came in."""
    sid = text(message.get("sid"))
    return {
        **_fields(message), "MessageSid": sid, "SmsSid": sid, "SmsMessageSid": sid, "SmsStatus": "received",
        "Body": _words(message), "NumMedia": text(message.get("num_media")) or "0",
        "NumSegments": text(message.get("num_segments")) or "1",
    }  # fmt: skip


def status_fields(message: Json) -> dict[str, str]:
    """Return the status callback of a message that went out."""
    sid, status = text(message.get("sid")), text(message.get("status"))
    code = text(message.get("error_code"))
    failure = {"ErrorCode": code, "ErrorMessage": text(message.get("error_message"))} if code.strip("0") else {}
    told = {name: value for name, value in failure.items() if value}
    return {
        **_fields(message), "MessageSid": sid, "SmsSid": sid, "MessageStatus": status, "SmsStatus": status, **told,
    }  # fmt: skip


def _fields(message: Json) -> dict[str, str]:
    service = text(message.get("messaging_service_sid"))
    return {
        "AccountSid": text(message.get("account_sid")),
        "ApiVersion": text(message.get("api_version")),
        "From": text(message.get("from")),
        "To": text(message.get("to")),
        **({"MessagingServiceSid": service} if service else {}),
    }


def _words(message: Json) -> str:
    body = message.get("body")
    return body if isinstance(body, str) else ""


def _came(message: Json) -> bool:
    return text(message.get("direction")) == "inbound" or text(message.get("status")) in _CAME


def _sent(message: Json) -> Micros:
    return rfc2822_time(first(message.get("date_sent"), message.get("date_created"))) or 0


def _is_within(message: Json, span: Span) -> bool:
    """Return whether a message is of a span. What became of one that went out is as young as its last change, whose
    callback may be on its way."""
    sent = _sent(message)
    changed = sent if _came(message) else rfc2822_time(text(message.get("date_updated"))) or sent
    return bool(text(message.get("sid"))) and span.since <= sent and max(sent, changed) <= span.until
