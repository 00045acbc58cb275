"""One request of Slack's: an event in its envelope, an interaction with a control, or a slash command.

Shapes: docs.slack.dev/apis/events-api ("Event type structure"), docs.slack.dev/reference/interaction-payloads,
docs.slack.dev/interactivity/implementing-slash-commands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from cx_channels.kit.drafts import make_draft
from cx_channels.kit.forms import form_fields
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, obj, objects, read_object, text
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import unix_seconds
from cx_channels.provider import Connection, Request, Unmapped
from cx_events import strict_json
from cx_events.envelope import Draft
from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_events.timestamps import Micros

_MOST_FIELDS = 100
_TIME = re.compile(r"([0-9]{1,11})\.([0-9]{1,6})")
_encode = msgspec.json.Encoder().encode

_SECRETS = frozenset({"token", "bot_access_token", "response_url", "response_urls", "interactivity"})
"""Of an interaction or a command: what lets its holder act at Slack."""
_OF_DELIVERY = frozenset({"type", "event_ts", "channel_type"})
"""Of a message: what differs between the events that tell of one, ``message`` and ``app_mention``."""
_KEPT_OF_ENVELOPE = (
    "team_id", "enterprise_id", "api_app_id", "context_team_id", "context_enterprise_id", "is_ext_shared_channel",
)  # fmt: skip


@dataclass(slots=True)
class Notice:
    """One notice. ``envelope``: what stands around the event, or the interaction or command itself; ``event``: what
    happened; ``kind``: as the tables name it."""

    connection: Connection
    envelope: Json
    event: Json
    kind: str

    @property
    def installed(self) -> str:
        """Return the workspace in which the app is installed that got this."""
        authorized = next(iter(objects(self.envelope.get("authorizations"))), {})
        team = obj(self.envelope.get("team"))
        context, whole = self.envelope.get("context_team_id"), self.envelope.get("team_id")
        return first(authorized.get("team_id"), context, whole, team.get("id"))

    @property
    def enterprise(self) -> str:
        """Return the organisation (Enterprise Grid) that the workspace belongs to, "" for none."""
        organisation = obj(self.envelope.get("enterprise"))
        return first(self.envelope.get("enterprise_id"), organisation.get("id"))

    @property
    def is_shared(self) -> bool:
        """Return whether people of other companies may be in the channel (Slack Connect)."""
        return self.envelope.get("is_ext_shared_channel") is True

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
        if self.kind in ("message", "app_mention"):
            event = {"type": "message", **{name: each for name, each in event.items() if name not in _OF_DELIVERY}}
            if self.event.get("channel_type") == "im":
                event["channel_type"] = "im"
        kept = {name: self.envelope[name] for name in _KEPT_OF_ENVELOPE if name in self.envelope}
        if not text(event.get("ts")):
            kept |= {name: self.envelope[name] for name in ("event_id", "event_time") if name in self.envelope}
        authorized = self.installed
        if authorized:
            kept["authorizations"] = [{"team_id": authorized}]
        return _encode({"type": "event_callback", **kept, "event": event})

    def lost(self, why: str) -> Unmapped:
        raw = self.raw
        return Unmapped(id_part(self.id), f"malformed {self.kind[:64]}: {why}", raw)


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
        value = strict_json.decode(fields["payload"].encode("utf-8", "replace"))
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
    return at if 0 < at < 253_370_764_800_000_000 else None


def draft_of(notice: Notice, event_type: str, id: str, **data: Any) -> Draft:
    """Draft an event. ``data``: as for ``make_draft``."""
    return make_draft(notice.connection, "chat", event_type, id, raw=notice.raw, **data)
