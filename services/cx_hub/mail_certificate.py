"""Load the mail server's certificate, and renew it while the hub runs."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import structlog

from cx_events.errors import Fatal
from cx_runtime.settings import Settings

_LOOK_SECONDS = 60.0


class MailCertificate:
    """``context`` serves STARTTLS with what the two files hold; a renewed certificate is taken within a minute."""

    def __init__(self, cert: Path, key: Path) -> None:
        """Raises ``Fatal`` where the files are no certificate and its key."""
        self._cert = cert
        self._key = key
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            self._seen = self._stamp()
            self.context.load_cert_chain(cert, key, password=_no_password)
        except (OSError, ValueError) as error:
            raise Fatal(f"CX_SMTP_TLS_CERT, CX_SMTP_TLS_KEY: {_why(error)}") from None

    def renew(self) -> bool:
        """Read the files again if they changed, and say whether they did. Unreadable ones change nothing but are told;
        certificate and key are often replaced one after the other."""
        try:
            stamp = self._stamp()
            if stamp == self._seen:
                return False
            # Tried apart first: a context that took a certificate without its key could serve neither.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self._cert, self._key, password=_no_password)
            self.context.load_cert_chain(self._cert, self._key, password=_no_password)
        except (OSError, ValueError) as error:
            structlog.get_logger("cx_hub").warning("the mail certificate can't be renewed", why=_why(error))
            return False
        self._seen = stamp
        structlog.get_logger("cx_hub").info("the mail certificate is renewed")
        return True

    async def keep_renewed(self) -> None:
        """Look at the files once a minute, for ever."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            await asyncio.to_thread(self.renew)

    def _stamp(self) -> tuple[tuple[int, int, int], ...]:
        found = (path.stat() for path in (self._cert, self._key))
        return tuple((each.st_ino, each.st_mtime_ns, each.st_size) for each in found)


def mail_certificate(settings: Settings) -> MailCertificate | None:
    """None where none is configured. Raises ``Fatal`` for half a configuration, or files that are none."""
    cert, key = settings.smtp_tls_cert, settings.smtp_tls_key
    if cert is not None and key is not None:
        return MailCertificate(cert, key)
    if cert is not None or key is not None:
        raise Fatal("CX_SMTP_TLS_CERT and CX_SMTP_TLS_KEY belong together: one of them is missing")
    if settings.smtp_require_tls:
        raise Fatal("CX_SMTP_REQUIRE_TLS needs CX_SMTP_TLS_CERT and CX_SMTP_TLS_KEY")
    return None


def _no_password() -> str:
    """OpenSSL would ask at the terminal otherwise."""
    raise ValueError("the key is encrypted; a server needs one that is not")


def _why(error: Exception) -> str:
    if isinstance(error, FileNotFoundError | PermissionError):
        return f"{error.strerror}: {error.filename or 'a file of them'}"
    return str(error)
