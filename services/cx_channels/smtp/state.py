"""Hold what all sessions of one SMTP listener share: its settings, its bounds, and the work under way."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from cx_channels.provider import Connection, Request
from cx_channels.smtp.bounds import SmtpBounds

Deliver = Callable[[Request, Connection], Awaitable[object]]
ByRecipient = Callable[[str], Connection | None]


class OpenSession(Protocol):
    """A client that is connected."""

    def leave(self) -> None:
        """Say goodbye once the mail under way is answered."""

    def say_goodbye(self) -> None:
        """Answer 421 and close the connection."""


@dataclass(slots=True)
class ListenerState:
    """The settings and the shared state of one listener.

    ``connections`` finds the connection of a recipient. ``deliver`` returns once the mail is durable. ``refused`` is
    called with the reason whenever a client is turned away. ``open`` holds the sessions; ``delivering`` the mails being
    stored, and ``answering`` those whose answer is not sent yet. ``leaving``: no new mail is taken.
    """

    connections: ByRecipient
    deliver: Deliver
    bounds: SmtpBounds
    max_bytes: int
    idle_seconds: float
    hostname: str
    tls: ssl.SSLContext | None
    require_tls: bool
    clock: Callable[[], int]
    refused: Callable[[str], None]
    open: set[OpenSession] = field(default_factory=set)
    delivering: set[asyncio.Future[str]] = field(default_factory=set)
    answering: set[asyncio.Future[str]] = field(default_factory=set)
    leaving: bool = False
