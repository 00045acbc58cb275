"""Set up the TLS of a client: certificates are checked by the machine's authorities, or by those of a setting."""

from __future__ import annotations

import ssl

from cx_events.errors import Fatal, TryLater


def client_tls(ca_file: str) -> ssl.SSLContext:
    """Return a context that trusts ``ca_file``, or the machine's authorities where it is empty.

    Raise ``Fatal`` where it holds no certificates, ``TryLater`` where it can't be read.
    """
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except ssl.SSLError as error:
        raise Fatal(f"settings.ca_file {ca_file} holds no certificates: {error.reason}") from None
    except OSError as error:
        raise TryLater("ca-file", f"settings.ca_file {ca_file} can't be read: {error.strerror}") from None
