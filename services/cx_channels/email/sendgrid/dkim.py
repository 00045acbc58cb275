"""Read the field ``dkim`` of Inbound Parse: which signatures of a mail SendGrid found valid.

It looks like ``{@example.org : pass, @lists.example : fail}``
(www.twilio.com/docs/sendgrid/for-developers/parsing-email/setting-up-the-inbound-parse-webhook). The names in it come
from the mail, so a sender could try to write the punctuation, too: a name counts only where it is the plain domain of a
``DKIM-Signature`` of that mail, and where all of these are plain.
"""

from __future__ import annotations

import re

from cx_channels.kit.mail.message.dkim import signers_of
from cx_channels.kit.mail.message.origin import normal_domain
from cx_channels.kit.mail.mime.headers import Headers

MAX_LETTERS = 2_000
_ENTRY = re.compile(r"@([A-Za-z0-9.-]{1,253}+) ?+: ?+([a-z]{1,20}+)")


def signers_in(told: str, headers: Headers) -> tuple[str, ...]:
    """Return the domains whose signature is valid. ``told``: the field; ``headers``: those of the mail."""
    found = signers_of(headers)
    if len(told) > MAX_LETTERS or not found:
        return ()
    entries = told.strip().removeprefix("{").removesuffix("}").split(",")
    read = [_ENTRY.fullmatch(each.strip()) for each in entries]
    if None in read or "" in found or len(read) > len(found):
        return ()
    passed = (normal_domain(match[1]) for match in read if match is not None and match[2] == "pass")
    return tuple(dict.fromkeys(each for each in passed if each in found))
