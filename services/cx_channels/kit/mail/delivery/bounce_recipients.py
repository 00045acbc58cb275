"""Find the failed recipients in the text of a bounce."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cx_channels.kit.mail.delivery.reasons import (
    said_by,
    stated_in,
)
from cx_channels.kit.mail.mime.addresses import parse_mailboxes
from cx_channels.kit.mail.mime.headers import Headers

MAX_RECIPIENTS = 50


_REASON_WITHIN = 200
"""The characters before and after an address in which the reason of a failure is searched."""


_ADDRESS = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-]{1,64}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){0,8}"


_AHEAD = r"[<\"'(\[]{0,2}"


STATED_RECIPIENT = re.compile(
    rf"(?:(?:final|original)-recipient|recipient address):\s*+(?:rfc822;\s*+)?<?({_ADDRESS})", re.IGNORECASE
)


# Where a failed address stands, the most telling place first.
_PLACES = (
    STATED_RECIPIENT,
    re.compile(rf"^[ \t]*[45]\d\d[ -](?:[45]\.\d{{1,3}}\.\d{{1,3}} )?<({_ADDRESS})>\.\.\.", re.MULTILINE),
    re.compile(rf"rcpt to:\s*<({_ADDRESS})>", re.IGNORECASE),
    re.compile(rf"^[ \t>*-]{{0,12}}<({_ADDRESS})>", re.MULTILINE),
    re.compile(rf"^[ \t>*-]{{0,12}}({_ADDRESS})(?![\w@])", re.MULTILINE),
    re.compile(
        r"(?:recipients?|addressed to|user|mailbox|address(?:es)?(?: was)?|e-?mail|delivered to|delivery? to|sent to"
        r"|send to|message to|failed for|user unknown)[ \t]*+(?:\([^()\n]{0,40}\)[ \t]*+)?(?:[:=]\s{0,4}|(?<=[ \t]))"
        rf"{_AHEAD}({_ADDRESS})",
        re.IGNORECASE,
    ),
    re.compile(rf"\b(?:to|for)[ \t]*:?[ \t]{{1,4}}{_AHEAD}({_ADDRESS})", re.IGNORECASE),
    re.compile(rf"<({_ADDRESS})>"),
    re.compile(rf"\(({_ADDRESS})\)"),
    re.compile(rf"(?<![\w@.])({_ADDRESS})(?![\w@])"),
)


_OWN_LINE = 5
"""The first so many patterns match an address on a line of its own."""


def failed_recipients(headers: Headers, notice: str, not_these: set[str], sent_to: set[str]) -> list[str]:
    named = [mailbox.address for raw in headers.every("x-failed-recipients") for mailbox in parse_mailboxes(raw)]
    if named:
        return list(dict.fromkeys(named))[:MAX_RECIPIENTS]
    for place in _PLACES:
        matches = list(place.finditer(notice))
        found = unique_addresses((match[1] for match in matches), not_these)
        if found:
            known = [address for address in found if address.lower() in sent_to]
            failed = {match[1].strip(".") for match in matches if known and _has_reason(notice, match)}
            return [address for address in found if address in (*known, *failed) or not known][:MAX_RECIPIENTS]
    return []


def unique_addresses(addresses: Iterable[str], not_these: set[str]) -> list[str]:
    plain = dict.fromkeys(address.strip(".").removeprefix("mailto:") for address in addresses)
    return [address for address in plain if address.lower() not in not_these and "@" in address]


def _has_reason(notice: str, match: re.Match[str]) -> bool:
    """Return whether an address comes with a reason: a failed address does, a contact for help does not."""
    if match.re not in _PLACES[:_OWN_LINE]:
        return False
    start = notice.rfind("\n", max(0, match.start(1) - _REASON_WITHIN), match.start(1)) + 1
    start = start or max(0, match.start(1) - _REASON_WITHIN)
    around = notice[start : match.end() + _REASON_WITHIN].partition("\n\n")[0]
    return bool(stated_in(around) or said_by(around))
