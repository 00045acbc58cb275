"""A vCon of an older syntax in the words of 0.4.0.

What was renamed or put together otherwise, as draft-ietf-vcon-vcon-core-03 tells under "Non-Upward Compatible Changes",
and an attachment's ``type``, which became ``purpose``. Nothing else is touched: what the older syntax had and the newer
lacks (``group``) stays.
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
    """The same vCon in the syntax of 0.4.0; one that is in it already comes out equal."""
    found = _renamed(vcon, _TOP)
    found["vcon"] = CURRENT
    for name in ("redacted", "amended", "group"):
        if name in found and not found[name]:  # what refers to nothing may be left out, and had to have a type
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
    """Where both names stand there and say something, the old one stays beside the new: neither is lost."""
    found: Json = {}
    for name, each in value.items():
        new = names.get(name, name)
        if new == name or (each and value.get(new)):
            found.setdefault(name, each)
        elif each or new not in value:
            found[new] = each
    return found


def _file(value: Any, names: dict[str, str]) -> Any:
    """``alg`` and ``signature`` were the hash's name and its value (0.0.1). What is no hash stays as it came: under the
    new name it would be taken for one."""
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
    # An inline file must say how it is encoded; of a text that says nothing there is one way to read it.
    if isinstance(body, str) and body and not text(found.get("encoding")):
        found["encoding"] = "none"
    return found


def _session(value: Any) -> Any:
    """A string up to 0.3.0: ``{local};remote={remote}`` (RFC 7989, section 5), or one identifier."""
    if isinstance(value, list):
        return [_session(each) for each in value]
    if not isinstance(value, str):
        return value
    local, _, remote = value.partition(";remote=")
    return {"local": local.strip(), "remote": remote.strip() or NIL_UUID}
