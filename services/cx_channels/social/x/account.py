"""Read one delivery, whose accounts it is about, and draft its events.

Account Activity posts ``{"for_user_id", "direct_message_events": [...], "users": {...}}``, the X Activity API
``{"data": {"event_uuid", "filter", "event_type", "payload"}}`` with the same objects for direct messages
(docs.x.com/x-api/account-activity/introduction, .../x-api/activity/event-payloads). Ids are decimal text of 64 bits.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from cx_channels.kit.drafts import make_draft
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, number, obj, objects, text
from cx_channels.kit.settings import texts_of
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import iso_time, rfc2822_time, unix_time
from cx_channels.provider import Connection, Unmapped
from cx_events.envelope import Attachment, Direction, Draft, Identifier, Participant, Weight
from cx_events.json_types import Json
from cx_events.timestamps import Micros
from cx_events.weights import PROVED

WEIGHTS: Mapping[str, Mapping[Weight, str]] = {
    "x": {"proved": "X's own id of an account, in a delivery that the app's secret signed"},
}

encode = msgspec.json.Encoder().encode
_ID = re.compile(r"[0-9]{1,20}", re.ASCII)
_CREATED = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d\d) (\d\d:\d\d:\d\d) ([+-]\d{4}) (\d{4})", re.ASCII)


@dataclass(slots=True)
class Account:
    """A delivery. ``of``: the account that it is for, "" where none is told; ``users``: people by id."""

    connection: Connection
    of: str
    users: Mapping[str, Json]

    @property
    def ours(self) -> frozenset[str]:
        """Return the business's accounts: those of the setting, else the one that the delivery is for."""
        named = texts_of(self.connection.settings, "accounts")
        return frozenset(named or ([self.of] if self.of else []))

    def person(self, id: str) -> Participant:
        """Return somebody who is not the business. Names can be changed, and identify nobody."""
        known = Identifier(kind="x", value=id, weight=PROVED)
        return Participant(
            role="customer", name=text(self.users.get(id, {}).get("name")), identifiers=[known] if is_id(id) else []
        )  # fmt: skip

    def business(self, id: str, app: str = "") -> Participant:
        """Return one of our accounts; a bot where its application is one of the setting ``bots``."""
        bot = app and app in texts_of(self.connection.settings, "bots")
        return Participant(role="bot" if bot else "business", id=id)

    def draft(
        self, event_type: str, id: str, element: Json, root: str, at: Micros | None, people: list[Participant],
        direction: Direction | None, **data: Any,
    ) -> Draft:  # fmt: skip
        return make_draft(
            self.connection, "social", event_type, id, raw=encode(element), root=root, time=at, direction=direction,
            participants=people, **data,
        )  # fmt: skip

    def lost(self, kind: str, why: str, element: Json) -> Unmapped:
        raw = encode(element)
        return Unmapped(sha256_hex(raw)[:32], f"malformed {kind[:64]}: {why}", raw)


def is_id(value: str) -> bool:
    """Return whether a text is an id of X's."""
    return _ID.fullmatch(value) is not None


def id_of(value: Any) -> str:
    """Return the id of an object: the text beside the number, since numbers lose digits in other programs."""
    return first(obj(value).get("id_str"), obj(value).get("id"))


def dm_root(one: str, other: str) -> str:
    """Return what tells a conversation of two, as ``dm_conversation_id`` does: the smaller id first."""
    pair = sorted((one, other), key=lambda each: (len(each), each))
    return f"dm/{id_part(pair[0])}-{id_part(pair[1])}"


def users_of(*given: Any) -> dict[str, Json]:
    """Return people by id, from a map of either API, or from a list."""
    found: dict[str, Json] = {}
    for each in given:
        listed = list(each.values()) if isinstance(each, dict) else objects(each)
        for user in (obj(obj(one).get("data")) or obj(one) for one in listed):
            found[id_of(user)] = user
    return found


def time_of(element: Json) -> Micros | None:
    """Return when something happened: milliseconds as text, ISO 8601, or ``Mon Mar 26 16:33:26 +0000 2018``."""
    for name in ("created_timestamp", "timestamp_ms", "created_at_msec"):
        if found := unix_time(element.get(name)):
            return found
    written = text(element.get("created_at"))
    match = _CREATED.fullmatch(written)
    if match:
        month, day, clock, zone, year = match.groups()
        return rfc2822_time(f"{day} {month} {year} {clock} {zone}")
    return iso_time(written)


def film_of(media: Json) -> Attachment | None:
    """Return a film by the address of its best single file; None for a picture, or where X tells no file.

    ``media_url_https`` of a film is a still of it (docs.x.com, extended entities: post with native video).
    """
    variants = [*objects(obj(media.get("video_info")).get("variants")), *objects(media.get("variants"))]
    files = [each for each in variants if text(each.get("content_type")) == "video/mp4" and text(each.get("url"))]
    if not files:
        return None
    best = max(files, key=lambda each: number(first(each.get("bitrate"), each.get("bit_rate"))) or 0)
    return Attachment(content_type="video/mp4", name=text(media.get("type")), url=text(best.get("url")))


def plain(words: str, entities: Any) -> str:
    """Return words without escapes, and with addresses instead of X's short ones."""
    for url in objects(obj(entities).get("urls")):
        short, whole = text(url.get("url")), text(url.get("expanded_url"))
        if short and whole:
            words = words.replace(short, whole)
    return html.unescape(words)
