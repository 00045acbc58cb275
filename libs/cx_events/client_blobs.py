"""Find originals in clients' events that are too large for the log, and refuse names of the hub's own blobs."""

from __future__ import annotations

from typing import Any

import msgspec

from cx_events.errors import Refused

_RESERVED = "blob names are written by the hub only; send the url of a file instead"

_encode = msgspec.json.Encoder().encode


def check_blob_names(value: Any) -> None:
    """Raise ``Refused("reserved-blob")`` for an event that says which of the hub's blobs holds its content.

    A sender who names a blob would be handed what another sender stored there. Only the hub writes such names, and an
    import (an event with a ``recordedtime``) repeats them.
    """
    data = value.get("data") if isinstance(value, dict) else None
    if not isinstance(data, dict) or value.get("recordedtime") is not None:
        return
    check_raw_blob(data.get("raw"))
    message = data.get("message")
    files = message.get("attachments") if isinstance(message, dict) else None
    for number, file in enumerate(files if isinstance(files, list) else ()):
        if isinstance(file, dict) and file.get("blob"):
            raise Refused("reserved-blob", f"data.message.attachments[{number}].blob: {_RESERVED}")


def check_raw_blob(raw: Any) -> None:
    """Raise ``Refused("reserved-blob")`` for a client's original (``data.raw``) that would be read out of a blob."""
    if isinstance(raw, dict) and isinstance(raw.get("blob"), str) and raw["blob"].startswith("sha256:"):
        raise Refused("reserved-blob", f"data.raw.blob: {_RESERVED}")


def oversized_raw(value: Any, over: int) -> bytes | None:
    """Return the JSON text of an event's ``data.raw`` if it has more than ``over`` bytes, else None."""
    data = value.get("data") if isinstance(value, dict) else None
    raw = data.get("raw") if isinstance(data, dict) else None
    if raw is None:
        return None
    text = _encode(raw)
    return text if len(text) > over else None
