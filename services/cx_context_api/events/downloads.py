"""Make the headers by which a browser saves a stranger's file and neither shows nor runs it.

Whatever the file says of itself: ``Content-Disposition: attachment`` has it saved, ``nosniff`` keeps the browser from
guessing another type, the policy confines what is shown nevertheless to a sandbox without scripts and origin, and only
types that no browser executes keep their name.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

OPAQUE = "application/octet-stream"
MAX_NAME = 150
NAMELESS = "attachment"

_TYPE = re.compile(r"([a-z0-9!#$&^_.+-]{1,60})/([a-z0-9!#$&^_.+-]{1,100})")
_PASSIVE = frozenset(
    {
        "text/plain", "text/csv", "text/calendar", "text/vcard",
        "application/pdf", "application/json", "application/zip", "application/gzip", "application/rtf",
        "application/msword", "application/x-7z-compressed", "application/vnd.rar",
    }
)  # fmt: skip
_PASSIVE_FAMILIES = (
    "application/vnd.openxmlformats-officedocument.", "application/vnd.oasis.opendocument.",
    "application/vnd.ms-excel", "application/vnd.ms-powerpoint", "application/vnd.ms-outlook",
)  # fmt: skip
_ACTIVE_PICTURES = "image/svg"
_ACTIVE_SUFFIX = ("+xml", "/xml")
_UNQUOTABLE = re.compile(r"[^ !#$&'()+,\-.0-9;=@A-Z\[\]^_`a-z{}~]")
_RESERVED = re.compile(r'[\\/:*?"<>|]')

SAFE_HEADERS = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cache-control": "private, no-cache",
    "vary": "authorization",
}


def safe_type(content_type: str) -> str:
    """Return the media type to serve a file as: its own where no browser executes that, else ``OPAQUE``. Parameters are
    left out."""
    given = content_type.partition(";")[0].strip().lower()
    match = _TYPE.fullmatch(given)
    if match is None or given.startswith(_ACTIVE_PICTURES) or given.endswith(_ACTIVE_SUFFIX):
        return OPAQUE
    passive = match[1] in ("image", "audio", "video") or given in _PASSIVE or given.startswith(_PASSIVE_FAMILIES)
    return given if passive else OPAQUE


def file_name(name: str) -> str:
    """Return a name under which a file can be saved anywhere: its last segment, without control characters, marks of
    direction (which make ``gpj.exe`` of ``exe.jpg``) and what file systems reserve."""
    last = name.replace("\\", "/").rpartition("/")[2]
    plain = "".join(c for c in last if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
    kept = _RESERVED.sub("_", plain).strip(" .")
    if len(kept) > MAX_NAME:
        stem, dot, ending = kept.rpartition(".")
        kept = f"{stem[: MAX_NAME - len(ending) - 1]}.{ending}" if dot and len(ending) <= 10 else kept[:MAX_NAME]
    return kept or NAMELESS


def disposition(name: str) -> str:
    """Return ``Content-Disposition`` by which a browser saves a file under this name (RFC 6266, section 4; other than
    ASCII as RFC 8187 has it, with a form in ASCII for old clients)."""
    kept = file_name(name)
    plain = _UNQUOTABLE.sub("_", unicodedata.normalize("NFKD", kept).encode("ascii", "ignore").decode()).rstrip(" .")
    if not plain or plain.startswith("."):
        plain = NAMELESS + plain
    if plain == kept:
        return f'attachment; filename="{plain}"'
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(kept, safe='!#$&+-.^_`|~')}"
