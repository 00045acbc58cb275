"""List kinds of Rocket.Chat's notices that are no event, each with the reason."""

from __future__ import annotations

from collections.abc import Mapping

from cx_channels.provider import Ignored

_SYSTEM = "about rooms and people of the workspace, not what is said"

IGNORED: Mapping[str, str] = {
    "test": "made up by the button that sends an example",
    "navigation": "the visitor opened a page, and said nothing",
    "no-contact": "the visitor left neither a mail address nor a number",
    "no-words": "a message without words or files",
    "not-closed": "the room is open, and its messages were told",
    "no-tags": "the room was edited, without topic, tags or anything known of the visitor",
    "colleagues": "no setting makes the channel one of customers",
    "integration/room": _SYSTEM,
    "integration/user": _SYSTEM,
}

KEPT: Mapping[str, str] = {
    "app/courier": "a message of the Courier app has neither an id nor a time",
    "app/rapidpro": "a message of the RapidPro app has neither an id nor a time",
}


def ignored(kind: str) -> Ignored:
    """Return a kind that is left out, with the reason."""
    return Ignored(kind, IGNORED[kind])
