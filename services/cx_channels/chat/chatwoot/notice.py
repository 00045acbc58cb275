"""Read one webhook of Chatwoot's, and draft its events.

``{"event", ...}`` with a message (its conversation inside), a conversation or a contact at the top
(github.com/chatwoot/chatwoot, app/listeners/webhook_listener.rb, conversations/event_data_presenter.rb). Ids are whole
numbers, in older samples text. A conversation's number counts within its account alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from cx_channels.kit.drafts import make_draft
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, number, obj, objects, text
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import YEAR_9999, iso_time, unix_seconds
from cx_channels.provider import Connection, Unmapped
from cx_events.envelope import Channel, Draft, Participant
from cx_events.json_types import Json
from cx_events.timestamps import Micros

encode = msgspec.json.Encoder().encode

CHANNELS: dict[str, Channel] = {
    "Channel::Email": "email",
    "Channel::FacebookPage": "social",
    "Channel::Instagram": "social",
    "Channel::Line": "social",
    "Channel::Sms": "sms",
    "Channel::Telegram": "social",
    "Channel::Tiktok": "social",
    "Channel::TwilioSms": "sms",
    "Channel::TwitterProfile": "social",
    "Channel::Voice": "voice",
    "Channel::Whatsapp": "social",
}
"""Where an inbox's messages come from; web widgets and API inboxes are chats."""

_OF_MESSAGE = (
    "id", "content", "created_at", "message_type", "private", "content_type", "content_attributes", "source_id",
    "attachments", "sender", "contact", "account", "inbox",
)  # fmt: skip
_OF_CONVERSATION = ("id", "display_id", "channel", "inbox_id", "contact_inbox", "account_id")
_OF_STATE = ("status", "snoozed_until", "labels", "priority", "custom_attributes", "additional_attributes")


class Notice(Struct, frozen=True, gc=False):
    """One webhook. ``value``: its body. ``account``: its id. ``root``: what tells the interaction; "" where the account
    or the conversation is not named."""

    connection: Connection
    value: Json
    event: str
    is_message: bool
    conversation: Json
    account: str
    root: str

    @property
    def changed_at(self) -> str:
        """Return when a conversation last changed, as it is written."""
        at = self.value.get("updated_at")
        return repr(at) if isinstance(at, float) else first(at, self.value.get("timestamp"))

    @property
    def raw(self) -> bytes:
        """Return the notice without what other deliveries of the same may say otherwise: counts, last activity."""
        value, talk = self.value, self.conversation
        event = "conversation_status_changed" if self.event in STATUS_EVENTS else self.event
        meta = obj(talk.get("meta"))
        about = {name: talk[name] for name in _OF_CONVERSATION if name in talk}
        about["meta"] = {name: meta[name] for name in ("sender", "assignee", "team", "hmac_verified") if name in meta}
        if self.is_message:
            kept = {name: value[name] for name in _OF_MESSAGE if name in value}
            status = {"status": value["status"]} if self.event == "message_updated" and "status" in value else {}
            return encode({"event": event, **kept, **status, "conversation": about})
        if "contact" in self.event:
            return encode(value)
        kept = {
            name: value[name] for name in ("account", *_OF_STATE, "updated_at", "changed_attributes") if name in value
        }
        return encode({"event": event, **about, **kept})

    def changed(self) -> dict[str, tuple[Any, Any]]:
        """Return what changed, with the values before and after. Both are absent where the change is not told."""
        given = self.value.get("changed_attributes")
        listed = given if isinstance(given, list) else [given]
        found: dict[str, tuple[Any, Any]] = {}
        for name, each in ((name, each) for part in listed for name, each in obj(part).items()):
            pair = each if isinstance(each, list) and len(each) == 2 else None
            about = obj(each)
            found[name] = (pair[0], pair[1]) if pair else (about.get("previous_value"), about.get("current_value"))
        return found

    def draft(
        self, event_type: str, id: str, people: Iterable[Participant], time: Micros | None = None, **data: Any
    ) -> Draft:
        channel = CHANNELS.get(text(self.conversation.get("channel")), "chat")
        return make_draft(
            self.connection, channel, event_type, id, raw=self.raw, root=self.root, time=time,
            participants=list(people), **data,
        )  # fmt: skip

    def lost(self, why: str) -> Unmapped:
        raw = encode(self.value)
        return Unmapped(sha256_hex(raw)[:32], f"malformed {self.event[:64]}: {why}", raw)


STATUS_EVENTS = frozenset({"conversation_status_changed", "conversation_opened", "conversation_resolved"})


def notice_of(connection: Connection, value: Json) -> Notice:
    """Return a webhook as its body describes it."""
    event = text(value.get("event"))
    is_message = event.startswith("message_")
    talk = obj(value.get("conversation")) if is_message else value
    account = _account(value, talk) or text(connection.settings.get("account"))
    named = first(talk.get("display_id"), talk.get("id"))
    root = f"{id_part(account)}/{id_part(named)}" if account and named else ""
    return Notice(connection, value, event, is_message, talk, account, root)


def _account(value: Json, talk: Json) -> str:
    """Return the account's id. A conversation names it by its last message alone, and may have none yet."""
    named = first(obj(value.get("account")).get("id"), value.get("account_id"), talk.get("account_id"))
    return named or first(*(each.get("account_id") for each in objects(talk.get("messages"))))


def time_of(value: Any) -> Micros | None:
    """Read a time in any of the forms that Chatwoot writes: Unix seconds, ISO 8601, ``2020-03-03 13:05:57 UTC``."""
    if isinstance(value, float):
        seconds = number(value)
        return round(seconds * 1_000_000) if seconds is not None and 0 < seconds < YEAR_9999 / 1e6 else None
    written = text(value)
    if written.isdecimal():
        return unix_seconds(value)
    if written.endswith(" UTC"):
        written = written.removesuffix(" UTC").replace(" ", "T", 1) + "Z"
    return iso_time(written)
