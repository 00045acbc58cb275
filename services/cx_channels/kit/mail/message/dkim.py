"""Read who signed a mail: the domain of a DKIM-Signature (RFC 6376). Whether it is valid, others say."""

from __future__ import annotations

import re

from cx_channels.kit.mail.message.origin import normal_domain
from cx_channels.kit.mail.mime.headers import Headers

_SIGNER = re.compile(r";\s*+d\s*+=\s*+([^;]*+)")
_DOMAIN = re.compile(r"[A-Za-z0-9.-]{1,253}")


def signers_of(headers: Headers) -> list[str]:
    """Return the domain of each signature (section 3.5, "d="), "" for one that is no plain domain, or named twice."""
    return [_signer(value) for value in headers.every("dkim-signature")]


def _signer(value: str) -> str:
    named = _SIGNER.findall(f";{value}")
    plain = named[0].strip() if len(named) == 1 else ""
    return normal_domain(plain) if _DOMAIN.fullmatch(plain) else ""
