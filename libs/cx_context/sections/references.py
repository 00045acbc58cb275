"""What a conversation is about, and the continuity tokens issued for it."""

from __future__ import annotations

from collections.abc import Sequence

from cx_context.parts.model import Part
from cx_context.threading.conversations import IssuedToken
from cx_context.threading.shared_references import MATTER_KINDS
from cx_events.json_types import Json
from cx_events.timestamps import format_time

TOKENS_SHOWN = 10
REFERENCES_SHOWN = 100


def references_view(parts: Sequence[Part]) -> list[Json]:
    """Return the order and case numbers that a conversation names. Ids of messages and calls are not shown."""
    references = sorted({tuple(key.split("\n", 1)) for part in parts for key in part.references})
    matters = [(kind, value) for kind, value in references if kind in MATTER_KINDS]
    return [{"kind": kind, "value": value} for kind, value in matters[:REFERENCES_SHOWN]]


def tokens_view(tokens: Sequence[IssuedToken]) -> list[Json]:
    """Return the tokens issued last, newest first, and their uses."""
    return [_token(issued) for issued in reversed(tokens[-TOKENS_SHOWN:])]


def _token(issued: IssuedToken) -> Json:
    token = issued.token
    return {
        "id": token.id,
        "issued_at": format_time(token.issued[0]),
        "expires_at": format_time(token.expires),
        "single_use": token.single_use,
        "uses": [
            {"interaction": user, "time": format_time(use.at[0]), "refused": use.refused}
            for use, user in zip(token.uses[:TOKENS_SHOWN], issued.users, strict=False)
        ],
    }
