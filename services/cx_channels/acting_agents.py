"""Check that the events of a session name no agent but who signed in. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cx_events.client_data import decode_base64_data
from cx_events.codec import decode_data_leniently
from cx_events.directory import Directory
from cx_events.errors import Refused
from cx_runtime.sessions.acting_agents import check_agents_of_event


def check_agents_of_events(values: Iterable[Any], signed_in: str, directory: Directory, *, importing: bool) -> None:
    """Check the events of a request (structured form, as ``cx_events.http_binding.read`` returns them).

    ``importing``: the session's key may import (scope ``ops``): an event that states its ``recordedtime`` is another
    system's record, and names whoever acted there. What can't be read names nobody, and is rejected by its own fault.
    Raises ``Refused("other-agent", 403)`` for the whole request.
    """
    for value in values:
        if not isinstance(value, dict) or (importing and "recordedtime" in value):
            continue
        source = value.get("source")
        data, _ = decode_data_leniently(_content(value))
        check_agents_of_event(data, source if isinstance(source, str) else "", signed_in, directory)


def _content(value: dict[str, Any]) -> Any:
    try:
        return decode_base64_data(value).get("data")
    except Refused:
        return None
