"""Log in to a mail server: by a password, or by an OAuth token (XOAUTH2), never in clear text."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence

from cx_channels.email.imap.client.names import quoted
from cx_channels.email.imap.client.session import NotDone, Session
from cx_channels.email.imap.client.tokens import fetch_token
from cx_channels.email.imap.client.wire import Wire
from cx_channels.email.imap.settings import MailboxSettings
from cx_channels.pollers.tls import client_tls
from cx_events.errors import Refused


async def connect(settings: MailboxSettings, most_literal: int) -> tuple[Wire, Session]:
    """Return a session that is under TLS and not logged in yet. ``Refused`` where that can't be had."""
    tls = client_tls(settings.ca_file)
    is_implicit = settings.tls == "implicit"
    wire = await Wire.open(settings.host, settings.port, tls if is_implicit else None, most_literal)
    try:
        session = Session(wire)
        greeting = await session.greet()
        if greeting.kind == "PREAUTH" and not is_implicit:
            raise Refused("no-tls", "the mail server logs us in before STARTTLS: what follows may be anybody's")
        if not is_implicit:
            await session.learn_capabilities()
            await session.start_tls()
            await wire.start_tls(settings.host, tls)
        await session.learn_capabilities()
    except BaseException:
        wire.close()
        raise
    return wire, session


async def log_in(session: Session, settings: MailboxSettings, secrets: Sequence[str]) -> None:
    """Log in by one of the secrets, the newest first. ``Refused`` where the server takes none of them."""
    refused = Refused(
        "no-secrets", "there is no secret: add the mailbox's password or token to the connection's secrets"
    )
    for secret in secrets:
        try:
            if settings.auth == "xoauth2":
                await _by_token(session, settings, secret)
            else:
                await _by_password(session, settings.user, secret)
        except NotDone as error:
            if error.is_passing:
                raise error.later() from None
            detail = f"the mail server does not take {settings.user}'s {_what(settings)}: {error.status.text}"
            refused = Refused("login-refused", detail)
            continue
        await session.learn_capabilities()
        return
    raise refused


async def _by_password(session: Session, user: str, password: str) -> None:
    if any(sign in user + password for sign in "\r\n\0"):
        raise Refused("bad-settings", "a user or password with a line break or NUL can't be sent")
    if "AUTH=PLAIN" in session.capabilities:
        plain = b64encode(f"\0{user}\0{password}".encode())
        await session.command(b"AUTHENTICATE PLAIN", [plain])
    elif "LOGINDISABLED" in session.capabilities:
        raise Refused("login-refused", "the mail server takes no passwords: use auth: xoauth2")
    elif not (user + password).isascii():
        raise Refused("bad-settings", "this mail server takes user and password in ASCII alone")
    else:
        await session.command(b"LOGIN " + quoted(user) + b" " + quoted(password))


async def _by_token(session: Session, settings: MailboxSettings, secret: str) -> None:
    token = await fetch_token(settings.tokens, secret) if settings.tokens is not None else secret
    await session.command(b"AUTHENTICATE XOAUTH2", [xoauth2(settings.user, token)])


def xoauth2(user: str, token: str) -> bytes:
    """Return the client's answer (https://developers.google.com/gmail/imap/xoauth2-protocol). The server's error comes
    as one more continuation, which an empty line answers."""
    return b64encode(f"user={user}\x01auth=Bearer {token}\x01\x01".encode())


def _what(settings: MailboxSettings) -> str:
    return "token" if settings.auth == "xoauth2" else "password"
