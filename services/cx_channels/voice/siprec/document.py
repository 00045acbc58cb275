"""Read a document of SIPREC metadata (RFC 7865), in the dialects that recorders send.

==================  ==============================================================================================
dialect             how it is told, and what differs
==================  ==============================================================================================
RFC 7865            ``session_id``, ``participant_id``; associations are elements of their own
draft               ``id`` and ``session`` at participants, which hold their times (``associate-time`` or
                    ``start-time``); ``apkt:callingParty`` in ``extensiondata``, or beside it with ``parent``
BroadWorks          root ``recording_metadata``, ``<aor>`` as a child
flat                ``caller`` and ``callee`` with ``number`` and ``name``; ``direction``; no RFC's
==================  ==============================================================================================

Names are read without prefixes, since one document spells a namespace in two ways (recorded).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cx_channels.kit.number_lists import number_in
from cx_channels.kit.safe_xml import Element, read_xml
from cx_channels.kit.times import iso_time
from cx_channels.provider import Request
from cx_events.errors import Refused
from cx_events.timestamps import Micros

Part = Literal["caller", "callee", ""]

MOST_SESSIONS = 100

_ROOTS = frozenset({"recording", "recording_metadata"})
_ZONE = re.compile(r"[+-][0-9]{4}\Z")
_BARE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,9})?")
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Person:
    """A participant. ``joined``, ``left``: as written. ``part``: who called whom, where the document says so."""

    id: str
    address: str
    name: str = ""
    joined: str = ""
    left: str = ""
    part: Part = ""


@dataclass(frozen=True, slots=True)
class Session:
    """A recorded call. ``calls``: ids by which other systems know it. ``groups``: what it is one matter with."""

    id: str
    began: str
    ended: str
    reason: str
    people: tuple[Person, ...]
    calls: tuple[str, ...]
    groups: tuple[str, ...]
    recording_began: str
    recording_ended: str
    direction: str
    is_whole: bool
    """Whether the document has all of it: what a partial one leaves out is unchanged, not gone."""


def read_document(request: Request) -> Element:
    """For ``Request.once``: the root of the metadata, also where it is one part of several. ``Refused("malformed")``
    for anything else."""
    body = request.body
    if request.content_type.startswith("multipart/"):
        begin, end = body.find(b"<recording"), body.rfind(b">")
        body = body[begin : end + 1] if begin >= 0 else b""
    root = read_xml(body)
    if root.name not in _ROOTS:
        raise Refused("malformed", f"the XML is no SIPREC metadata: its root is {root.name[:64]!r}")
    return root


def sessions_in(root: Element) -> list[Session]:
    """Return the sessions of a document; those without an id are left out. ``Refused("malformed")`` for too many: each
    looks at all participants."""
    found = []
    sessions = root.all("session")
    if len(sessions) > MOST_SESSIONS:
        raise Refused("malformed", f"the metadata has more than {MOST_SESSIONS} sessions")
    apart = _apart(root)
    for each in sessions:
        id = each.words("session_id", "id")
        if id:
            found.append(_session(root, each, id, apart))
    return found


def _apart(root: Element) -> Mapping[str, list[Element]]:
    """Return a vendor's data that stand beside what they are about, by its id, their ``parent`` (Oracle's "Metadata
    Contents")."""
    found: dict[str, list[Element]] = {}
    for each in root.all("extensiondata"):
        if parent := each.attributes.get("parent", ""):
            found.setdefault(parent, []).append(each)
    return found


def _session(root: Element, session: Element, id: str, apart: Mapping[str, list[Element]]) -> Session:
    recorded = [each for each in root.all("sessionrecordingassoc") if each.words("session_id") in ("", id)]
    more = [session, *session.all("extensiondata"), *apart.get(id, ())]
    calls = [each.text.partition(";")[0] for each in session.all("sipSessionID")]
    calls += [each.words("ucid").partition(";")[0] for each in more]
    groups = [*(each.text for each in session.all("group-ref")), session.attributes.get("group", "")]
    return Session(
        id=id,
        began=session.words("associate-time", "start-time"),
        ended=session.words("stop-time", "end-time", "disassociate-time"),
        reason=session.words("reason"),
        people=tuple(_people(root, id, apart)),
        calls=tuple(dict.fromkeys(filter(None, calls))),
        groups=tuple(dict.fromkeys(filter(None, groups))),
        recording_began=next((each.words("associate-time") for each in recorded), ""),
        recording_ended=next((each.words("disassociate-time") for each in recorded), ""),
        direction=root.words("direction").lower(),
        is_whole=root.words("datamode", "dataMode").lower() != "partial",
    )


def _people(root: Element, session: str, apart: Mapping[str, list[Element]]) -> list[Person]:
    found: list[Person] = []
    sides: tuple[Part, Part] = ("caller", "callee")
    for part in sides:
        found += [
            Person(part, each.words("number", "aor"), each.words("name", "n"), part=part) for each in root.all(part)
        ]
    times: dict[str, Element] = {}
    for each in root.all("participantsessionassoc"):
        if each.words("session_id") in ("", session):
            times[each.words("participant_id")] = each
    for each in root.all("participant"):
        if each.words("session") not in ("", session):
            continue
        id = each.words("participant_id", "id")
        named = _named(each)
        association = times.get(id, each)
        more = [*each.all("extensiondata"), *apart.get(id, ())]
        calling = next((data.words("callingParty") for data in more), "").lower()
        found.append(
            Person(
                id=id,
                address=named.words("aor"),
                name=named.words("name"),
                joined=association.words("associate-time", "start-time"),
                left=association.words("disassociate-time", "stop-time"),
                part="caller" if calling == "true" else "callee" if calling == "false" else "",
            )
        )
    return found


def _named(participant: Element) -> Element:
    """Return where a participant's address and name stand: of several addresses one that is a telephone number."""
    given = participant.all("nameID")
    return next((each for each in given if number_in(each.words("aor"))), next(iter(given), participant))


def time_in(written: str, zone: str) -> Micros | None:
    """Return a time: with an offset, with one without a colon (OpenSIPS/opensips#3287), or in the connection's zone."""
    if _ZONE.search(written):
        written = f"{written[:-2]}:{written[-2:]}"
    bare = _BARE.fullmatch(written)
    if bare is None:
        return iso_time(written)
    known = zone_of(zone)
    try:
        moment = datetime.fromisoformat(bare[1]).replace(tzinfo=known or UTC)
        at = (moment - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        return None
    return at if at > 0 else None


@lru_cache(64)
def zone_of(name: str) -> ZoneInfo | None:
    """Return a time zone by its name in the IANA database; nothing where there is none of that name."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
