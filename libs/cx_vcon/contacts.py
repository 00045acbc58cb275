"""Group a vCon's dialogs into contacts: by channel, and by the contact center's own interaction where it is given."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import get_args

from cx_events.envelope import Channel
from cx_events.json_types import Json
from cx_events.timestamps import Micros
from cx_vcon.content import has_content, kind_of
from cx_vcon.json_values import duration, index, indexes, text, time
from cx_vcon.round_trip import MAX_INTERACTIONS

_APPLICATIONS: Sequence[tuple[re.Pattern[str], Channel]] = (
    (re.compile(r"\b(sms|mms|rcs)\b"), "sms"),
    (re.compile(r"mail|smtp|imap"), "email"),
    (re.compile(r"facebook|instagram|twitter|\bx\b|linkedin|youtube|reddit"), "social"),
    (re.compile(r"phone|voice|sip|pstn"), "voice"),
)


@dataclass(slots=True)
class Contact:
    """One contact on one channel: the places of its dialogs, and from when to when it went."""

    channel: Channel
    label: str
    dialogs: list[int] = field(default_factory=list)
    start: Micros | None = None
    end: Micros | None = None


def contacts_of(dialogs: Sequence[Json], parties: Sequence[Json], created: Micros | None) -> tuple[
    list[Contact], list[int]
]:  # fmt: skip
    """Return the contacts in order of their first dialog, at least one, and the contact of each dialog, by number."""
    contacts: list[Contact] = []
    of: list[int] = []
    for number, dialog in enumerate(dialogs):
        label = text(dialog.get("interaction_id")) or text(dialog.get("interaction"))
        channel = _channel(dialog, parties)
        if channel is None or dialog.get("type") == "transfer":
            channel, label = _of_another(dialog, dialogs, contacts, of) or (channel or "voice", label)
        place = next((n for n, each in enumerate(contacts) if (each.channel, each.label) == (channel, label)), None)
        if place is None:
            if len(contacts) < MAX_INTERACTIONS:
                contacts.append(Contact(channel, label))
            place = len(contacts) - 1
        contact = contacts[place]
        contact.dialogs.append(number)
        of.append(place)
        start = time(dialog.get("start"))
        if start is not None:
            end = start + 1000 * (duration(dialog.get("duration")) or 0)
            contact.start = start if contact.start is None else min(contact.start, start)
            contact.end = end if contact.end is None else max(contact.end, end)
    if not contacts:
        contacts.append(Contact("chat", ""))
    for contact in contacts:
        contact.start = contact.start if contact.start is not None else created
        contact.end = contact.end if contact.end is not None else contact.start
    return contacts, of


def _of_another(
    dialog: Json, dialogs: Sequence[Json], contacts: Sequence[Contact], of: Sequence[int]
) -> tuple[Channel, str] | None:
    """Return channel and label of the dialog that a transfer began from, else of the first contact."""
    for original in indexes(dialog.get("original"), len(dialogs)):
        if original < len(of):
            return contacts[of[original]].channel, contacts[of[original]].label
    return (contacts[0].channel, contacts[0].label) if contacts else None


def _channel(dialog: Json, parties: Sequence[Json]) -> Channel | None:
    """Return the channel of a dialog; None where nothing tells."""
    application = text(dialog.get("application")).strip().lower()
    for channel in get_args(Channel):
        if application == channel:
            return channel  # type: ignore[no-any-return]
    kind = dialog.get("type")
    if kind in ("recording", "recording-set", "incomplete", "transfer"):
        return "voice"
    if kind != "text":
        return None
    for pattern, channel in _APPLICATIONS:
        if pattern.search(application):
            return channel
    involved = [parties[number] for number in indexes(dialog.get("parties"), len(parties))]
    phones = [party for party in involved if text(party.get("tel")) and not text(party.get("mailto"))]
    mails = [party for party in involved if text(party.get("mailto"))]
    message_id = text(dialog.get("message_id"))
    if kind_of(dialog).startswith(("multipart/", "message/")) or (mails and "@" in message_id):
        return "email"
    if involved and len(mails) == len(involved) and not application and not message_id:
        return "email"
    if involved and len(phones) == len(involved) and not application and not message_id:
        # Without content, text between phones is a call that somebody wrote down.
        return "sms" if has_content(dialog) else "voice"
    return "chat"


def author_of(dialog: Json, parties: int) -> int | None:
    """Return the party who began or wrote a dialog: ``originator``, else the first of ``parties``."""
    originator = index(dialog.get("originator"), parties)
    return originator if originator is not None else next(iter(indexes(dialog.get("parties"), parties)), None)
