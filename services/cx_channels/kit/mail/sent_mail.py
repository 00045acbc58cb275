"""Draft events about a mail that a vendor sent for us: it arrived, failed, was read, was complained of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from cx_channels.kit.drafts import make_draft
from cx_channels.kit.mail.delivery.reasons import code_of, diagnostic, one_reply
from cx_channels.kit.mail.message.automatic import BOUNCE, REPORT
from cx_channels.kit.mail.message.threads import ids_in
from cx_channels.kit.mail.mime.addresses import parse_mailboxes
from cx_channels.kit.mail.mime.charsets import clean
from cx_channels.provider import Connection
from cx_events.envelope import Consent, Direction, Draft, Failure, Identifier, Message, Participant, Reference
from cx_events.timestamps import Micros

_MAX_WORDS = 1_000
_MAX_NAME = 256
_MAX_URL = 2_048
_STEPS = {
    "cx.message.delivered.v1": "delivered",
    "cx.message.failed.v1": "failed",
    "cx.message.read.v1": "read",
    "cx.message.reacted.v1": "reacted",
    "cx.consent.changed.v1": "consent",
}
"""What an event's id ends with."""

# Most are written so; what is more is read as a mail's field is, which costs ten times as much.
_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,190}")
_PLAIN_ID = re.compile(r"<?([A-Za-z0-9._+=$-]{1,120}@[A-Za-z0-9._-]{1,110})>?")
_WEB = re.compile(r"https?://\S+", re.IGNORECASE)


@dataclass(slots=True)
class SentMail:
    """A notice about a sent mail.

    ``event``: what the events' ids begin with, the notice's own id. ``message_id``: the mail's Message-ID without angle
    brackets, which its answers name; ``vendor_id``: the vendor's own id of the mail; either may be "". ``recipient``:
    an address, as it was sent to.
    """

    connection: Connection
    event: str
    message_id: str
    vendor_id: str
    recipient: str
    time: Micros | None
    raw: msgspec.Raw

    @property
    def is_known(self) -> bool:
        """Return whether the notice tells which mail it is about."""
        return bool(self.message_id or self.vendor_id)

    def delivered(self) -> Draft:
        """Draft that the recipient's server took the mail."""
        return self._draft("cx.message.delivered.v1", "outbound")

    def failed(self, status: str, words: str, reason: str) -> Draft:
        """Draft that the other server did not take the mail. ``status``: a reply or status code, ``words``: the
        server's, ``reason``: the vendor's name for it, which is the code where neither of the others tells one."""
        said = one_reply(diagnostic(_line(words)))
        return self._failure(code_of(status, said) or status or reason, said, reason)

    def not_sent(self, code: str, words: str, reason: str) -> Draft:
        """Draft that the vendor did not even send the mail, and why, in the vendor's own words."""
        return self._failure(code or reason, _line(words), reason)

    def _failure(self, code: str, words: str, reason: str) -> Draft:
        draft = self._draft("cx.message.failed.v1", "outbound", reason=_line(reason)[:_MAX_NAME])
        draft.data.failure = Failure(code=_line(code)[:_MAX_NAME], message=words[:_MAX_WORDS])
        assert draft.data.message is not None
        draft.data.message.automatic = BOUNCE
        return draft

    def read(self, reason: str = "", url: str = "") -> Draft:
        """Draft that the recipient opened the mail, or followed a link in it: ``reason`` ``clicked`` and the link."""
        link = url if _WEB.fullmatch(url) and len(url) <= _MAX_URL else ""
        return self._draft("cx.message.read.v1", "inbound", reason=reason, url=link)

    def complained(self) -> Draft:
        """Draft that the recipient called the mail spam."""
        draft = self._draft("cx.message.reacted.v1", "inbound", reaction="complaint")
        assert draft.data.message is not None
        draft.data.message.automatic = REPORT
        return draft

    def consent(self, purpose: str, *, granted: bool) -> Draft:
        """Draft that the recipient wants no more mail of a kind, or wants it again."""
        consent = Consent(purpose=_line(purpose)[:_MAX_NAME], channel="email", granted=granted)
        return self._draft("cx.consent.changed.v1", "inbound", message=None, consent=consent)

    def _draft(self, event_type: str, direction: Direction, **data: Any) -> Draft:
        what = _STEPS[event_type]
        if "message" not in data:
            data["message"] = Message(id=self.vendor_id or self.message_id)
        names = [self.message_id] if self.message_id else []
        if self.vendor_id and self.vendor_id != self.message_id:
            names.append(self.vendor_id)
        return make_draft(
            self.connection, "email", event_type, f"{self.event}/{what}",
            raw=self.raw, root=self.message_id, time=self.time, direction=direction,
            participants=[Participant(role="customer", identifiers=address_of(self.recipient))],
            references=[Reference(kind="message", value=each) for each in names], **data,
        )  # fmt: skip


def address_of(recipient: str) -> list[Identifier]:
    """Return the identifier of a recipient, also with a display name; none where there is no address."""
    if _PLAIN_ADDRESS.fullmatch(recipient):
        return [Identifier(kind="email", value=recipient)]
    named = next((each.address for each in parse_mailboxes(recipient)), "") or _line(recipient)
    return [Identifier(kind="email", value=named)] if named else []


def message_id_of(value: str) -> str:
    """Return a Message-ID as threads name it: without angle brackets, bounded."""
    plain = _PLAIN_ID.fullmatch(value)
    return plain[1] if plain is not None else next(iter(ids_in(clean(value))), "")


def _line(text: str) -> str:
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    return " ".join(clean(text).split())
