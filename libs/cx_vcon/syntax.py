"""Bring vCons of older syntaxes to 0.4.0.

Renamed or restructured is what draft-ietf-vcon-vcon-core-03 lists under "Non-Upward Compatible Changes", and an
attachment's ``type``, which became ``purpose``. Members that 0.4.0 lacks (``group``) stay.
"""

from __future__ import annotations

from typing import Any

from cx_events.json_types import Json
from cx_vcon.hashes import normalise_hash
from cx_vcon.json_values import text

CURRENT = "0.4.0"
NIL_UUID = "00000000-0000-0000-0000-000000000000"

_TOP = {"appended": "amended", "must_support": "critical"}
_DIALOG = {"mimetype": "mediatype", "transfer-target": "transfer_target", "target-dialog": "target_dialog"}
_ATTACHMENT = {"mimetype": "mediatype", "type": "purpose"}
_FILE = {"mimetype": "mediatype"}
_HASHES = {"sha512": "sha512", "sha-512": "sha512"}


def modernise(vcon: Json) -> Json:
    """Return a vCon in the syntax of 0.4.0; one that has it already comes out equal."""
    found = _renamed(vcon, _TOP)
    found["vcon"] = CURRENT
    for name in ("redacted", "amended", "group"):
        if name in found and not found[name]:  # empty: optional in 0.4.0, required before
            del found[name]
    for name in ("redacted", "amended"):
        if isinstance(found.get(name), dict):
            found[name] = _file(found[name], _FILE)
    if isinstance(found.get("group"), list):
        found["group"] = [_file(each, _FILE) for each in found["group"]]
    for name, names in (("dialog", _DIALOG), ("analysis", _FILE), ("attachments", _ATTACHMENT)):
        if isinstance(found.get(name), list):
            found[name] = [_file(each, names) for each in found[name]]
    for dialog in found.get("dialog") or ():
        if isinstance(dialog, dict) and "session_id" in dialog:
            dialog["session_id"] = _session(dialog["session_id"])
    return found


def _renamed(value: Json, names: dict[str, str]) -> Json:
    """Return an object with its members renamed. Where old and new name both have a value, both stay."""
    found: Json = {}
    for name, each in value.items():
        new = names.get(name, name)
        if new == name or (each and value.get(new)):
            found.setdefault(name, each)
        elif each or new not in value:
            found[new] = each
    return found


def _file(value: Any, names: dict[str, str]) -> Any:
    """Return a file with its members renamed, and ``alg`` and ``signature`` (0.0.1) as ``content_hash``.

    A malformed hash stays under its old names.
    """
    if not isinstance(value, dict):
        return value
    found = _renamed(value, names)
    hash = _HASHES.get(text(found.get("alg")).lower())
    if hash is not None and "content_hash" not in found:
        value = normalise_hash(hash, text(found.get("signature")))
        if value is not None:
            del found["alg"], found["signature"]
            found["content_hash"] = f"{hash}-{value}"
    body = found.get("body")
    # An inline file must have an encoding; without one, a text is plain.
    if isinstance(body, str) and body and not text(found.get("encoding")):
        found["encoding"] = "none"
    return found


def _session(value: Any) -> Any:
    """Return a session id as an object; up to 0.3.0 it was ``{local};remote={remote}`` (RFC 7989, section 5)."""
    if isinstance(value, list):
        return [_session(each) for each in value]
    if not isinstance(value, str):
        return value
    local, _, remote = value.partition(";remote=")
    return {"local": local.strip(), "remote": remote.strip() or NIL_UUID}
