"""Export a conversation's events as one vCon.

An imported vCon goes out as it came, in the syntax that it came in. Where the conversation went on in the hub, or holds
several imported ones, it is brought to the current syntax and what happened besides is appended, as the draft provides
for an unsigned vCon (``updated_at``). Every other conversation is a new vCon (``builder``), whose ``uuid`` is the
conversation's id. Equal facts give equal bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from cx_events.facts import Fact, vcon_source
from cx_events.json_types import Json
from cx_events.timestamps import format_time
from cx_vcon.builder import NO_FILES, Files, VconContent, build_vcon
from cx_vcon.json_values import index
from cx_vcon.round_trip import ImportedVcon, earlier_of, reassemble
from cx_vcon.syntax import CURRENT, modernise

OURS = "throughline"
"""The name of our extension, which holds what the draft has no place for."""

_DIALOG_REFERENCES = ("original", "consultation", "target_dialog", "recordings", "recording_set")
_PARTY_REFERENCES = ("parties", "originator", "transferee", "transferor", "transfer_target")


def original_of(fact: Fact) -> bytes | None:
    """Return an event's piece of an imported vCon, or a reference to it (``blob_of``); None for other events."""
    if fact.event.source != vcon_source(fact.event.tenantid):
        return None
    raw = fact.event.data.raw
    return None if raw is msgspec.UNSET else bytes(raw)


def blob_of(original: bytes) -> str | None:
    """Return the name of the blob that holds a large original; None where the original is complete."""
    if len(original) > 200:
        return None
    kept = msgspec.json.decode(original)
    named = kept.get("blob") if isinstance(kept, dict) and len(kept) == 1 else None
    return named if isinstance(named, str) and named.startswith("sha256:") else None


def imported_vcons(facts: Iterable[Fact], blobs: Mapping[str, bytes]) -> list[ImportedVcon]:
    """Return the vCons among a conversation's events. ``blobs``: the large originals by name."""
    originals = []
    for fact in facts:
        original = original_of(fact)
        if original is not None:
            blob = blob_of(original)
            originals.append((fact.event.id, fact.recorded, blobs[blob] if blob is not None else original))
    return reassemble(originals)


def with_required_members(came: ImportedVcon, facts: Sequence[Fact]) -> Json:
    """Return an imported vCon with the members that the draft requires, where it came without.

    These are ``uuid``, and ``created_at``, which is when the conversation began.
    """
    if came.vcon.get("created_at") or not facts:
        return came.vcon
    return {**came.vcon, "created_at": format_time(min(fact.effective for fact in facts))}


def native_facts(facts: Sequence[Fact]) -> list[Fact]:
    """Return the facts that came by no vCon, for ``build_vcon``."""
    source = vcon_source(facts[0].event.tenantid) if facts else ""
    return [fact for fact in facts if fact.event.source != source]


def export_vcon(conversation: str, facts: Sequence[Fact], blobs: Mapping[str, bytes], files: Files = NO_FILES) -> Json:
    """Return the vCon of a conversation.

    ``conversation``: its id. ``facts``: all of it, in canonical order. ``blobs``: large originals by name. ``files``:
    attachments that the hub holds.
    """
    came = _latest(imported_vcons(facts, blobs))
    content = build_vcon(native_facts(facts), files)
    if len(came) == 1 and not content.has_content:
        return with_required_members(came[0], facts)
    vcon: Json = {"vcon": CURRENT, "uuid": came[0].uuid if len(came) == 1 else conversation}
    vcon["extensions"] = []
    if facts:
        vcon["created_at"] = format_time(facts[0].effective)
        vcon["updated_at"] = format_time(max(fact.effective for fact in facts))
    parts = [modernise(each.vcon) for each in came]
    if len(parts) == 1:
        vcon = {**vcon, **{name: value for name, value in parts[0].items() if name not in ("vcon", "updated_at")}}
        vcon["updated_at"] = format_time(max(fact.effective for fact in facts))
        vcon["extensions"] = [each for each in vcon.get("extensions") or [] if isinstance(each, str)]
    if content.subject and not vcon.get("subject"):
        vcon["subject"] = content.subject
    for name in ("parties", "dialog", "analysis", "attachments"):
        vcon[name] = list(parts[0].get(name) or []) if len(parts) == 1 else []
    if len(parts) > 1:
        _merge(vcon, parts)
    _append(vcon, content.arrays)
    return _finished(vcon, content)


def _latest(came: Sequence[ImportedVcon]) -> list[ImportedVcon]:
    """Return the vCons without those that another one amends, which has all of their content."""
    amended = {earlier_of(each.vcon) for each in came if earlier_of(each.vcon) != each.uuid}
    return [each for each in came if each.uuid not in amended] or list(came)


def _merge(vcon: Json, parts: Sequence[Json]) -> None:
    """Put the objects of several vCons one after the other, and their other members into our extension."""
    members = []
    for part in parts:
        subject = part.get("subject")
        if subject and not vcon.get("subject"):
            vcon["subject"] = subject
        vcon["extensions"] += [each for each in part.get("extensions") or [] if each not in vcon["extensions"]]
        counts = {name: len(part.get(name) or ()) for name in ("parties", "dialog", "analysis", "attachments")}
        members.append({**{name: value for name, value in part.items() if name not in counts}, "counts": counts})
        _append(vcon, part)
    vcon[OURS] = {"vcons": members}


def _append(vcon: Json, part: Json) -> None:
    """Append a vCon's objects to those of another, and shift their references."""
    parties, dialogs = len(vcon["parties"]), len(vcon["dialog"])
    attachments = len(vcon["attachments"])
    vcon["parties"] += part.get("parties") or []
    for dialog in part.get("dialog") or []:
        found = _moved(dialog, _PARTY_REFERENCES, parties)
        found = _moved(found, _DIALOG_REFERENCES, dialogs)
        if isinstance(found, dict) and isinstance(found.get("party_history"), list):
            found["party_history"] = [_moved(each, ("party",), parties) for each in found["party_history"]]
        vcon["dialog"].append(found)
    for attachment in part.get("attachments") or []:
        vcon["attachments"].append(_moved(_moved(attachment, ("party",), parties), ("dialog",), dialogs))
    for analysis in part.get("analysis") or []:
        vcon["analysis"].append(_moved(_moved(analysis, ("dialog",), dialogs), ("attachment",), attachments))


def _moved(value: Any, names: Iterable[str], by: int) -> Any:
    if not isinstance(value, dict):
        return value
    return {**value, **{name: _shifted(value[name], by) for name in names if name in value}}


def _shifted(value: Any, by: int) -> Any:
    if isinstance(value, list):
        return [_shifted(each, by) for each in value]
    return value + by if index(value, value + 1 if type(value) is int else 0) is not None else value


def _finished(vcon: Json, content: VconContent) -> Json:
    """Return the vCon with our extension, and the names of the extensions in use."""
    ours = {**vcon.pop(OURS, {}), **({"events": content.other_events} if content.other_events else {})}
    used = ["CC"] if content.arrays["dialog"] or content.arrays["parties"] else []
    if ours:
        vcon[OURS] = ours
        used.append(OURS)
    vcon["extensions"] = list(dict.fromkeys([*vcon["extensions"], *used]))
    if not vcon["extensions"]:
        del vcon["extensions"]
    return vcon
