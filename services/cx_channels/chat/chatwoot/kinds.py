"""List kinds of Chatwoot's notices that are no event, each with the reason."""

from __future__ import annotations

from collections.abc import Mapping

from cx_channels.provider import Ignored

_INBOX = "about an inbox of the account; about no customer"
_TYPING = "somebody types, which is nothing yet"

IGNORED: Mapping[str, str] = {
    "other-account": "the setting account names another account",
    "message_created/activity": "Chatwoot's own note of what happened; the conversation tells it",
    "message_updated/private": "a note or a line of Chatwoot's own was changed",
    "message_updated/sent": "nothing that the customer sees changed: the message was handed to the network",
    "conversation_updated/other": "labels, priority, attributes: nothing was said, and nobody else has it",
    "contact/nobody": "a visitor of whom nothing is known yet",
    "automation_event": "a rule of the account calls by itself; what happened is told by its own webhook",
    "macro.executed": "an agent ran a macro; what it did is told by its own webhooks",
    "webwidget_triggered": "somebody opened the site's widget, and said nothing",
    "conversation_typing_on": _TYPING,
    "conversation_typing_off": _TYPING,
    "inbox_created": _INBOX,
    "inbox_updated": _INBOX,
}


def ignored(kind: str) -> Ignored:
    """Return a kind that is left out, with the reason."""
    return Ignored(kind, IGNORED[kind])
