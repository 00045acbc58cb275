"""Check HTTP basic authentication: Postmark signs nothing, it calls a URL with a name and a password in it.

postmarkapp.com/developer/webhooks/webhooks-overview, "Protecting your webhook".
"""

from __future__ import annotations

from cx_channels.kit.basic_credentials import SIGNATURE, sign, verify

__all__ = ["SIGNATURE", "sign", "verify"]
