"""Read one request of Slack's: an event in its envelope, an interaction with a control, or a slash command.

Shapes: docs.slack.dev/apis/events-api ("Event type structure"), docs.slack.dev/reference/interaction-payloads,
docs.slack.dev/interactivity/implementing-slash-commands.
"""

from __future__ import annotations

import re

import msgspec
from msgspec import Struct

from cx_channels.kit.drafts import complete_draft
from cx_channels.kit.forms import form_fields
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, obj, objects, read_object, text
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import YEAR_9999, unix_seconds
from cx_channels.provider import Connection, Request, Unmapped
from cx_events import strict_json
from cx_events.envelope import Data, Draft
from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_events.timestamps import Micros

_MOST_FIELDS = 100
_TIME = re.compile(r"([0-9]{1,11})\.([0-9]{1,6})")
_encode = msgspec.json.Encoder().encode

_SECRETS = frozenset({"token", "bot_access_token", "response_url", "response_urls", "interactivity"})
"""Of an interaction or a command: what lets its holder act at Slack."""
_WRITTEN = frozenset({"message", "app_mention"})
_OF_DELIVERY = ("type", "event_ts", "channel_type")
"""Of a message: what differs between the events that tell of one, ``message`` and ``app_mention``."""
_KEPT_OF_ENVELOPE = (
    "team_id", "enterprise_id", "api_app_id", "context_team_id", "context_enterprise_id", "is_ext_shared_channel",
)  # fmt: skip


class Notice(Struct, gc=False):
    """One notice. ``envelope``: what stands around the event, or the interaction or command itself; ``event``: what
    happened; ``kind``: as the tables name it.

    ``installed``: the workspace in which the app is installed that got this; ``enterprise``: the organisation
    (Enterprise Grid) that it belongs to, "" for none; ``is_shared``: whether people of other companies may be in the
    channel (Slack Connect).
    """

    connection: Connection
    envelope: Json
    event: Json
    kind: str
    installed: str
    enterprise: str
    is_shared: bool

    @property
    def time(self) -> Micros | None:
        """Return when the event happened, in whole seconds, for one without a ``ts``."""
        return unix_seconds(self.envelope.get("event_time"))

    @property
    def id(self) -> str:
        """Return the delivery's id, else a digest of what happened."""
        return text(self.envelope.get("event_id")) or sha256_hex(self.raw)[:32]

    @property
    def raw(self) -> bytes:
        """Return the notice without what differs between deliveries of it, and without secrets.

        A mention is told twice, as ``message`` and as ``app_mention``: it keeps what the message keeps.
        """
        if self.event is self.envelope:
            return _encode({name: value for name, value in self.envelope.items() if name not in _SECRETS})
        event = self.event
        if self.kind in _WRITTEN:
            event = dict(event)
            for name in _OF_DELIVERY:
                event.pop(name, None)
            event = {"type": "message", **event}
            if self.event.get("channel_type") == "im":
                event["channel_type"] = "im"
        kept = {name: self.envelope[name] for name in _KEPT_OF_ENVELOPE if name in self.envelope}
        if not text(event.get("ts")):
            kept |= {name: self.envelope[name] for name in ("event_id", "event_time") if name in self.envelope}
        if self.installed:
            kept["authorizations"] = [{"team_id": self.installed}]
        return _encode({"type": "event_callback", **kept, "event": event})

    def lost(self, why: str) -> Unmapped:
        raw = self.raw
        return Unmapped(id_part(self.id), f"malformed {self.kind[:64]}: {why}", raw)


def notice_of(connection: Connection, envelope: Json, event: Json, kind: str) -> Notice:
    """Return a notice, with where it comes from."""
    authorized = objects(envelope.get("authorizations"))
    team = authorized[0].get("team_id") if authorized else None
    context, whole = envelope.get("context_team_id"), envelope.get("team_id")
    installed = first(team, context, whole, obj(envelope.get("team")).get("id"))
    enterprise = first(envelope.get("enterprise_id"), obj(envelope.get("enterprise")).get("id"))
    is_shared = envelope.get("is_ext_shared_channel") is True
    return Notice(connection, envelope, event, kind, installed, enterprise, is_shared)


def read_json(request: Request) -> Json:
    """For ``Request.once``: the JSON object in the body, or in a form's field ``payload``; of a command its fields.

    Raise ``Refused("malformed")`` for anything else.
    """
    if not _is_form(request):
        return read_object(request.body)
    try:
        fields = dict(form_fields(request.body.decode("utf-8", "replace"), _MOST_FIELDS))
    except ValueError as error:
        raise Refused("malformed", str(error)) from None
    if "payload" not in fields:
        return dict(fields)
    try:
        value = strict_json.decode_mended(fields["payload"].encode("utf-8", "replace"))
    except Refused as refused:
        raise Refused("malformed", f"payload: {refused.detail}") from None
    if not isinstance(value, dict):
        raise Refused("malformed", "payload is no JSON object")
    return value


def _is_form(request: Request) -> bool:
    return request.content_type == "application/x-www-form-urlencoded"


def time_of(ts: str) -> Micros | None:
    """Return the time that a ``ts`` is: seconds, a dot and microseconds. It is text, and no float."""
    match = _TIME.fullmatch(ts)
    if match is None:
        return None
    at = int(match[1]) * 1_000_000 + int(match[2].ljust(6, "0"))
    return at if 0 < at < YEAR_9999 else None


def draft_of(
    notice: Notice, event_type: str, id: str, data: Data, *, root: str = "", time: Micros | None = None
) -> Draft:
    """Draft an event. ``data``: all but channel, interaction and raw."""
    return complete_draft(notice.connection, "chat", event_type, id, data, raw=notice.raw, root=root, time=time)
