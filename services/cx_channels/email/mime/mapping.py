"""Map a raw mail that came over SMTP; ``cx_channels.kit.mail.raw_mail`` does it for every door."""

from __future__ import annotations

from cx_channels.kit.mail.raw_mail import kinds_of_raw_mail, map_raw_mail
from cx_channels.provider import Connection, Mapped, Request


def map_mail(request: Request, connection: Connection) -> Mapped:
    """Map a raw mail, as ``map_raw_mail`` does."""
    return map_raw_mail(request, connection)


def kinds_of(request: Request, connection: Connection) -> tuple[str, ...]:
    """Return the kinds of what a mail turns out to be, as ``KINDS`` names them."""
    return kinds_of_raw_mail(request, connection)
