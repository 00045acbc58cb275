"""Map the notices of a delivery to events, by kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cx_channels.kit.drafts import sort_outcomes
from cx_channels.kit.json_values import obj, objects, text
from cx_channels.kit.outcomes import Outcome, no_adapter
from cx_channels.kit.whatsapp import calls, messages, statuses
from cx_channels.kit.whatsapp.delivery import Change, digest, read_changes
from cx_channels.kit.whatsapp.kinds import IGNORED, KEPT
from cx_channels.kit.whatsapp.notice import Notice
from cx_channels.kit.whatsapp.people import read_contacts
from cx_channels.provider import Connection, Ignored, Mapped, Unmapped
from cx_events.dead_letters import UNKNOWN_KIND

KINDS: Mapping[str, tuple[Callable[[Notice], Outcome], str]] = {
    **messages.KINDS,
    **statuses.KINDS,
    **calls.KINDS,
}

DOCUMENTED: Mapping[str, str] = {
    **{kind: becomes for kind, (_, becomes) in KINDS.items()},
    **{kind: f"ignored: {why}" for kind, why in IGNORED.items()},
    **{kind: f"kept: {why}" for kind, why in KEPT.items()},
    "standby": "as messages, by the same ids: cx.message.received, cx.message.sent; another app has the thread",
}

SETTINGS = frozenset({"accounts", "portfolio", "statuses"})
"""The settings that the mapping reads."""

_SECTIONS = ("messages", "statuses", "message_echoes", "calls", "user_preferences")
_FIELDS = frozenset({"messages", "standby", "smb_message_echoes", "message_echoes", "calls", "user_preferences"})
"""Fields whose notices are mapped. What list they are in counts, not which field: ``calls`` also has ``statuses``."""


def map_delivery(body: bytes, connection: Connection) -> Mapped:
    """Map all notices of a delivery. Raise ``Refused("malformed")`` for a body that is no delivery."""
    return sort_outcomes(outcomes_of(body, connection))


def outcomes_of(body: bytes, connection: Connection) -> list[Outcome]:
    """Return what the notices of a delivery become, in order."""
    found: list[Outcome] = []
    for each in read_changes(body):
        found += _of_change(each, connection) if isinstance(each, Change) else [each]
    return found


def kinds_in(body: bytes) -> tuple[str, ...]:
    """Return the kinds of a delivery's notices, as ``DOCUMENTED`` names them."""
    found: list[str] = []
    for each in read_changes(body):
        if isinstance(each, Change):
            found += [kind_of(section, item) for section, item in _items(each) if isinstance(item, dict)]
            found += [each.field] if each.field == "standby" else []
    return tuple(kind for kind in found if kind in DOCUMENTED)


def _items(change: Change) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for section in _SECTIONS:
        if section in change.value:
            items = change.value[section]
            found += [(section, item) for item in items] if isinstance(items, list) else []
    return found


def _of_change(change: Change, connection: Connection) -> list[Outcome]:
    metadata = obj(change.value.get("metadata"))
    number, shown = text(metadata.get("phone_number_id")), text(metadata.get("display_phone_number"))
    if not _ours(connection, change.account, number):
        return [Ignored("other-account", IGNORED["other-account"])]
    if change.field not in _FIELDS:
        return [_left(change, change.field)]
    items = _items(change)
    if not items:
        return [_left(change, "errors" if objects(change.value.get("errors")) else change.field)]
    contacts, place = read_contacts(change.value.get("contacts")), number or change.account
    found: list[Outcome] = []
    for section, item in items:
        if isinstance(item, dict):
            kind, id = kind_of(section, item), text(item.get("id"))
            found.append(_of_notice(Notice(change, connection, section, item, kind, contacts, place, shown, id)))
        else:
            raw = change.raw({**change.value, "contacts": [], section: [item]})
            found.append(Unmapped(digest(raw), f"malformed {section}: not an object", raw))
    return found


def _of_notice(notice: Notice) -> Outcome:
    kind = notice.kind
    mapped = KINDS.get(kind)
    if mapped is not None:
        if not notice.number:
            return notice.lost("it names neither a number nor an account")
        return mapped[0](notice)
    if kind in IGNORED:
        return Ignored(kind, IGNORED[kind])
    if kind in KEPT:
        return no_adapter(kind, KEPT[kind], notice.lost("").id, notice.raw)
    return notice.unknown()


def kind_of(section: str, item: Any) -> str:
    """Return the kind of an item of one of the lists."""
    if section == "statuses":
        return statuses.kind_of(item)
    return calls.kind_of(item) if section == "calls" else messages.kind_of(section, item)


def _left(change: Change, kind: str) -> Ignored | Unmapped:
    """Return what becomes of a change without notices of people."""
    if kind in IGNORED:
        return Ignored(kind, IGNORED[kind])
    raw = change.raw()
    if kind in KEPT:
        return no_adapter(kind, KEPT[kind], digest(raw), raw)
    return Unmapped(digest(raw), f"{UNKNOWN_KIND}: the field {change.field[:64]!r}", raw)


def _ours(connection: Connection, account: str, number: str) -> bool:
    """Return whether the setting ``accounts`` lists the account or its number: one app may serve many."""
    listed = connection.settings.get("accounts")
    if not listed:
        return True
    known = [text(each) for each in (listed if isinstance(listed, list | tuple) else [listed])]
    return account in known or number in known
