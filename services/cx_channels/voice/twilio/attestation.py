"""Read whether the telephone network vouches for the caller's number (SHAKEN/STIR).

Twilio passes the verdict on in ``StirVerstat`` (www.twilio.com/docs/voice/trusted-calling-with-shakenstir). *A* means
that the carrier of origin knows the caller and that the caller may use the number; it does not say who speaks.

- ``TN-Validation-Passed-A`` and ``-A-Passthrough``: the certificate of the carrier of origin was checked. The number is
asserted.

- ``-A-Diverted``: the certificate of the carrier that forwarded the call, which vouches for a caller it does not serve.
So does a plain *A* on a forwarded call: the verdict of origin is for the number dialled first, and can't pass for this
one. Claimed.

- *B*, *C*, ``Failed``, ``No-TN-Validation``, nothing, or an undocumented word: claimed.

Whoever calls over SIP or by a softphone writes the address, and a softphone adds parameters of its own choice to
Twilio's: none of that is a verdict.
"""

from __future__ import annotations

import re

from cx_channels.kit.twilio_forms import Fields
from cx_channels.voice.twilio.addresses import Address, read_address, same_number

FIELD = "StirVerstat"
VOUCHED = frozenset({"TN-Validation-Passed-A", "TN-Validation-Passed-A-Passthrough"})

_VERDICT = re.compile(r"[A-Za-z-]{1,64}")


def is_attested(fields: Fields, caller: Address) -> bool:
    """Return whether the network vouches for the caller's number."""
    if caller.kind != "number" or caller.over_sip or not caller.text.startswith("+"):
        return False
    if fields[FIELD] not in VOUCHED or FIELD in fields.ambiguous:
        return False
    forwarder = read_address(fields["ForwardedFrom"])
    return forwarder.kind == "none" or same_number(forwarder, read_address(fields.first("To", "Called")))


def verdict(fields: Fields) -> str:
    """Return the vendor's verdict as evidence, ``StirVerstat=TN-Validation-Passed-A``; nothing where there is none."""
    said = fields[FIELD]
    return f"{FIELD}={said}" if _VERDICT.fullmatch(said) is not None and FIELD not in fields.ambiguous else ""
